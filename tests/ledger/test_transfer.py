"""Several balances changed at once, one caller at a time. The crowd and the failing network are tests/simulation's."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from ledger import accounts, balance, counter, flush, history, notes
from ledger.accounts import Account
from ledger.change import Change
from ledger.claims import APPLY_MS, CallerKey
from ledger.commit import Write
from ledger.counter import State
from ledger.errors import (
    AccountClosed,
    AccountSuspended,
    InsufficientCredit,
    KeyReused,
    OutcomeUnknown,
    TransferRefused,
)
from ledger.kinds import Kind
from ledger.opening import open_account
from ledger.table import Item, Table
from ledger.transfer import Changed, change_all, transfer
from tests.ledger.conftest import ACCOUNT, OPERATOR, Clock
from tests.ledger.test_balance import through
from tests.states import set_state

UNITS = ("email", "sms", "transactions")


@pytest.fixture
def payer(table: Table) -> Account:
    return accounts.get(table, OPERATOR, ACCOUNT)


@pytest.fixture
def payee(table: Table) -> Account:
    return accounts.get(table, OPERATOR, open_account(table, OPERATOR, actor=OPERATOR).id)


def package(table: Table, key: CallerKey | None = None, amounts: tuple[int, ...] = (500, 100, 50)) -> Changed:
    changes = [
        Change(OPERATOR, ACCOUNT, unit, Kind.TOP_UP, amount, OPERATOR, "starter")
        for unit, amount in zip(UNITS, amounts, strict=True)
    ]
    return change_all(table, OPERATOR, changes, key)


def available(table: Table, account: int = ACCOUNT) -> tuple[int, ...]:
    return tuple(each.available for each in counter.read_all(table, [(account, unit) for unit in UNITS]))


def test_every_unit_is_added_under_one_key(table: Table) -> None:
    changed = package(table)
    assert [posted.after for posted in changed.entries] == [500, 600, 50]
    assert len({posted.key for posted in changed.entries}) == 1
    assert {posted.entry.reference for posted in changed.entries} == {"starter"}
    assert available(table) == (500, 600, 50)


def test_changes_made_together_share_their_note(table: Table) -> None:
    one, other = (Change(OPERATOR, ACCOUNT, unit, Kind.TOP_UP, 5, OPERATOR, note="invoice 12") for unit in UNITS[:2])
    entries = change_all(table, OPERATOR, [one, other]).entries
    assert notes.read(table, entries) == {entries[0].key: "invoice 12"}
    with pytest.raises(ValueError, match="note"):
        change_all(table, OPERATOR, [one, replace(other, note="invoice 13")])


def test_one_refusal_refuses_all(table: Table) -> None:
    taking = Change(OPERATOR, ACCOUNT, "sms", Kind.SPEND, -501, OPERATOR)
    giving = Change(OPERATOR, ACCOUNT, "email", Kind.TOP_UP, 5, OPERATOR)
    with pytest.raises(InsufficientCredit) as refused:
        change_all(table, OPERATOR, [giving, taking])
    assert refused.value.available == 500
    assert available(table) == (0, 500, 0)


def test_a_refusal_does_not_deny_a_copy_of_the_call_that_may_still_arrive(
    table: Table, payer: Account, payee: Account
) -> None:
    balance.change(table, Change(OPERATOR, payee.id, "sms", Kind.TOP_UP, 0, OPERATOR))
    on_the_way: list[Callable[[], Any]] = []

    def late(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "transact_write_items" and not on_the_way:
            on_the_way.append(partial(proceed, **request))
            raise ReadTimeoutError(endpoint_url="nowhere")
        return proceed(**request)

    with pytest.raises(OutcomeUnknown):
        transfer(through(table, late), OPERATOR, payer, payee, "sms", 501)
    balance.change(table, Change(OPERATOR, payer.id, "sms", Kind.TOP_UP, 1, OPERATOR))
    on_the_way[0]()
    assert [counter.read(table, each.id, "sms").available for each in (payer, payee)] == [0, 501]


def test_another_write_goes_along_or_keeps_all_from_happening(table: Table) -> None:
    put = {"TableName": table.name, "Item": {"pk": {"S": "X"}, "sk": {"S": "."}}}
    put["ConditionExpression"] = "attribute_not_exists(pk)"

    def refused(_: Item | None) -> bool:
        raise AccountClosed

    also = [Write({"Put": put}, refused)]
    change = Change(OPERATOR, ACCOUNT, "sms", Kind.SET, 9, OPERATOR)
    assert change_all(table, OPERATOR, [change], also=also).entries[0].after == 9
    with pytest.raises(AccountClosed):
        change_all(table, OPERATOR, [replace(change, amount=8)], also=also)
    assert counter.read(table, ACCOUNT, "sms").available == 9


@pytest.mark.parametrize("later_ms", [0, APPLY_MS, 365 * 86_400_000])
@pytest.mark.parametrize("others", [0, 20 * flush.EVERY])
def test_a_key_gets_its_first_answer_and_adds_once(table: Table, clock: Clock, later_ms: int, others: int) -> None:
    key = CallerKey(OPERATOR, "order 7", ("topup", ACCOUNT, "starter"))
    first = package(table, key)
    for _ in range(others):
        clock.ms += 1_000
        balance.change(table, Change(OPERATOR, ACCOUNT, "sms", Kind.TOP_UP, 1, OPERATOR))
    clock.ms += later_ms
    # What the package holds by now is not what was asked for: the answer is still the first.
    again = package(table, key, amounts=(1, 1, 1))
    assert again == Changed([replace(posted, replayed=True) for posted in first.entries], replayed=True)
    assert available(table) == (500, 600 + others, 50)
    with pytest.raises(KeyReused):
        package(table, CallerKey(OPERATOR, "order 7", ("topup", ACCOUNT, "2")))


def test_long_tails_are_flushed_on_the_way(table: Table, clock: Clock) -> None:
    for _ in range(5 * flush.EVERY):
        clock.ms += 100
        package(table)
    for unit in UNITS:
        found = counter.read(table, ACCOUNT, unit)
        assert len(found.tail) // 2 < 2 * flush.EVERY + flush.KEEP
        assert not history.reconcile(table, ACCOUNT, unit).problems


def test_a_transfer_answers_both_balances_and_names_each_side_to_the_other(
    table: Table, payer: Account, payee: Account
) -> None:
    paid, received = transfer(table, OPERATOR, payer, payee, "sms", 200)
    assert (paid.before, paid.after, received.before, received.after) == (500, 300, 0, 200)
    assert (paid.entry.reference, received.entry.reference) == (str(payee.id), str(payer.id))
    assert paid.key == received.key


@pytest.mark.parametrize(("amount", "left"), [(499, 1), (500, 0)])
def test_a_transfer_may_take_the_last(table: Table, payer: Account, payee: Account, amount: int, left: int) -> None:
    assert transfer(table, OPERATOR, payer, payee, "sms", amount)[0].after == left


def test_a_transfer_past_the_last_moves_nothing(table: Table, payer: Account, payee: Account) -> None:
    with pytest.raises(InsufficientCredit):
        transfer(table, OPERATOR, payer, payee, "sms", 501)
    assert counter.read(table, payer.id, "sms").sequence == 1
    assert counter.read(table, payee.id, "sms").sequence == 0


def test_to_itself_or_of_nothing_there_is_no_transfer(table: Table, payer: Account, payee: Account) -> None:
    for one, other, amount in ((payer, payer, 5), (payer, payee, 0), (payer, payee, -5)):
        with pytest.raises(TransferRefused):
            transfer(table, OPERATOR, one, other, "sms", amount)
    assert counter.read(table, payer.id, "sms").available == 500


@pytest.mark.parametrize(
    ("which", "state", "error"),
    [(0, State.SUSPENDED, AccountSuspended), (0, State.CLOSED, AccountClosed), (1, State.CLOSED, AccountClosed)],
)
def test_a_side_that_is_not_open_stops_the_transfer(
    table: Table, payer: Account, payee: Account, which: int, state: State, error: type[Exception]
) -> None:
    transfer(table, OPERATOR, payer, payee, "sms", 100)
    set_state(table, OPERATOR, (payer, payee)[which].id, state)
    with pytest.raises(error):
        transfer(table, OPERATOR, payer, payee, "sms", 1)
    assert [counter.read(table, each.id, "sms").available for each in (payer, payee)] == [400, 100]
