"""Credit on hold: reserved, captured in parts, released, or expired."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from api import (
    capture_hold,
    change_balance,
    get_balance,
    get_balances,
    list_entries,
    list_holds,
    release_hold,
    reserve_credit,
    update_account,
    wire,
)
from ledger import history
from ledger.table import Table
from tests.api.caller import Answer, ask

PLACE: dict[str, Any] = {"id": 101, "unit": "sms"}


def reserve(amount: int = 100, key: str = "hold", **more: object) -> Answer:
    return ask(reserve_credit, {"amount": amount, "expires_in_s": 60, **more}, key=key, **PLACE)


def capture(hold: str, amount: int, key: str) -> Answer:
    return ask(capture_hold, {"amount": amount}, key=key, hold=hold, **PLACE)


def release(hold: str, key: str = "release") -> Answer:
    return ask(release_hold, key=key, hold=hold, **PLACE)


def left() -> list[int]:
    return [each["left"] for each in ask(list_holds, **PLACE)["holds"]]


def funds() -> tuple[int, int]:
    """Give what john has available and what he has on hold."""
    (balance,) = ask(get_balances, id=101)["balances"]
    assert ask(get_balance, **PLACE)["available"] == balance["available"]
    return balance["available"], balance["held"]


def test_credit_is_held_captured_in_parts_and_the_rest_released(ledger: Table) -> None:
    opened = reserve(100, reference="campaign-7")
    assert opened.status == 201
    assert (opened["entry"]["after"], opened["entry"]["held"], opened["entry"]["kind"]) == (400, 100, "reserve")
    assert (funds(), left()) == ((400, 100), [100])

    taken = capture(opened["hold"], 97, "message 1")
    assert (taken.status, taken["amount"], taken["held_amount"], taken["held"]) == (201, 0, -97, 3)
    assert taken["reference"] == opened["hold"]
    assert left() == [3]

    over = release(opened["hold"])
    assert (over.status, over["amount"], over["after"], over["held"]) == (200, 3, 403, 0)
    assert (funds(), left()) == ((403, 0), [])
    kinds = [each["kind"] for each in ask(list_entries, **PLACE)["entries"]]
    assert kinds == ["release", "capture", "reserve", "opening"]
    assert history.reconcile(ledger, 101, "sms").problems == []


def test_each_step_is_taken_once_under_its_key(ledger: Table) -> None:
    opened = reserve()
    steps: list[Callable[[], Answer]] = [
        lambda: reserve(),
        lambda: capture(opened["hold"], 10, "1"),
        lambda: capture(opened["hold"], 20, "2"),
        lambda: release(opened["hold"]),
    ]
    first = [step() for step in steps]
    again = [step() for step in steps]
    assert [each.body for each in again] == [each.body for each in first]
    assert [each.replayed for each in first + again] == [True, False, False, False, True, True, True, True]
    assert funds() == (470, 0)
    assert reserve(99).code == capture(opened["hold"], 11, "1").code == "idempotency_key_reused"
    assert reserve(expires_in_s=61).code == "idempotency_key_reused"


def test_more_cannot_be_held_than_there_is_nor_captured_than_is_held(ledger: Table) -> None:
    too_much = reserve(501)
    assert (too_much.status, too_much.code, too_much["available"]) == (402, "insufficient_credit", 500)
    hold = reserve(500, "another")["hold"]
    spent = ask(change_balance, {"kind": "spend", "amount": -1}, key="spend", **PLACE)
    assert (spent.code, spent["available"]) == ("insufficient_credit", 0)
    beyond = capture(hold, 501, "1")
    assert (beyond.status, beyond.code, beyond["available"]) == (402, "hold_too_small", 500)
    assert capture(hold, 500, "2").status == 201
    assert capture(hold, 1, "3").code == "hold_not_found"
    assert release(hold).code == "hold_not_found"


def test_an_expired_hold_gives_back_by_itself(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = reserve(500)["hold"]
    later_ms = ledger.now_ms() + 61_000
    monkeypatch.setattr(wire, "table", replace(ledger, now_ms=lambda: later_ms))
    assert (funds(), left()) == ((500, 0), [])
    expired = capture(hold, 1, "1")
    assert (expired.status, expired.code) == (409, "hold_expired")
    assert ask(change_balance, {"kind": "spend", "amount": -500}, key="spend", **PLACE)["after"] == 0
    assert history.reconcile(ledger, 101, "sms").problems == []


def test_an_account_with_a_hold_cannot_be_closed_and_a_suspended_one_can_settle_it(ledger: Table) -> None:
    hold = reserve()["hold"]
    assert ask(update_account, {"state": "closed"}, id=101).code == "not_settled"
    ask(update_account, {"state": "suspended"}, id=101)
    assert reserve(key="another").code == "account_suspended"
    assert capture(hold, 1, "1").status == 201
    assert release(hold).status == 200
    ask(update_account, {"state": "closed"}, id=101)
    assert reserve(key="a third").code == "account_closed"


def test_many_holds_lie_side_by_side(ledger: Table) -> None:
    opened = [reserve(10, f"{number}")["hold"] for number in range(8)]
    assert (funds(), left()) == ((420, 80), [10] * 8)
    for number, hold in enumerate(opened):
        assert capture(hold, 4, f"capture {number}").status == 201
        assert release(hold, f"release {number}")["amount"] == 6
    assert funds() == (468, 0)
    assert history.reconcile(ledger, 101, "sms").problems == []


@pytest.mark.parametrize("hold", ["0" * 16, "V" * 16])
def test_there_is_no_such_hold(ledger: Table, hold: str) -> None:
    assert capture(hold, 1, "1").code == "hold_not_found"
    assert release(hold).code == "hold_not_found"
    assert ask(release_hold, key="x", hold=hold, id=7_777, unit="sms").code == "account_not_found"
    assert release(hold.lower()[:15]).code == "invalid_request"
