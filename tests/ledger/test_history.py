"""Reading a history back, and telling a broken one from a whole one."""

from typing import Any, cast

import pytest

from ledger import balance, flush, history
from ledger.change import Change
from ledger.entry import AMOUNT_LIMIT, Entry, Posted, pack
from ledger.kinds import Kind
from ledger.table import Item, Table
from tests.ledger.conftest import ACCOUNT, OPERATOR, Clock

# None past the opening, all in the tail, just before and after the first flush, and many pages.
SIZES = [0, 1, flush.EVERY + flush.KEEP - 2, flush.EVERY + flush.KEEP - 1, 10 * flush.EVERY + 3]


def grow(table: Table, clock: Clock, count: int) -> list[int]:
    """Add 1, 2, 3, ... sms a minute apart and return every balance there ever was."""
    balances = [500]
    for amount in range(1, count + 1):
        clock.ms += 60_000
        change = Change(OPERATOR, ACCOUNT, "sms", Kind.TOP_UP, amount, OPERATOR)
        balances.append(balance.change(table, change).after)
    return balances


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("limit", [1, 7, 1_000])
def test_the_history_is_read_newest_first_by_any_stride(table: Table, clock: Clock, count: int, limit: int) -> None:
    balances = grow(table, clock, count)
    read: list[Posted] = []
    before = None
    while page := history.entries(table, ACCOUNT, "sms", limit=limit, before=before):
        assert len(page) <= limit
        read += page
        before = page[-1].sequence
    assert [each.sequence for each in read] == list(range(count + 1, 0, -1))
    assert [each.after for each in read] == balances[::-1]
    assert [each.before for each in read] == [*balances[:-1][::-1], 0]


@pytest.mark.parametrize("count", SIZES)
def test_the_balance_at_any_instant_is_found(table: Table, clock: Clock, count: int) -> None:
    opened_ms = int(clock.ms)
    balances = grow(table, clock, count)
    assert history.at(table, ACCOUNT, "sms", opened_ms - 1) is None
    for number, expected in enumerate(balances):
        for within_ms in (0, 59_999):
            found = history.at(table, ACCOUNT, "sms", opened_ms + number * 60_000 + within_ms)
            assert found is not None
            assert (found.sequence, found.after) == (number + 1, expected)


@pytest.mark.parametrize("count", SIZES)
def test_a_whole_history_reconciles(table: Table, clock: Clock, count: int) -> None:
    balances = grow(table, clock, count)
    found = history.reconcile(table, ACCOUNT, "sms")
    assert found == history.Reconciliation(
        entries=count + 1, sequence=count + 1, available=balances[-1], held=0, problems=[]
    )


def test_a_balance_never_used_reconciles_to_nothing(table: Table) -> None:
    assert history.reconcile(table, ACCOUNT, "email") == history.Reconciliation(0, 0, 0, 0, [])
    assert history.entries(table, ACCOUNT, "email", limit=10) == []


def _number(item: Item, name: str, by: int) -> None:
    item[name]["N"] = str(int(item[name]["N"]) + by)


def _bytes(item: Item, at: int) -> None:
    item["t"]["L"][at]["B"] = pack(Entry(Kind.TOP_UP, AMOUNT_LIMIT, 0, OPERATOR))


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(lambda counter, pages: _number(counter, "a", 1), id="a balance that nothing accounts for"),
        pytest.param(lambda counter, pages: _number(counter, "h", 1), id="credit held by no entry"),
        pytest.param(lambda counter, pages: _number(counter, "s", 1), id="a sequence number without its entry"),
        pytest.param(lambda counter, pages: _bytes(counter, -1), id="another entry in the tail"),
        pytest.param(lambda counter, pages: _bytes(pages[2], 1), id="another entry in a page"),
        pytest.param(lambda counter, pages: _number(pages[1], "a", 1), id="a page that ends elsewhere"),
        pytest.param(lambda counter, pages: _number(pages[0], "b", 1), id="a history that does not begin at zero"),
        pytest.param(lambda counter, pages: _number(pages[1], "w", -(10**9)), id="a key younger than the watermark"),
        pytest.param(lambda counter, pages: _number(pages[1], "l", 10**9), id="a page later than the next"),
        pytest.param(lambda counter, pages: pages[1]["t"]["L"].extend(pages[1]["t"]["L"][:2]), id="an entry too many"),
        pytest.param(lambda counter, pages: pages.pop(1), id="a page gone"),
        pytest.param(lambda counter, pages: pages.pop(0), id="the first page gone"),
        pytest.param(lambda counter, pages: pages.pop(), id="the last page gone"),
    ],
)
def test_whatever_is_tampered_with_is_found(table: Table, clock: Clock, tamper: Any) -> None:
    grow(table, clock, 5 * flush.EVERY)
    items: dict[tuple[str, str], Item] = cast("Any", table.client).items
    mine = sorted(place for place in items if place[0] == f"B#{ACCOUNT}#sms")
    *pages, counter = (items.pop(place) for place in mine)
    assert len(pages) > 3
    tamper(counter, pages)
    for item in (*pages, counter):
        table.client.put_item(TableName=table.name, Item=item)
    assert history.reconcile(table, ACCOUNT, "sms").problems
