"""Accounts opened with their owner's credit and closed back into it: one commit each, whatever happens in between."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ledger import accounts, balance, counter, flush, history, holds
from ledger.accounts import HOUSE, Account, Role
from ledger.change import MOST_INLINE, Change
from ledger.claims import CallerKey
from ledger.counter import State
from ledger.entry import AMOUNT_LIMIT
from ledger.errors import (
    AccountClosed,
    AccountNotFound,
    AccountSuspended,
    Busy,
    InsufficientCredit,
    KeyReused,
    NameTaken,
    NotSettled,
    OutcomeUnknown,
)
from ledger.kinds import Kind
from ledger.names import unique_names
from ledger.opening import open_account
from ledger.subaccounts import close_subaccount, open_subaccount
from ledger.table import Table
from ledger.transfer import transfer
from tests.ledger.conftest import OPERATOR, Clock
from tests.states import set_state

EUR = "EUR"
OPENING = 10_000


@pytest.fixture
def parent(table: Table) -> Account:
    open_account(table, HOUSE, actor=HOUSE, role=Role.ADMIN, account=OPERATOR, balances={EUR: OPENING})
    return accounts.get(table, HOUSE, OPERATOR)


def open_child(
    table: Table, parent: Account, amount: int = 3_000, key: str | None = None, email: str = "a@b.fr"
) -> int:
    caller_key = CallerKey(OPERATOR, key, ("open", amount, email)) if key else None
    profile: dict[str, str | int] = {"email": email}
    names = unique_names(OPERATOR, profile)
    return open_subaccount(table, parent, EUR, amount, names=names, properties=profile, caller_key=caller_key).id


def close(table: Table, parent: Account, child: int, key: str | None = None) -> bool:
    return close_subaccount(table, parent, child, CallerKey(OPERATOR, key, ("close", child)) if key else None)


def available(table: Table, *ids: int, unit: str = EUR) -> list[int]:
    found = [counter.read(table, account, unit) for account in ids]
    for each in found:
        assert not history.reconcile(table, each.account, unit).problems
    return [each.available for each in found]


def change(table: Table, account: int, amount: int, unit: str = EUR, kind: Kind = Kind.ADJUSTMENT) -> None:
    owner = HOUSE if account == OPERATOR else OPERATOR
    balance.change(table, Change(owner, account, unit, kind, amount, OPERATOR))


# -------------------------------------------------------------------------------------------------------------- opening


def test_the_opening_credit_is_one_transfer(table: Table, parent: Account) -> None:
    child = open_child(table, parent)
    paid, received = (history.entries(table, account, EUR, limit=1)[0] for account in (OPERATOR, child))
    assert (paid.entry.kind, paid.amount, paid.entry.reference) == (Kind.TRANSFER_OUT, -3_000, str(child))
    assert (received.entry.kind, received.amount, received.entry.reference) == (Kind.TRANSFER_IN, 3_000, str(OPERATOR))
    assert (received.sequence, received.key) == (1, paid.key)
    assert available(table, OPERATOR, child) == [7_000, 3_000]
    assert accounts.get(table, OPERATOR, child).units == {EUR}


def test_without_credit_there_is_no_balance_yet(table: Table, parent: Account) -> None:
    child = open_child(table, parent, amount=0)
    assert accounts.get(table, OPERATOR, child).units == frozenset()
    assert available(table, OPERATOR, child) == [OPENING, 0]


@pytest.mark.parametrize(("amount", "left"), [(OPENING - 1, 1), (OPENING, 0)])
def test_the_parent_may_give_its_last(table: Table, parent: Account, amount: int, left: int) -> None:
    assert available(table, OPERATOR, open_child(table, parent, amount)) == [left, amount]


def test_what_the_parent_cannot_pay_opens_nothing_and_uses_up_no_id(table: Table, parent: Account) -> None:
    with pytest.raises(InsufficientCredit) as refused:
        open_child(table, parent, OPENING + 1)
    assert refused.value.available == OPENING
    set_state(table, HOUSE, OPERATOR, State.SUSPENDED)
    with pytest.raises(AccountSuspended):
        open_child(table, parent, 1)
    assert len(accounts.list_accounts(table, OPERATOR, limit=10)) == 1
    set_state(table, HOUSE, OPERATOR, State.OPEN)
    assert open_child(table, parent) == 2


def test_a_taken_name_comes_before_a_balance_that_is_too_small(table: Table, parent: Account) -> None:
    open_child(table, parent, 1)
    with pytest.raises(NameTaken):
        open_child(table, parent, OPENING)


def test_a_parent_that_never_had_the_unit_has_none_to_give(table: Table) -> None:
    open_account(table, HOUSE, actor=HOUSE, account=OPERATOR)
    with pytest.raises(InsufficientCredit) as refused:
        open_child(table, accounts.get(table, HOUSE, OPERATOR))
    assert refused.value.available == 0


def test_a_parent_may_pay_down_to_its_floor(table: Table, parent: Account) -> None:
    table.client.update_item(
        TableName=table.name,
        Key=counter.balance_key(OPERATOR, EUR),
        UpdateExpression="SET m = :floor",
        ExpressionAttributeValues={":floor": {"N": "-500"}},
    )
    assert available(table, OPERATOR, open_child(table, parent, OPENING + 500)) == [-500, OPENING + 500]
    with pytest.raises(InsufficientCredit):
        open_child(table, parent, 1, email="c@d.fr")


def test_a_parents_full_tail_is_flushed_on_the_way(table: Table, parent: Account, clock: Clock) -> None:
    for number in range(2 * flush.CAP):
        clock.ms += 10
        child = open_child(table, parent, 1, email=f"{number}@b.fr")
        assert not close(table, parent, child)
    assert len(counter.read(table, OPERATOR, EUR).tail) <= 2 * flush.CAP
    assert available(table, OPERATOR) == [OPENING]


def test_a_key_opens_once(table: Table, parent: Account) -> None:
    child = open_child(table, parent, key="open 1")
    change(table, OPERATOR, -7_000)
    assert open_child(table, parent, key="open 1") == child
    with pytest.raises(KeyReused):
        open_child(table, parent, 2, key="open 1")
    assert available(table, OPERATOR, child) == [0, 3_000]


# -------------------------------------------------------------------------------------------------------------- closing


def test_all_credit_in_every_unit_goes_back(table: Table, parent: Account) -> None:
    child = open_child(table, parent)
    change(table, child, 30, "sms")
    change(table, child, 0, "email")
    change(table, OPERATOR, 5, "email")

    assert close(table, parent, child) is False

    assert available(table, OPERATOR, child) == [OPENING, 0]
    assert available(table, OPERATOR, child, unit="sms") == [30, 0]
    assert available(table, OPERATOR, child, unit="email") == [5, 0]
    for unit, amount in ((EUR, 3_000), ("sms", 30)):
        returned, left = (history.entries(table, account, unit, limit=1)[0] for account in (OPERATOR, child))
        assert (returned.entry.kind, returned.amount, returned.entry.reference) == (
            Kind.TRANSFER_IN,
            amount,
            str(child),
        )
        assert (left.entry.kind, left.amount, left.entry.reference) == (Kind.TRANSFER_OUT, -amount, str(OPERATOR))
        assert returned.key == left.key
    for unit in (EUR, "sms", "email"):
        assert counter.read(table, child, unit).state == State.CLOSED
        with pytest.raises(AccountClosed):
            change(table, child, 1, unit)
    with pytest.raises(AccountClosed):
        change(table, child, 1, "transactions")


def test_its_address_is_left_to_others(table: Table, parent: Account) -> None:
    close(table, parent, open_child(table, parent))
    assert open_child(table, parent)


@pytest.mark.parametrize("state", [State.OPEN, State.SUSPENDED])
def test_a_suspended_account_can_be_closed(table: Table, parent: Account, state: State) -> None:
    child = open_child(table, parent)
    set_state(table, OPERATOR, child, state)
    close(table, parent, child)
    assert available(table, OPERATOR, child) == [OPENING, 0]


def test_who_owes_credit_is_not_closed(table: Table, parent: Account) -> None:
    child = open_child(table, parent)
    change(table, child, -1, "sms")
    with pytest.raises(NotSettled):
        close(table, parent, child)
    assert available(table, OPERATOR, child) == [7_000, 3_000]
    change(table, child, 1, "sms")
    close(table, parent, child)


def test_who_has_more_than_one_entry_can_move_is_not_closed(table: Table, parent: Account) -> None:
    child = open_child(table, parent)
    change(table, child, AMOUNT_LIMIT)
    with pytest.raises(NotSettled):
        close(table, parent, child)
    change(table, child, -3_000)
    close(table, parent, child)
    assert available(table, OPERATOR, child) == [7_000 + AMOUNT_LIMIT, 0]


@pytest.mark.parametrize("others", [0, MOST_INLINE])
def test_credit_on_hold_keeps_an_account_open_until_the_hold_expires(
    table: Table, parent: Account, clock: Clock, others: int
) -> None:
    child = open_child(table, parent)
    for lives_ms in (60_000, *[30_000] * others):
        holds.reserve(table, OPERATOR, child, EUR, 10, lives_ms=lives_ms, actor=OPERATOR)
    clock.ms += 30_000
    with pytest.raises(NotSettled):
        close(table, parent, child)
    clock.ms += 30_000
    close(table, parent, child)
    assert available(table, OPERATOR, child) == [OPENING, 0]


def test_a_closed_account_is_closed_once(table: Table, parent: Account) -> None:
    child = open_child(table, parent)
    assert close(table, parent, child, "close 1") is False
    assert close(table, parent, child, "close 1") is True
    for key in (None, "close 2"):
        with pytest.raises(AccountClosed):
            close(table, parent, child, key)
    with pytest.raises(KeyReused):
        close_subaccount(table, parent, child, CallerKey(OPERATOR, "close 1", ("something else",)))
    assert available(table, OPERATOR, child) == [OPENING, 0]


def test_a_key_that_stands_for_something_else_closes_nothing(table: Table, parent: Account) -> None:
    child = open_child(table, parent, key="open 1")
    with pytest.raises(KeyReused):
        close(table, parent, child, "open 1")
    assert available(table, OPERATOR, child) == [7_000, 3_000]


def test_only_the_parents_own_accounts_can_be_closed(table: Table, parent: Account) -> None:
    strangers = open_account(table, 200, actor=200).id
    with pytest.raises(AccountNotFound):
        close(table, parent, strangers)


# ----------------------------------------------------------------------------------------------- whatever is in between


class Between:
    """A client that has something happen right before its n-th write, or a call fail right before or after it."""

    def __init__(self, client: Any, at: int, what: Callable[[], None] | None = None, after: bool = False) -> None:
        self._client = client
        self._calls = count()
        self._at, self._what, self._after = at, what, after
        self.happened = False

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def call(**request: Any) -> Any:
            now = next(self._calls) == self._at
            if now and not self._after:
                self._happen()
            answer = operation(**request)
            if now and self._after:
                self._happen()
            return answer

        return call

    def _happen(self) -> None:
        self.happened = True
        if self._what is None:
            raise Killed
        self._what()


class Killed(BaseException):
    """The process is gone."""


def each_call(table: Table, after: bool, what: Callable[[], None] | None = None) -> Iterator[Table]:
    """Give tables on which it happens at the first call, the second, and so on until there are no more calls."""
    for at in count():
        client = Between(table.client, at, what, after)
        yield replace(table, client=client)  # type: ignore[arg-type]
        if not client.happened:
            return


@pytest.mark.parametrize("after", [False, True], ids=["before a call", "after a call"])
def test_a_kill_leaves_both_sides_or_neither_and_the_retry_answers_what_happened(
    table: Table, parent: Account, after: bool
) -> None:
    child = open_child(table, parent)
    payee = accounts.get(table, OPERATOR, child)
    left, given = 7_000, 3_000
    for number, dying in enumerate(each_call(table, after)):
        key = CallerKey(OPERATOR, f"transfer {number}", ("transfer", 5))
        with suppress(Killed):
            transfer(dying, OPERATOR, parent, payee, EUR, 5, key)
        assert available(table, OPERATOR, child) in ([left, given], [left - 5, given + 5])
        paid, received = transfer(table, OPERATOR, parent, payee, EUR, 5, key)
        left, given = left - 5, given + 5
        assert (paid.after, received.after) == (left, given)

    for number, dying in enumerate(each_call(table, after)):
        opened = f"{number}@b.fr"
        with suppress(Killed):
            open_child(dying, parent, 7, key=opened, email=opened)
        assert available(table, OPERATOR)[0] in (left, left - 7)
        new = open_child(table, parent, 7, key=opened, email=opened)
        left -= 7
        assert available(table, OPERATOR, new) == [left, 7]


@pytest.mark.parametrize("after", [False, True], ids=["before a call", "after a call"])
def test_a_kill_leaves_an_account_open_with_its_credit_or_closed_without(
    table: Table, parent: Account, after: bool
) -> None:
    for number, dying in enumerate(each_call(table, after)):
        child = open_child(table, parent, key=f"open {number}", email=f"{number}@b.fr")
        done = False
        try:
            close(dying, parent, child, f"close {number}")
        except Killed:
            done = accounts.get(table, OPERATOR, child).state is State.CLOSED
            assert available(table, OPERATOR, child) == ([OPENING, 0] if done else [7_000, 3_000])
            assert close(table, parent, child, f"close {number}") is done
        assert close(table, parent, child, f"close {number}") is True
        assert available(table, OPERATOR, child) == [OPENING, 0]


@pytest.mark.parametrize(
    ("had", "amount"),
    [(3, 1), (3, -1), (3, -3), (0, 1)],
    ids=["credit comes in", "credit goes out", "all of it goes out", "credit comes into an empty one"],
)
def test_what_happens_while_an_account_is_being_closed_is_not_lost(
    table: Table, parent: Account, had: int, amount: int
) -> None:
    raced = child = 0

    def happen() -> None:
        change(table, child, amount)

    for number, racing in enumerate(each_call(table, after=False, what=happen)):
        child = open_child(table, parent, 3, email=f"{number}@b.fr")
        if not had:
            transfer(table, OPERATOR, accounts.get(table, OPERATOR, child), parent, EUR, 3)
        before = sum(available(table, OPERATOR, child))
        close(racing, parent, child)
        happened = Kind.ADJUSTMENT in {posted.entry.kind for posted in history.entries(table, child, EUR, limit=10)}
        assert available(table, OPERATOR, child) == [before + amount * happened, 0]
        raced += happened
    assert raced > 2


def test_a_unit_opened_while_an_account_is_being_closed_does_not_stay_behind(table: Table, parent: Account) -> None:
    child = 0

    def happen() -> None:
        change(table, child, 8, "sms")

    for number, racing in enumerate(each_call(table, after=False, what=happen)):
        before = available(table, OPERATOR, unit="sms")[0]
        child = open_child(table, parent, 3, email=f"{number}@b.fr")
        close(racing, parent, child)
        happened = bool(history.entries(table, child, "sms", limit=1))
        assert available(table, OPERATOR, child, unit="sms") == [before + 8 * happened, 0]


def test_who_closes_an_account_that_is_just_being_closed_finds_it_closed(table: Table, parent: Account) -> None:
    child = 0

    def happen() -> None:
        close(table, parent, child)

    for number, racing in enumerate(each_call(table, after=False, what=happen)):
        child = open_child(table, parent, email=f"{number}@b.fr")
        with suppress(AccountClosed):
            close(racing, parent, child)
        assert available(table, OPERATOR, child) == [OPENING, 0]


@pytest.mark.parametrize("acts", [False, True], ids=["before it acts", "after it acted"])
def test_a_lost_answer_is_looked_for(table: Table, parent: Account, acts: bool) -> None:
    def lose() -> None:
        raise ReadTimeoutError(endpoint_url="test")

    for number, losing in enumerate(each_call(table, acts, lose)):
        child = open_child(losing, parent, 7, email=f"{number}@b.fr", key=f"open {number}") if number else 2
        if not number:
            open_child(table, parent, 7, email="first@b.fr")
        assert close(table, parent, child) is False
    for number, losing in enumerate(each_call(table, acts, lose)):
        child = open_child(table, parent, 7, email=f"x{number}@b.fr")
        assert close(losing, parent, child) is False
        assert available(table, OPERATOR, child) == [OPENING, 0]


@pytest.mark.parametrize("error", [Busy, OutcomeUnknown])
def test_in_a_crowd_nothing_changes_and_without_an_answer_nobody_knows(
    table: Table, parent: Account, error: type[Exception]
) -> None:
    child = open_child(table, parent)

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return getattr(table.client, name)

        def transact_write_items(self, **request: Any) -> Any:
            if error is OutcomeUnknown:
                raise ReadTimeoutError(endpoint_url="test")
            response: Any = {"Error": {"Code": "TransactionCanceledException", "Message": ""}}
            response["CancellationReasons"] = [{"Code": "TransactionConflict"} for _ in request["TransactItems"]]
            raise ClientError(response, "TransactWriteItems")

    with pytest.raises(error):
        close(replace(table, client=Failing()), parent, child)  # type: ignore[arg-type]
    with pytest.raises(error):
        open_child(replace(table, client=Failing()), parent, email="c@d.fr")  # type: ignore[arg-type]
    assert available(table, OPERATOR, child) == [7_000, 3_000]
