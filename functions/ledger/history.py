"""Reading a balance's history, and proving it. Design: README.md, Reading.

The balance item (its tail) is always read before the pages, both consistently. What a page holds beyond that tail's
start was moved there in between, so it is left out: every entry is met once, and none is missed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ledger.counter import read
from ledger.entry import Posted, key_time_ms
from ledger.holds import read_holdings
from ledger.pages import Page, first_page_where, pages
from ledger.table import Table


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What adding up a whole history again found. Amounts are in the unit's smallest part."""

    entries: int
    sequence: int
    available: int
    held: int
    problems: list[str]


def entries(table: Table, account: int, unit: str, *, limit: int, before: int | None = None) -> list[Posted]:
    """Read up to `limit` entries, newest first, of those with a sequence number below `before`.

    Entries never change or move, so the last sequence number of one answer is the cursor to the next. Reads its own
    writes at once.
    """
    balance = read(table, account, unit)
    end = balance.sequence if before is None else min(balance.sequence, before - 1)

    def newest_first() -> Iterator[Posted]:
        yield from reversed(list(balance.entries()))
        for page in pages(table, account, unit, 1, min(balance.flushed, end), newest_first=True):
            yield from reversed(list(page.entries()))

    return list(islice((posted for posted in newest_first() if posted.sequence <= end), limit))


def at(table: Table, account: int, unit: str, time_ms: int) -> Posted | None:
    """Find the last entry made by this time; its `after` was the balance then. None: no entry was that old."""
    balance = read(table, account, unit)

    def reaches_past(page: Page) -> bool:
        return page.latest_ms > time_ms

    # Everything before this page is as old as asked for; in the page (or else in the tail) lies the edge.
    first = first_page_where(table, account, unit, balance.flushed, reaches_past)
    edge = next(pages(table, account, unit, first, balance.flushed, newest_first=False), balance).entries()
    last = None
    for posted in edge:
        if posted.entry.time_ms > time_ms:
            break
        last = posted
    if last is None and first > 1:
        *_, last = next(pages(table, account, unit, 1, first - 1, newest_first=True)).entries()
    return last


def reconcile(table: Table, account: int, unit: str) -> Reconciliation:
    """Add up the whole history of one balance again, and list whatever does not fit. Reads every page once."""
    holdings = read_holdings(table, account, unit)
    balance = holdings.balance
    problems: list[str] = []

    def expect(fits: bool, what: str) -> None:
        if not fits:
            problems.append(what)

    ends = [(balance.flushed, balance.base, balance.base_held)]
    ends += [(posted.sequence, posted.after, posted.held) for posted in balance.entries()]
    expect(ends[-1] == (balance.sequence, balance.available, balance.held), "the tail does not lead to the balance")
    expect(balance.held == sum(holdings.holds.values()), "the open holds do not make up what is held")
    count = len(ends) - 1

    # What lies above the page being looked at, and must begin where the page ends.
    next_first, next_before = balance.flushed + 1, (balance.base, balance.base_held)
    next_figures = (balance.watermark_ms, balance.latest_ms)
    for page in pages(table, account, unit, 1, balance.flushed, newest_first=True):
        name = f"the page from entry {page.first}"
        posted = list(page.entries())
        expect(len(posted) == page.count > 0, f"{name} holds {len(posted)} entries, not {page.count}")
        expect(page.last + 1 == next_first, f"{name} ends at {page.last}, but what follows begins at {next_first}")
        expect((page.after, page.held_after) == next_before, f"{name} does not lead to what follows")
        expect((posted[-1].after, posted[-1].held) == (page.after, page.held_after), f"{name} does not add up")
        expect(
            max(key_time_ms(each.key) for each in posted) <= page.watermark_ms <= next_figures[0]
            and max(each.entry.time_ms for each in posted) <= page.latest_ms <= next_figures[1],
            f"{name} is younger than it says",
        )
        count += len(posted)
        next_first, next_before = page.first, (page.before, page.held_before)
        next_figures = (page.watermark_ms, page.latest_ms)
    expect((next_first, next_before) == (1, (0, 0)), "the history does not begin at entry 1 from zero")
    expect(count == balance.sequence, f"{count} entries for sequence number {balance.sequence}")
    return Reconciliation(count, balance.sequence, balance.available, balance.held, problems)
