"""One balance under one caller at a time. What a crowd and a failing network do to it is tests/simulation's to show."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ledger import accounts, balance, claims, counter, flush, history, notes
from ledger.change import Change
from ledger.claims import CallerKey
from ledger.counter import State
from ledger.entry import Posted
from ledger.errors import (
    AccountClosed,
    AccountNotFound,
    AccountSuspended,
    Busy,
    InsufficientCredit,
    KeyReused,
    OutcomeUnknown,
)
from ledger.kinds import Kind
from ledger.pages import page_item
from ledger.table import BUDGET_MS, Table
from tests.ledger.conftest import ACCOUNT, OPERATOR, Clock
from tests.states import set_state


def a_change(kind: Kind, amount: int, unit: str = "sms", account: int = ACCOUNT) -> Change:
    return Change(OPERATOR, account, unit, kind, amount, actor=OPERATOR, reference="a test")


def a_key(key: str = "order 7", amount: int = 5, operator: int = OPERATOR) -> CallerKey:
    return CallerKey(operator, key, ("add", ACCOUNT, "sms", amount))


def add(table: Table, amount: int = 5, key: CallerKey | None = None) -> Posted:
    return balance.change(table, a_change(Kind.ADJUSTMENT, amount), key)


def sms(table: Table) -> int:
    return counter.read(table, ACCOUNT, "sms").available


class Spy:
    """Counts the calls of a client, and may do something else in place of one."""

    def __init__(self, client: Any, instead: Callable[..., Any] | None = None) -> None:
        self.calls: list[str] = []
        self._client, self._instead = client, instead

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.calls.append(operation)
            proceed = getattr(self._client, operation)
            return self._instead(operation, proceed, request) if self._instead else proceed(**request)

        return call


def through(table: Table, instead: Callable[..., Any]) -> Table:
    """Reach the same ledger by calls to which something happens."""
    spy: Any = Spy(table.client, instead)
    return replace(table, client=spy)


def test_a_change_answers_with_the_balance_right_after_it(table: Table) -> None:
    posted = [add(table, amount) for amount in (244, -44)]
    assert [(each.sequence, each.before, each.amount, each.after) for each in posted] == [
        (2, 500, 244, 744),
        (3, 744, -44, 700),
    ]
    assert posted[0].entry.reference == "a test"
    assert posted[0].entry.actor == OPERATOR


def test_a_change_is_one_call_and_a_flush_two_more_every_so_often(table: Table, clock: Clock) -> None:
    spy: Any = Spy(table.client)
    for _ in range(4 * flush.EVERY):
        clock.ms += 20
        add(replace(table, client=spy))
    assert set(spy.calls) == {"update_item", "put_item"}
    assert len(spy.calls) <= 1.25 * 4 * flush.EVERY


@pytest.mark.parametrize(("amount", "left"), [(499, 1), (500, 0)])
def test_credit_can_be_spent_to_the_last(table: Table, amount: int, left: int) -> None:
    assert balance.change(table, a_change(Kind.SPEND, -amount)).after == left


def test_a_spend_past_the_floor_changes_nothing_and_tells_what_there_is(table: Table) -> None:
    with pytest.raises(InsufficientCredit) as refused:
        balance.change(table, a_change(Kind.SPEND, -501))
    assert refused.value.available == 500
    assert counter.read(table, ACCOUNT, "sms").sequence == 1


def test_an_adjustment_may_go_below_zero_and_work_there(table: Table) -> None:
    assert add(table, -600).after == -100
    assert add(table, -1).after == -101
    assert balance.change(table, a_change(Kind.TOP_UP, 1)).after == -100
    with pytest.raises(InsufficientCredit) as refused:
        balance.change(table, a_change(Kind.SPEND, -1))
    assert refused.value.available == 0


@pytest.mark.parametrize("amount", [520, 530])
def test_a_credit_limit_lets_a_spend_go_that_far_below_zero(table: Table, amount: int) -> None:
    table.client.update_item(
        TableName=table.name,
        Key=counter.balance_key(ACCOUNT, "sms"),
        UpdateExpression="SET m = :floor",
        ExpressionAttributeValues={":floor": {"N": "-30"}},
    )
    assert balance.change(table, a_change(Kind.SPEND, -amount)).after == 500 - amount
    with pytest.raises(InsufficientCredit) as refused:
        balance.change(table, a_change(Kind.SPEND, -(531 - amount)))
    assert refused.value.available == 530 - amount


def test_a_set_says_by_how_much_it_changed_the_balance(table: Table) -> None:
    posted = balance.change(table, a_change(Kind.SET, 90))
    assert (posted.before, posted.amount, posted.after) == (500, -410, 90)


def test_long_texts_go_with_an_entry_and_come_back(table: Table) -> None:
    noted = balance.change(table, replace(a_change(Kind.TOP_UP, 7), note="Győr, invoice 12"))
    plain = balance.change(table, a_change(Kind.TOP_UP, 7))
    assert notes.read(table, [noted, plain]) == {noted.key: "Győr, invoice 12"}
    balance.change(table, replace(a_change(Kind.TOP_UP, 7), note="x" * notes.LONGEST_BYTES))
    with pytest.raises(ValueError, match="note"):
        balance.change(table, replace(a_change(Kind.TOP_UP, 7), note="x" * (notes.LONGEST_BYTES + 1)))


def test_a_unit_begins_at_its_first_use(table: Table) -> None:
    assert balance.change(table, a_change(Kind.TOP_UP, 7, unit="email")).after == 7
    assert accounts.get(table, OPERATOR, ACCOUNT).units == {"sms", "email"}


def test_an_account_that_is_not_there_is_not_found_and_not_made(table: Table) -> None:
    with pytest.raises(AccountNotFound):
        balance.change(table, a_change(Kind.TOP_UP, 7, account=2))
    with pytest.raises(AccountNotFound):
        balance.change(table, replace(a_change(Kind.TOP_UP, 7, unit="email"), owner=101))
    assert counter.read(table, 2, "sms").sequence == 0


@pytest.mark.parametrize("unit", ["sms", "email"])
def test_a_suspended_account_takes_credit_and_cannot_spend(table: Table, unit: str) -> None:
    set_state(table, OPERATOR, ACCOUNT, State.SUSPENDED)
    balance.change(table, a_change(Kind.TOP_UP, 5, unit))
    with pytest.raises(AccountSuspended):
        balance.change(table, a_change(Kind.SPEND, -1, unit))
    set_state(table, OPERATOR, ACCOUNT, State.OPEN)
    balance.change(table, a_change(Kind.SPEND, -1, unit))


@pytest.mark.parametrize("unit", ["sms", "email"])
@pytest.mark.parametrize("kind", [Kind.TOP_UP, Kind.SPEND, Kind.SET, Kind.ADJUSTMENT])
def test_a_closed_account_takes_nothing(table: Table, kind: Kind, unit: str) -> None:
    set_state(table, OPERATOR, ACCOUNT, State.CLOSED)
    with pytest.raises(AccountClosed):
        balance.change(table, a_change(kind, -1, unit))
    with pytest.raises(AccountClosed):
        set_state(table, OPERATOR, ACCOUNT, State.OPEN)


# How often others change the balance meanwhile, and how long the caller waits: every place the first entry may be in.
@pytest.mark.parametrize("others", [0, flush.KEEP, 3 * flush.EVERY, 20 * flush.EVERY])
@pytest.mark.parametrize("later_ms", [0, claims.APPLY_MS - 1, claims.APPLY_MS, claims.RENEW_MS, 365 * 86_400_000])
def test_a_key_gets_its_first_answer_however_late(table: Table, clock: Clock, others: int, later_ms: int) -> None:
    first = add(table, 5, a_key())
    for _ in range(others):
        clock.ms += 60_000
        add(table, 1)
    clock.ms += max(later_ms - others * 60_000, 0)
    again = add(table, 5, a_key())
    assert again == replace(first, replayed=True)
    assert sms(table) == 505 + others


@pytest.mark.parametrize("later_ms", [0, claims.APPLY_MS - 1, claims.RENEW_MS, 365 * 86_400_000])
def test_a_key_whose_request_was_declined_is_judged_afresh(table: Table, clock: Clock, later_ms: int) -> None:
    key = a_key()
    with pytest.raises(InsufficientCredit):
        balance.change(table, a_change(Kind.SPEND, -501), key)
    clock.ms += later_ms
    for _ in range(3 * flush.EVERY):
        add(table, 1)
    spent = balance.change(table, a_change(Kind.SPEND, -501), key)
    assert not spent.replayed
    assert sms(table) == 500 + 3 * flush.EVERY - 501


def test_between_its_use_and_its_renewal_an_unused_key_is_not_used(table: Table, clock: Clock) -> None:
    with pytest.raises(InsufficientCredit):
        balance.change(table, a_change(Kind.SPEND, -501), a_key())
    add(table, 100)
    clock.ms += claims.APPLY_MS
    with pytest.raises(Busy):
        balance.change(table, a_change(Kind.SPEND, -501), a_key())
    assert sms(table) == 600


def test_a_key_used_for_something_else_is_refused(table: Table) -> None:
    add(table, 5, a_key(amount=5))
    with pytest.raises(KeyReused):
        add(table, 6, a_key(amount=6))
    assert sms(table) == 505


def test_two_operators_may_choose_the_same_key(table: Table) -> None:
    assert [add(table, 5, a_key(operator=operator)).replayed for operator in (100, 200, 100)] == [False, False, True]


@pytest.mark.parametrize("key", ["k", "x" * 255, "\N{SNOWMAN}", "a\x00b", "#"])
def test_a_key_is_any_string(table: Table, key: str) -> None:
    assert [add(table, 5, a_key(key)).replayed for _ in range(2)] == [False, True]


@pytest.mark.parametrize("key", [None, a_key()])
def test_what_the_sdk_sent_twice_happens_once_and_is_no_replay(table: Table, key: CallerKey | None) -> None:
    def twice(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation in ("update_item", "put_item"):
            proceed(**request)
        try:
            return _resent(proceed(**request))
        except ClientError as error:
            _resent(error.response)
            raise

    def _resent(answer: Any) -> Any:
        answer["ResponseMetadata"]["RetryAttempts"] = 1
        return answer

    posted = add(through(table, twice), 5, key)
    assert (posted.after, posted.replayed) == (505, False)
    assert sms(table) == 505


def test_without_an_answer_the_outcome_is_unknown_and_within_a_functions_life(table: Table, clock: Clock) -> None:
    def lost(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        clock.ms += 7_000
        if operation == "update_item":
            proceed(**request)
        raise ReadTimeoutError(endpoint_url="nowhere")

    started_ms = clock.ms
    with pytest.raises(OutcomeUnknown):
        add(through(table, lost))
    assert clock.ms - started_ms < 15_000
    assert sms(table) == 505


@pytest.mark.parametrize("key", [None, a_key()])
def test_a_refusal_does_not_deny_a_copy_of_the_call_that_may_still_arrive(table: Table, key: CallerKey | None) -> None:
    on_the_way: list[Callable[[], Any]] = []

    def late(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "update_item" and not on_the_way:
            on_the_way.append(partial(proceed, **request))
            raise ReadTimeoutError(endpoint_url="nowhere")
        return proceed(**request)

    spend = a_change(Kind.SPEND, -501)
    with pytest.raises(OutcomeUnknown):
        balance.change(through(table, late), spend, key)
    add(table, 1)
    on_the_way[0]()
    assert sms(table) == 0, "the late copy found the credit"
    if key:
        again = balance.change(table, spend, key)
        assert (again.after, again.replayed) == (0, True)


def test_a_refusal_that_stands_for_good_is_told_whatever_may_still_arrive(table: Table) -> None:
    set_state(table, OPERATOR, ACCOUNT, State.CLOSED)
    lost: list[str] = []

    def once(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "update_item" and not lost:
            lost.append(operation)
            raise ReadTimeoutError(endpoint_url="nowhere")
        return proceed(**request)

    with pytest.raises(AccountClosed):
        add(through(table, once))


def test_a_balance_that_stays_taken_is_busy_and_unchanged(table: Table, clock: Clock) -> None:
    def conflict(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        raise ClientError({"Error": {"Code": "TransactionConflictException", "Message": ""}}, operation)

    started_ms = clock.ms
    with pytest.raises(Busy):
        add(through(table, conflict))
    assert BUDGET_MS / 2 < clock.ms - started_ms < 2 * BUDGET_MS
    assert len(set(clock.slept_ms)) > 5, "each wait has its own length"
    assert sms(table) == 500


def test_an_error_of_ours_is_not_called_busy(table: Table) -> None:
    def denied(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, operation)

    with pytest.raises(ClientError, match="AccessDenied"):
        add(through(table, denied))


def test_a_flush_that_fails_is_not_the_callers_concern_and_is_made_up_for(table: Table) -> None:
    def full(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "put_item":
            raise ReadTimeoutError(endpoint_url="nowhere")
        return proceed(**request)

    broken = through(table, full)
    for _ in range(flush.CAP - 1):
        add(broken, 1)
    assert len(counter.read(table, ACCOUNT, "sms").tail) == 2 * flush.CAP
    with pytest.raises(Busy):
        add(broken, 1)
    add(table, 1)
    assert len(counter.read(table, ACCOUNT, "sms").tail) < 2 * flush.CAP
    assert not history.reconcile(table, ACCOUNT, "sms").problems
    assert sms(table) == 500 + flush.CAP


def test_a_page_that_differs_stops_the_trim_and_sounds_the_alarm(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2 * flush.EVERY - 2):  # the first number that is designated when a page is due
        add(table)
    whole = counter.read(table, ACCOUNT, "sms")
    forged = flush._next_page(replace(whole, tail=[*whole.tail[2:4], *whole.tail]))
    table.client.put_item(TableName=table.name, Item=page_item(ACCOUNT, "sms", forged))
    add(table)
    assert counter.read(table, ACCOUNT, "sms").flushed == 0
    assert [record.message for record in caplog.records] == ["page differs from tail"]
