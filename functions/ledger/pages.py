"""The pages: runs of entries moved out of a balance for good, and how to find a key or an instant among them.

A page never changes. Pages follow each other without a gap from entry 1, and two of their figures only ever grow:
`watermark_ms` (the largest key time up to here) and `latest_ms` (the latest entry time up to here).
Design: README.md, Retries.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.entry import Posted, forward, key_time_ms
from ledger.table import Item, Table, balance_pk, page_sk, reading

# An entry is written at most 10 minutes and one function's life after its key was minted (claims.py); the rest of the
# minute is for clocks that differ.
KEY_LIFE_MS = 11 * 60_000
_LAST_SEQUENCE = 10**12 - 1
_PAGES_A_CALL = 50


@dataclass(frozen=True, slots=True)
class Page:
    """A run of entries, the balance right before and right after it, and how far time had come by its end."""

    first: int
    count: int
    run: Sequence[bytes]
    before: int
    held_before: int
    after: int
    held_after: int
    watermark_ms: int
    latest_ms: int

    @property
    def last(self) -> int:
        """The sequence number of its newest entry."""
        return self.first + self.count - 1

    def entries(self) -> Iterator[Posted]:
        """Walk its entries, oldest first."""
        return forward(self.run, self.first - 1, self.before, self.held_before)

    def find(self, key: bytes) -> Posted | None:
        """Find the entry with this key."""
        if key not in self.run[::2]:
            return None
        return next(posted for posted in self.entries() if posted.key == key)


def page_item(account: int, unit: str, page: Page) -> Item:
    """Write a page as its item."""
    numbers = {
        "n": page.count,
        "b": page.before,
        "c": page.held_before,
        "a": page.after,
        "h": page.held_after,
        "w": page.watermark_ms,
        "l": page.latest_ms,
    }
    return {
        "pk": {"S": balance_pk(account, unit)},
        "sk": {"S": page_sk(page.first)},
        "t": {"L": [{"B": part} for part in page.run]},
    } | {name: {"N": str(number)} for name, number in numbers.items()}


def read_page(item: Item) -> Page:
    """Read a page from its item."""
    return Page(
        first=int(item["sk"]["S"][2:]),
        count=int(item["n"]["N"]),
        run=[part["B"] for part in item["t"]["L"]],
        before=int(item["b"]["N"]),
        held_before=int(item["c"]["N"]),
        after=int(item["a"]["N"]),
        held_after=int(item["h"]["N"]),
        watermark_ms=int(item["w"]["N"]),
        latest_ms=int(item["l"]["N"]),
    )


def find_recent(table: Table, account: int, unit: str, key: bytes, after: int) -> Posted | None:
    """Look for a key in the pages that begin after entry `after`, newest first, as far back as its time allows."""
    for page in pages(table, account, unit, after + 1, _LAST_SEQUENCE, newest_first=True):
        if page.watermark_ms < key_time_ms(key):
            return None
        if found := page.find(key):
            return found
    return None


def find_old(table: Table, account: int, unit: str, key: bytes, flushed: int) -> Posted | None:
    """Look for a key of any age in the pages up to entry `flushed`, reading only those of its time."""
    minted_ms = key_time_ms(key)
    start = first_page_where(table, account, unit, flushed, lambda page: page.watermark_ms >= minted_ms)
    for page in pages(table, account, unit, start, flushed, newest_first=False):
        if found := page.find(key):
            return found
        if page.latest_ms > minted_ms + KEY_LIFE_MS:
            return None
    return None


def first_page_where(table: Table, account: int, unit: str, flushed: int, reached: Callable[[Page], bool]) -> int:
    """Binary search: the first entry of the oldest page for which `reached` holds, or `flushed + 1`.

    `reached` must stay true once it is: it may ask only for the figures of a page that grow.
    """
    low, high = 1, flushed + 1
    while low < high:
        page = next(pages(table, account, unit, 1, (low + high) // 2, newest_first=True, limit=1))
        if reached(page):
            high = page.first
        else:
            low = page.last + 1
    return high


def pages(
    table: Table, account: int, unit: str, first: int, last: int, *, newest_first: bool, limit: int = _PAGES_A_CALL
) -> Iterator[Page]:
    """Read the pages that begin with an entry from `first` to `last`."""
    request: dict[str, Any] = {
        "TableName": table.name,
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {
            ":pk": {"S": balance_pk(account, unit)},
            ":first": {"S": page_sk(first)},
            ":last": {"S": page_sk(last)},
        },
        "ConsistentRead": True,
        "ScanIndexForward": not newest_first,
        "Limit": limit,
    }
    if first > last:
        return
    while True:
        with reading():
            answer = table.client.query(**request)
        yield from map(read_page, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
