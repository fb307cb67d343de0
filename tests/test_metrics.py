"""What CloudWatch can count of every dialect: credit added and spent, refusals, replays and slow paths."""

from typing import Any

import pytest

from api import capture_hold, change_balance, change_balances, get_balances, release_hold, reserve_credit
from ledger import metrics
from ledger.table import Table
from operations import open_account
from tests.api import caller as api
from tests.everlytic import caller as everlytic
from tests.everlytic.test_xml_rpc import call
from tests.local import demo
from tests.local.gateway import Context
from tests.logged import counted
from tests.mailpartner import caller as mailpartner
from tests.ozeki import caller as ozeki

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _nothing_counted_yet(ledger: Table, capsys: Capture) -> None:
    metrics.report("an earlier test", {})
    capsys.readouterr()


def test_credit_is_counted_once_and_a_replay_as_one(capsys: Capture) -> None:
    for _ in range(2):
        ozeki.ask(ozeki.ADD_244, key="order 1")
    ozeki.ask(ozeki.ADD_244, add="-44")

    assert counted(capsys.readouterr().out) == {
        ("ozeki", "sms", "CreditsAdded"): 244,
        ("ozeki", "sms", "CreditsSpent"): 44,
        ("ozeki", "sms", "Replayed"): 1,
    }


def test_a_refusal_is_counted_even_where_nobody_knows_the_unit(capsys: Capture) -> None:
    ozeki.ask(ozeki.ADD_244, password="wrong")
    ozeki.ask({"action": "no such"})

    refused = {("ozeki", "sms", "Refused"): 1, ("ozeki", "none", "Refused"): 1}
    assert counted(capsys.readouterr().out) == refused | {("ozeki", "none", "LoginFailed"): 1}


def test_what_only_reads_prints_nothing(capsys: Capture) -> None:
    ozeki.ask(ozeki.GET_AS_ADMIN)
    everlytic.ask("GET", f"/{demo.ACME}")
    mailpartner.ask("GetMe", mailpartner.KEY)
    api.ask(get_balances, id=demo.JOHN)

    assert counted(capsys.readouterr().out) == {}


def test_each_unit_of_a_package_and_each_quota_set_is_counted(capsys: Capture) -> None:
    everlytic.top_up(demo.ACME, "starter")
    everlytic.ask("PUT", f"/{demo.ACME}", {"email_quota": 200, "sms_quota": 130})
    everlytic.ask("POST", "", {"name": "New", "email": "new@acme.example", "email_quota": 7})
    everlytic.ask("GET", "/999")

    assert counted(capsys.readouterr().out) == {
        ("everlytic", "email", "CreditsAdded"): 500 + 7,
        ("everlytic", "email", "CreditsSpent"): 300,
        ("everlytic", "sms", "CreditsAdded"): 100 + 30,
        ("everlytic", "transactions", "CreditsAdded"): 50,
        ("everlytic", "none", "Refused"): 1,
    }


def test_a_method_of_xml_rpc_is_counted_as_its_endpoint_is(capsys: Capture) -> None:
    call("Topup", demo.ACME, "2")
    assert counted(capsys.readouterr().out) == {("everlytic", "email", "CreditsAdded"): 1_000}


def test_credit_that_is_only_moved_is_neither_added_nor_spent(capsys: Capture) -> None:
    mailpartner.add(5)
    mailpartner.remove(2)
    mailpartner.create(creditToAttribute=10)
    mailpartner.ask("RemoveSubaccount", {**mailpartner.KEY, "token": demo.TOKEN})
    mailpartner.add(5)

    assert counted(capsys.readouterr().out) == {("mailpartner", "EUR", "Refused"): 1}


def test_of_a_hold_only_what_is_captured_is_spent(capsys: Capture) -> None:
    at: dict[str, Any] = {"id": demo.JOHN, "unit": "sms"}
    hold = api.ask(reserve_credit, {"amount": 100, "expires_in_s": 60}, key="1", **at)["hold"]
    for key in ("2", "3", "3"):
        api.ask(capture_hold, {"amount": 30}, key=key, hold=hold, **at)
    api.ask(release_hold, key="4", hold=hold, **at)

    assert counted(capsys.readouterr().out) == {
        ("ledger", "sms", "CreditsSpent"): 60,
        ("ledger", "sms", "Replayed"): 1,
    }


def test_of_a_batch_each_change_is_counted_on_its_own(capsys: Capture) -> None:
    wanted = [("topup", 5, "1"), ("topup", 5, "1"), ("spend", -9_999, "2"), ("spend", -3, "3")]
    items = [
        {"account": demo.JOHN, "unit": "sms", "idempotency_key": key, "change": {"kind": kind, "amount": amount}}
        for kind, amount, key in wanted
    ]
    api.ask(change_balances, {"changes": items})

    assert counted(capsys.readouterr().out) == {
        ("ledger", "sms", "CreditsAdded"): 5,
        ("ledger", "sms", "CreditsSpent"): 3,
        ("ledger", "sms", "Replayed"): 1,
        ("ledger", "sms", "Refused"): 1,
    }


def test_a_key_that_has_to_be_searched_for_is_a_slow_path(capsys: Capture) -> None:
    at: dict[str, Any] = {"id": demo.JOHN, "unit": "sms"}
    for number in [*range(40), 0]:
        answer = api.ask(change_balance, {"kind": "topup", "amount": 1}, key=str(number), **at)

    assert answer.replayed
    figures = counted(capsys.readouterr().out)
    assert figures["ledger", "sms", "SlowPath"] == 1
    assert figures["ledger", "sms", "CreditsAdded"] == 40


def test_opening_balances_are_credit_added(capsys: Capture) -> None:
    wanted = {"role": "user", "operator": demo.ADMIN, "username": "mary", "balances": {"sms": 9, "email": 0}}
    for _ in range(2):
        open_account.lambda_handler(wanted | {"idempotency_key": "1"}, Context("OpenAccount"))
    open_account.lambda_handler({}, Context("OpenAccount"))

    assert counted(capsys.readouterr().out) == {
        ("operations", "sms", "CreditsAdded"): 9,
        ("operations", "none", "Replayed"): 1,
        ("operations", "none", "Refused"): 1,
    }
