"""What an operator is told of a damaged history: which part of it, and what does not fit, and nothing else."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from ledger import balance, history
from ledger.change import Change
from ledger.entry import Entry, pack
from ledger.kinds import Kind
from ledger.table import Item, Table
from tests.ledger.conftest import ACCOUNT, OPERATOR, Clock

Tamper = Callable[[Item, list[Item]], object]


def add(item: Item, name: str, by: int) -> None:
    item[name]["N"] = str(int(item[name]["N"]) + by)


def another(item: Item, at: int, amount: int) -> None:
    item["t"]["L"][at]["B"] = pack(Entry(Kind.TOP_UP, amount, 0, OPERATOR))


DAMAGED: dict[str, tuple[Tamper, list[str]]] = {
    "more than the entries account for": (
        lambda counter, pages: add(counter, "a", 1),
        ["the tail does not lead to the balance"],
    ),
    "held by no hold": (
        lambda counter, pages: add(counter, "h", 1),
        ["the tail does not lead to the balance", "the open holds do not make up what is held"],
    ),
    "a number without an entry": (
        lambda counter, pages: add(counter, "s", 1),
        ["the tail does not lead to the balance", "32 entries for sequence number 33"],
    ),
    "another entry in the tail": (
        lambda counter, pages: another(counter, 1, 1),
        ["the tail does not lead to the balance"],
    ),
    "another entry in a page": (
        lambda counter, pages: another(pages[0], 3, 999),
        ["the page from entry 1 does not add up"],
    ),
    "a page that ends elsewhere": (
        lambda counter, pages: add(pages[0], "a", 1),
        ["the page from entry 1 does not lead to what follows", "the page from entry 1 does not add up"],
    ),
    "a page that holds more than it did": (
        lambda counter, pages: add(pages[0], "h", 1),
        ["the page from entry 1 does not lead to what follows", "the page from entry 1 does not add up"],
    ),
    "not from zero": (
        lambda counter, pages: add(pages[0], "b", 1),
        ["the page from entry 1 does not add up", "the history does not begin at entry 1 from zero"],
    ),
    "a key younger than its page's watermark": (
        lambda counter, pages: add(pages[0], "w", -(10**9)),
        ["the page from entry 1 is younger than it says"],
    ),
    "a time later than its page's latest": (
        lambda counter, pages: add(pages[0], "l", -(10**9)),
        ["the page from entry 1 is younger than it says"],
    ),
    "a watermark past the next page's": (
        lambda counter, pages: add(pages[0], "w", 10**9),
        ["the page from entry 1 is younger than it says"],
    ),
    "a latest time past the next page's": (
        lambda counter, pages: add(pages[0], "l", 10**9),
        ["the page from entry 1 is younger than it says"],
    ),
    "an entry too many": (
        lambda counter, pages: pages[0]["t"]["L"].extend(pages[0]["t"]["L"][:2]),
        [
            "the page from entry 1 holds 17 entries, not 16",
            "the page from entry 1 does not add up",
            "33 entries for sequence number 32",
        ],
    ),
    "the last page gone": (
        lambda counter, pages: pages.pop(),
        [
            "the page from entry 1 ends at 16, but what follows begins at 27",
            "the page from entry 1 does not lead to what follows",
            "22 entries for sequence number 32",
        ],
    ),
    "the first page gone": (
        lambda counter, pages: pages.pop(0),
        ["the history does not begin at entry 1 from zero", "16 entries for sequence number 32"],
    ),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_the_damaged_part_is_named(table: Table, clock: Clock, damage: str) -> None:
    for amount in range(1, 32):
        clock.ms += 60_000
        balance.change(table, Change(OPERATOR, ACCOUNT, "sms", Kind.TOP_UP, amount, OPERATOR))
    items: dict[tuple[str, str], Item] = cast("Any", table.client).items
    *pages, counter = (items.pop(place) for place in sorted(items) if place[0] == f"B#{ACCOUNT}#sms")
    tamper, problems = DAMAGED[damage]
    tamper(counter, pages)
    for item in (*pages, counter):
        table.client.put_item(TableName=table.name, Item=item)
    assert history.reconcile(table, ACCOUNT, "sms").problems == problems
