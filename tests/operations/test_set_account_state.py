"""Suspending, opening and closing an operator, which nobody can do over HTTP."""

import io
import json
from typing import Any

import pytest

from api import get_account
from ledger import accounts, counter, holds
from ledger.accounts import HOUSE
from ledger.counter import State
from ledger.table import Table
from operations import set_account_state
from tests.api.caller import ask as call
from tests.demo_ledger import items
from tests.local import demo
from tests.local.gateway import Context
from tests.logged import lines


def ask(**event: Any) -> dict[str, Any]:
    answer = set_account_state.lambda_handler({"account": demo.ADMIN} | event, Context("SetAccountState"))
    json.dumps(answer)
    return answer


@pytest.mark.parametrize("state", ["suspended", "open"])
def test_an_operator_is_suspended_and_opened_again(ledger: Table, state: str) -> None:
    for _ in range(2):
        assert ask(state=state) == {"account": demo.ADMIN, "state": state}
    expected = State[state.upper()]
    assert accounts.get(ledger, HOUSE, demo.ADMIN).state is expected
    assert counter.read(ledger, demo.ADMIN, "EUR").state == expected
    assert ask(state="open")["state"] == "open"


def test_closing_is_for_good_and_lets_nobody_in(ledger: Table) -> None:
    assert ask(state="closed") == {"error": "NotSettled", "message": "the account still owes or holds credit"}
    holds.release(ledger, HOUSE, demo.ADMIN, "transactions", demo.HOLD, actor=HOUSE)
    for _ in range(2):
        assert ask(state="closed") == {"account": demo.ADMIN, "state": "closed"}
    assert ask(state="open") == {"error": "AccountClosed", "message": "the account is closed"}
    ledger.recent.clear()
    assert call(get_account, id=demo.JOHN).status == 403


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"state": "gone"}, "InvalidRequest"),
        ({"state": 1}, "InvalidRequest"),
        ({}, "InvalidRequest"),
        ({"state": "open", "account": 0}, "InvalidRequest"),
        ({"state": "open", "account": demo.JOHN}, "AccountNotFound"),
        ({"state": "closed", "account": 7_777}, "AccountNotFound"),
    ],
)
def test_what_is_refused_changes_nothing(ledger: Table, event: dict[str, Any], error: str) -> None:
    before = items(ledger)
    assert ask(**event)["error"] == error
    assert items(ledger) == before


def test_it_leaves_one_line(ledger: Table, log: io.StringIO) -> None:
    ask(state="suspended")
    (line,) = lines(log)
    assert (line["message"], line["account"], line["state"]) == ("AccountStateSet", demo.ADMIN, "suspended")
