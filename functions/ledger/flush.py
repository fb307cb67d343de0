"""Moving the front of a balance's tail into a page: one writer, one page, one trim. Design: README.md, Flushing.

A flush is never part of an answer: the change it follows is done. What fails here is counted in the log and met again
by the next flusher, who finds the page and trims to it.
"""

from itertools import islice

from aws_lambda_powertools import Logger

from ledger.counter import Balance, balance_key
from ledger.entry import key_time_ms
from ledger.pages import Page, page_item, read_page
from ledger.table import FAILED, Failure, Table, answer_of, failure
from ledger.update import Update, number

# A policy, not a format: pages carry their own length.
EVERY = 10  # entries between two flushes of a balance
KEEP = 4  # newest entries that stay: the keys most likely to be asked for again
LONGEST_PAGE = 64
CAP = 120  # entries in a tail at the most; a full one takes no change until it is flushed
NEARLY_FULL = CAP - 2 * EVERY

logger = Logger(child=True)


def is_due(sequence: int, length: int) -> bool:
    """Say whether the writer of entry `sequence`, which made the tail this long, is the one to flush it."""
    due = EVERY + KEEP
    if length < due:
        return False
    if length >= NEARLY_FULL:
        return True
    # An overdue flush is most likely being done right now: only every other designated writer joins in.
    return sequence % (EVERY if length < due + EVERY else 2 * EVERY) == 0


def flush_if_due(table: Table, balance: Balance, sequence: int) -> None:
    """Flush a balance if the writer of entry `sequence` is the one to do it."""
    if is_due(sequence, balance.sequence - balance.flushed):
        flush_tail(table, balance)


def flush_tail(table: Table, balance: Balance) -> None:
    """Move all but a tail's newest entries into a page and trim them off. Failed calls are logged, not raised."""
    try:
        page = _settle_page(table, balance, _next_page(balance))
        if page is not None:
            _trim(table, balance, page)
    except FAILED as error:
        logger.warning("flush failed", error=type(error).__name__, account=balance.account, unit=balance.unit)


def _next_page(balance: Balance) -> Page:
    """Cut the next page off this tail: all but the newest entries."""
    count = min(len(balance.tail) // 2 - KEEP, LONGEST_PAGE)
    run = balance.tail[: 2 * count]
    posted = list(islice(balance.entries(), count))
    return Page(
        first=balance.flushed + 1,
        count=count,
        run=run,
        before=balance.base,
        held_before=balance.base_held,
        after=posted[-1].after,
        held_after=posted[-1].held,
        watermark_ms=max(balance.watermark_ms, *(key_time_ms(each.key) for each in posted)),
        latest_ms=max(balance.latest_ms, *(each.entry.time_ms for each in posted)),
    )


def _settle_page(table: Table, balance: Balance, page: Page) -> Page | None:
    """Put the page, or take the one that another flusher put first. None, and an alarm, if that one differs."""
    try:
        table.client.put_item(
            TableName=table.name,
            Item=page_item(balance.account, balance.unit, page),
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except FAILED as error:
        if failure(error) is not Failure.CONDITION:
            raise
        settled = read_page(answer_of(error)["Item"])
        both = min(len(settled.run), len(balance.tail))
        if settled.before != page.before or settled.run[:both] != balance.tail[:both]:
            # Watched by an alarm in template.yaml: the history would be wrong if this balance were trimmed.
            logger.critical("page differs from tail", account=balance.account, unit=balance.unit, sequence=page.first)
            return None
        return settled
    return page


def _trim(table: Table, balance: Balance, page: Page) -> None:
    """Take the page's entries off the tail, if no other flusher did so first."""
    nobody_trimmed = "f = :flushed"
    try:
        update = Update(
            table,
            balance_key(balance.account, balance.unit),
            sets=["f = :last", "b = :after", "c = :held", "w = :watermark", "l = :latest"],
            removes=[f"t[{at}]" for at in range(2 * page.count)],
            clauses=[nobody_trimmed],
            values={
                ":flushed": number(balance.flushed),
                ":last": number(page.last),
                ":after": number(page.after),
                ":held": number(page.held_after),
                ":watermark": number(page.watermark_ms),
                ":latest": number(page.latest_ms),
            },
        )
        table.client.update_item(**update.request())
    except FAILED as error:
        if failure(error) is not Failure.CONDITION:
            raise
