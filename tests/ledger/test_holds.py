"""Holds under one caller at a time. What a crowd and a failing network do to them is tests/simulation's to show."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ledger import accounts, balance, claims, counter, flush, history, holds, opening, transfer
from ledger.change import MOST_INLINE, Change
from ledger.claims import CallerKey
from ledger.counter import State, hold_key
from ledger.entry import Posted
from ledger.errors import (
    AccountClosed,
    AccountNotFound,
    AccountSuspended,
    HoldExpired,
    HoldNotFound,
    HoldTooSmall,
    InsufficientCredit,
    NotSettled,
)
from ledger.holds import Reserved
from ledger.kinds import Kind
from ledger.table import Table
from tests.ledger.conftest import ACCOUNT, OPERATOR, Clock
from tests.ledger.test_balance import Spy, through
from tests.states import set_state

LIFE_MS = 60_000
ROOMS = [pytest.param(0, id="inline"), pytest.param(MOST_INLINE, id="apart")]
LATER_MS = [0, claims.APPLY_MS - 1, claims.APPLY_MS, claims.RENEW_MS, 365 * 86_400_000]


def reserve(table: Table, amount: int = 100, lives_ms: int = LIFE_MS, key: str = "") -> Reserved:
    caller_key = CallerKey(OPERATOR, key, ("reserve", ACCOUNT, "sms", amount, lives_ms)) if key else None
    return holds.reserve(
        table, OPERATOR, ACCOUNT, "sms", amount, lives_ms=lives_ms, actor=OPERATOR, caller_key=caller_key
    )


def capture(table: Table, hold: str, amount: int, key: str = "") -> Posted:
    caller_key = CallerKey(OPERATOR, key, ("capture", ACCOUNT, "sms", hold, amount)) if key else None
    return holds.capture(table, OPERATOR, ACCOUNT, "sms", hold, amount, actor=OPERATOR, caller_key=caller_key)


def release(table: Table, hold: str, key: str = "", actor: int = OPERATOR) -> Posted:
    caller_key = CallerKey(OPERATOR, key, ("release", ACCOUNT, "sms", hold)) if key else None
    return holds.release(table, OPERATOR, ACCOUNT, "sms", hold, actor=actor, caller_key=caller_key)


def spend(table: Table, amount: int, actor: int = OPERATOR) -> Posted:
    return balance.change(table, Change(OPERATOR, ACCOUNT, "sms", Kind.SPEND, -amount, actor))


def fill(table: Table, count: int) -> list[Reserved]:
    """Take so much of the room in the balance."""
    return [reserve(table, 1, lives_ms=holds.LONGEST_LIFE_MS) for _ in range(count)]


def figures(table: Table) -> tuple[int, int]:
    """Give what is available and what is held, after proving all of it."""
    found = history.reconcile(table, ACCOUNT, "sms")
    assert not found.problems
    return found.available, found.held


def open_holds(table: Table) -> dict[str, int]:
    return dict(holds.read_holdings(table, ACCOUNT, "sms").holds)


def counted(table: Table) -> tuple[Table, list[str]]:
    spy: Any = Spy(table.client)
    return replace(table, client=spy), spy.calls


@pytest.mark.parametrize("others", ROOMS)
def test_credit_is_put_aside_captured_in_parts_and_the_rest_released(table: Table, others: int) -> None:
    fill(table, others)
    opened = reserve(table, 100)
    assert figures(table) == (400 - others, 100 + others)
    captured = [capture(table, opened.hold, amount) for amount in (30, 1)]
    assert [(each.before, each.after, each.held - others) for each in captured] == [
        (400 - others, 400 - others, 70),
        (400 - others, 400 - others, 69),
    ]
    assert open_holds(table)[opened.hold] == 69
    released = release(table, opened.hold)
    assert (released.amount, released.entry.held, released.after) == (69, -69, 469 - others)
    assert figures(table) == (469 - others, others)
    assert {each.entry.reference for each in (*captured, released)} == {opened.hold}
    assert [captured[0].entry.kind, released.entry.kind] == [Kind.CAPTURE, Kind.RELEASE]


@pytest.mark.parametrize("count", [MOST_INLINE - 1, MOST_INLINE, MOST_INLINE + 1, 20])
def test_any_number_of_holds_is_kept_apart_or_not(table: Table, count: int) -> None:
    opened = [reserve(table, number + 1) for number in range(count)]
    assert open_holds(table) == {each.hold: number + 1 for number, each in enumerate(opened)}
    assert len(counter.read(table, ACCOUNT, "sms").holds) == min(count, MOST_INLINE)
    for each in opened[::2]:
        capture(table, each.hold, 1)
    for each in opened[1::2]:
        release(table, each.hold)
    assert open_holds(table) == {each.hold: number for number, each in list(enumerate(opened))[::2] if number}
    captured = len(opened[::2])
    available, held = figures(table)
    assert available + held == 500 - captured


def test_what_lies_in_the_balance_costs_one_call(table: Table) -> None:
    spied, calls = counted(table)
    opened = reserve(spied)
    capture(spied, opened.hold, 5)
    assert calls == ["update_item", "update_item"]
    release(spied, opened.hold)
    assert calls[2:] == ["get_item", "update_item"], "what is left has to be known"


@pytest.mark.parametrize("others", ROOMS)
@pytest.mark.parametrize(("amount", "left"), [(99, 1), (100, 0)])
def test_a_hold_can_be_captured_to_the_last(table: Table, others: int, amount: int, left: int) -> None:
    fill(table, others)
    opened = reserve(table, 100)
    with pytest.raises(HoldTooSmall) as refused:
        capture(table, opened.hold, 101)
    assert refused.value.left == 100
    capture(table, opened.hold, amount)
    if left:
        with pytest.raises(HoldTooSmall):
            capture(table, opened.hold, left + 1)
        assert release(table, opened.hold).amount == left
    with pytest.raises(HoldNotFound):
        capture(table, opened.hold, 1)
    with pytest.raises(HoldNotFound):
        release(table, opened.hold)
    assert figures(table) == (400 + left - others, others)


def test_the_room_of_what_was_captured_to_the_last_is_used_again(table: Table) -> None:
    for each in fill(table, MOST_INLINE):
        capture(table, each.hold, 1)
    before = counter.read(table, ACCOUNT, "sms").sequence
    opened = reserve(table)
    found = counter.read(table, ACCOUNT, "sms")
    assert dict(found.holds) == {opened.hold: 100}
    assert found.sequence == before + 1, "no credit moved to make the room"


def test_the_item_of_a_hold_goes_with_its_last_credit(table: Table) -> None:
    fill(table, MOST_INLINE)
    released, captured = (reserve(table).hold for _ in range(2))
    assert sorted(counter.holds_apart(table, ACCOUNT, "sms")) == sorted([(released, 100), (captured, 100)])
    release(table, released)
    capture(table, captured, 100)
    assert not list(counter.holds_apart(table, ACCOUNT, "sms"))


@pytest.mark.parametrize("others", ROOMS)
def test_a_hold_lives_until_its_last_millisecond_and_not_longer(table: Table, clock: Clock, others: int) -> None:
    fill(table, others)
    opened = reserve(table, 100, lives_ms=LIFE_MS)
    assert opened.expires_ms == clock.ms + LIFE_MS
    clock.ms = opened.expires_ms - 1
    capture(table, opened.hold, 1)
    assert holds.read_holdings(table, ACCOUNT, "sms").spendable(opened.expires_ms - 1) == 400 - others
    assert holds.read_holdings(table, ACCOUNT, "sms").spendable(opened.expires_ms) == 499 - others
    clock.ms = opened.expires_ms
    with pytest.raises(HoldExpired):
        capture(table, opened.hold, 1)
    assert figures(table) == (499 - others, others), "who touches it gives it back"
    with pytest.raises(HoldNotFound):
        capture(table, opened.hold, 1)


@pytest.mark.parametrize("others", ROOMS)
def test_an_expired_hold_can_still_be_released(table: Table, clock: Clock, others: int) -> None:
    fill(table, others)
    opened = reserve(table)
    clock.ms = opened.expires_ms
    assert release(table, opened.hold).after == 500 - others


def test_who_runs_short_gets_what_expired_holds_held_and_signs_for_it(table: Table, clock: Clock) -> None:
    lasting = reserve(table, 50, lives_ms=2 * LIFE_MS)
    expiring = [reserve(table, 10) for _ in range(20)]
    with pytest.raises(InsufficientCredit) as refused:
        spend(table, 251)
    assert refused.value.available == 250
    clock.ms += LIFE_MS
    assert holds.read_holdings(table, ACCOUNT, "sms").spendable(int(clock.ms)) == 450
    with pytest.raises(InsufficientCredit) as refused:
        spend(table, 451, actor=7)
    assert refused.value.available == 450
    spend(table, 450)
    assert figures(table) == (0, 50)
    assert open_holds(table) == {lasting.hold: 50}
    given = [each for each in history.entries(table, ACCOUNT, "sms", limit=100) if each.entry.kind is Kind.RELEASE]
    assert {each.entry.actor for each in given} == {7}
    assert {each.entry.reference for each in given} == {each.hold for each in expiring}


def test_nobody_looks_for_expired_holds_who_does_not_need_them(table: Table, clock: Clock) -> None:
    reserve(table, 100)
    clock.ms += LIFE_MS
    spied, calls = counted(table)
    spend(spied, 400)
    assert calls == ["update_item"]
    assert figures(table) == (0, 100)
    assert counter.read(table, ACCOUNT, "sms").spendable(int(clock.ms)) == 100


def test_a_reserve_and_a_transfer_run_short_too(table: Table, clock: Clock) -> None:
    for _ in range(2):
        reserve(table, 500)
        clock.ms += LIFE_MS
    payee = opening.open_account(table, OPERATOR, actor=OPERATOR).id
    sides = [accounts.get(table, OPERATOR, account) for account in (ACCOUNT, payee)]
    paid, _ = transfer.transfer(table, OPERATOR, sides[0], sides[1], "sms", 500)
    assert paid.after == 0
    assert figures(table) == (0, 0)


def test_a_reserve_that_finds_no_room_gives_back_before_it_goes_elsewhere(table: Table, clock: Clock) -> None:
    for _ in range(MOST_INLINE):
        reserve(table, 1)
    clock.ms += LIFE_MS
    opened = reserve(table)
    assert open_holds(table) == {opened.hold: 100}
    assert not list(counter.holds_apart(table, ACCOUNT, "sms"))
    assert figures(table) == (400, 100)


@pytest.mark.parametrize(("amount", "left"), [(499, 1), (500, 0)])
def test_credit_can_be_reserved_to_the_last(table: Table, amount: int, left: int) -> None:
    assert reserve(table, amount).posted.after == left
    with pytest.raises(InsufficientCredit) as refused:
        reserve(table, left + 1)
    assert refused.value.available == left


@pytest.mark.parametrize("others", ROOMS)
@pytest.mark.parametrize("busy", [0, 3 * flush.EVERY])
@pytest.mark.parametrize("later_ms", LATER_MS)
def test_a_key_gets_its_first_answer_however_late(
    table: Table, clock: Clock, others: int, busy: int, later_ms: int
) -> None:
    fill(table, others)
    opened = reserve(table, 100, lives_ms=holds.LONGEST_LIFE_MS, key="r")
    captured = capture(table, opened.hold, 40, key="c")
    released = release(table, opened.hold, key="x")
    for _ in range(busy):
        clock.ms += 10
        spend(table, 1)
    clock.ms += later_ms
    again = reserve(table, 100, lives_ms=holds.LONGEST_LIFE_MS, key="r")
    assert again == replace(opened, posted=replace(opened.posted, replayed=True))
    assert capture(table, opened.hold, 40, key="c") == replace(captured, replayed=True)
    assert release(table, opened.hold, key="x") == replace(released, replayed=True)
    assert figures(table) == (460 - others - busy, others)


@pytest.mark.parametrize("others", ROOMS)
def test_a_capture_is_repeated_after_its_hold_expired_or_was_used_up(table: Table, clock: Clock, others: int) -> None:
    fill(table, others)
    opened = [reserve(table, 100) for _ in range(2)]
    first = capture(table, opened[0].hold, 100, key="all of it")
    second = capture(table, opened[1].hold, 1, key="some")
    assert capture(table, opened[0].hold, 100, key="all of it") == replace(first, replayed=True)
    clock.ms += LIFE_MS
    assert capture(table, opened[1].hold, 1, key="some") == replace(second, replayed=True)
    assert figures(table) == (300 - others, 99 + others)


def test_a_refused_capture_is_judged_afresh(table: Table) -> None:
    opened = reserve(table, 10)
    capture(table, opened.hold, 6)
    for _ in range(2):
        with pytest.raises(HoldTooSmall):
            capture(table, opened.hold, 5, key="five")
    release(table, opened.hold)
    with pytest.raises(HoldNotFound):
        capture(table, opened.hold, 5, key="five")


@pytest.mark.parametrize("others", ROOMS)
def test_a_capture_that_gets_in_between_is_not_released(table: Table, others: int) -> None:
    fill(table, others)
    opened = reserve(table, 100)
    got_in: list[Posted] = []

    def interrupt(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation in ("update_item", "transact_write_items") and len(got_in) < 2:
            got_in.append(capture(table, opened.hold, 30))
        return proceed(**request)

    assert release(through(table, interrupt), opened.hold).amount == 40
    assert len(got_in) == 2
    assert figures(table) == (440 - others, others)


@pytest.mark.parametrize("others", ROOMS)
def test_a_lost_step_happened_or_did_not_and_is_no_replay(table: Table, others: int) -> None:
    fill(table, others)

    def lost_once(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        answer = proceed(**request)
        if operation in ("update_item", "transact_write_items") and operation not in lost:
            lost.add(operation)
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, operation)
        return answer

    lost: set[str] = set()
    opened = reserve(through(table, lost_once), 100)
    lost.clear()
    captured = capture(through(table, lost_once), opened.hold, 100)
    assert not opened.posted.replayed
    assert not captured.replayed
    assert figures(table) == (400 - others, others)


def test_a_hold_apart_that_two_captures_emptied_together_is_not_left_behind(table: Table) -> None:
    fill(table, MOST_INLINE)
    opened = reserve(table, 10)
    other: list[Posted] = []

    def meet(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "transact_write_items" and not other:
            other.append(capture(table, opened.hold, 5))
        return proceed(**request)

    capture(through(table, meet), opened.hold, 5)
    place = hold_key(ACCOUNT, "sms", opened.hold)
    assert table.get(place) == {**place, "n": {"N": "0"}}
    with pytest.raises(HoldNotFound):
        release(table, opened.hold)
    assert table.get(place) is None
    assert figures(table) == (490 - MOST_INLINE, MOST_INLINE)


@pytest.mark.parametrize("others", ROOMS)
def test_a_suspended_account_opens_no_hold_but_settles_what_it_has(table: Table, others: int) -> None:
    fill(table, others)
    opened = reserve(table, 100)
    set_state(table, OPERATOR, ACCOUNT, State.SUSPENDED)
    with pytest.raises(AccountSuspended):
        reserve(table, 1)
    capture(table, opened.hold, 10)
    release(table, opened.hold)
    assert figures(table) == (490 - others, others)


@pytest.mark.parametrize("others", ROOMS)
def test_a_closed_account_takes_no_step_at_all(table: Table, others: int) -> None:
    fill(table, others)
    opened = reserve(table, 100)
    with pytest.raises(NotSettled):
        set_state(table, OPERATOR, ACCOUNT, State.CLOSED)
    release(table, opened.hold)
    for hold in holds.read_holdings(table, ACCOUNT, "sms").holds:
        release(table, hold)
    set_state(table, OPERATOR, ACCOUNT, State.CLOSED)
    with pytest.raises(AccountClosed):
        reserve(table, 1)
    with pytest.raises(AccountClosed):
        capture(table, opened.hold, 10)
    with pytest.raises(AccountClosed):
        release(table, opened.hold)
    assert figures(table) == (500, 0)


@pytest.mark.parametrize("hold", ["", "x", "0" * 15, "0" * 16, "V" * 16, "W" * 16, "v" * 16, "ű" * 16, "0" * 400])
def test_what_is_no_hold_is_not_found(table: Table, hold: str) -> None:
    for key in ("", f"key {hold}"):
        with pytest.raises(HoldNotFound):
            capture(table, hold, 1, key and key + "c")
        with pytest.raises(HoldNotFound):
            release(table, hold, key and key + "r")


def test_an_account_that_is_not_there_holds_nothing(table: Table) -> None:
    opened = reserve(table)
    with pytest.raises(AccountNotFound):
        holds.reserve(table, OPERATOR, 2, "sms", 1, lives_ms=1, actor=OPERATOR)
    with pytest.raises(AccountNotFound):
        holds.capture(table, OPERATOR, 2, "sms", opened.hold, 1, actor=OPERATOR)
    with pytest.raises(AccountNotFound):
        holds.release(table, OPERATOR, 2, "sms", opened.hold, actor=OPERATOR)


def test_amounts_and_lives_have_bounds(table: Table) -> None:
    opened = reserve(table, 1, lives_ms=1)
    reserve(table, 1, lives_ms=holds.LONGEST_LIFE_MS)
    for amount, lives_ms in ((0, 1), (-1, 1), (1, 0), (1, holds.LONGEST_LIFE_MS + 1)):
        with pytest.raises(ValueError, match="hold"):
            reserve(table, amount, lives_ms=lives_ms)
    for amount in (0, -1):
        with pytest.raises(ValueError, match="capture"):
            capture(table, opened.hold, amount)


def test_names_tell_when_holds_expire_and_sort_by_it() -> None:
    times = [0, 1, 31, 32, 1_767_225_600_000, 1_767_225_600_001, 2**42 - 1]
    names = [counter.name_hold(bytes([random] * 16), time_ms) for time_ms in times for random in (0, 255)]
    assert names == sorted(names)
    assert len({*names}) == len(names)
    assert {len(name) for name in names} == {16}
    assert [counter.hold_expires_ms(name) for name in names[::2]] == times


def test_an_open_hold_that_is_tampered_with_is_found(table: Table) -> None:
    opened = [*fill(table, MOST_INLINE), reserve(table)]
    for path, name in (("o.#hold", opened[0].hold), ("n", "")):
        key = counter.hold_key(ACCOUNT, "sms", opened[-1].hold) if path == "n" else counter.balance_key(ACCOUNT, "sms")
        request: Any = {"ExpressionAttributeNames": {"#hold": name}} if name else {}
        for by, problems in (("1", 1), ("-1", 0)):
            table.client.update_item(
                TableName=table.name,
                Key=key,
                UpdateExpression=f"SET {path} = {path} + :by",
                ExpressionAttributeValues={":by": {"N": by}},
                **request,
            )
            assert len(history.reconcile(table, ACCOUNT, "sms").problems) == problems
