"""What an operation answers and logs, whole: an operator's scripts and alarms read these."""

import io
from typing import Any

import pytest

from ledger.counter import State
from ledger.table import Table
from operations import open_account, reconcile_balance
from tests.local import demo
from tests.local.gateway import Context
from tests.logged import counted, lines
from tests.mailpartner.books import break_transactions, conflict, no_answer, open_rival
from tests.states import set_state

MARY = {"role": "user", "operator": demo.ADMIN, "username": "mary", "password": "mary-123", "idempotency_key": "k"}


def ask(**more: Any) -> dict[str, Any]:
    return open_account.lambda_handler(MARY | more, Context("OpenAccount"))


def test_what_opening_answers(ledger: Table) -> None:
    opened = ask()
    assert opened == {"account": 2, "username": "mary", "replayed": False, "api_key": opened["api_key"]}
    assert ask() == {
        "account": 2,
        "username": "mary",
        "replayed": True,
        "message": "opened before: its credentials were shown then and cannot be shown again",
    }


REFUSED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "no account": ({"operator": 7_777}, {"error": "AccountNotFound", "message": "there is no such account"}),
    "a closed operator": ({"operator": "rival"}, {"error": "AccountClosed", "message": "the account is closed"}),
    "a name taken": ({"username": "john"}, {"error": "NameTaken", "message": "the user name is taken"}),
    "a key reused": (
        {"username": "mark", "idempotency_key": "used"},
        {"error": "KeyReused", "message": "the idempotency_key was used for something else"},
    ),
    "nothing right": (
        {"role": "boss", "operator": 0, "username": "", "password": "x" * 17, "balances": {"sms": -1}, "more": 1},
        {
            "error": "InvalidRequest",
            "message": "role: Input should be 'admin' or 'user'"
            "; operator: Input should be greater than or equal to 1"
            "; username: String should have at least 1 character"
            "; password: Value should have at most 16 items after validation, not 17"
            "; balances.sms: Input should be greater than or equal to 0"
            "; more: Extra inputs are not permitted",
        },
    ),
    "a user without an operator": (
        {"operator": None},
        {"error": "InvalidRequest", "message": "Value error, a user has an operator, an admin has none"},
    ),
    "an unreadable name": (
        {"username": " mary"},
        {
            "error": "InvalidRequest",
            "message": "username: Value error, only printable characters, and no space at either end",
        },
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_why_opening_is_refused(ledger: Table, log: io.StringIO, case: str, capfd: pytest.CaptureFixture[str]) -> None:
    wanted, answer = REFUSED[case]
    if wanted.get("operator") == "rival":
        rival = open_rival(ledger, "rival", "rival-token")
        set_state(ledger, 0, rival, State.CLOSED)
        wanted = wanted | {"operator": rival}
    ask(idempotency_key="used")
    assert ask(**{"username": "mark", "idempotency_key": "fresh"} | wanted) == answer
    refused = lines(log)[-1]
    assert (refused["message"], refused["error"], refused["level"]) == ("refused", answer["error"], "INFO")
    assert counted(capfd.readouterr().out) == {("operations", "none", "Refused"): 1}


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (conflict, {"error": "Busy", "message": "busy, nothing changed: try again"}),
        (
            no_answer,
            {
                "error": "OutcomeUnknown",
                "message": "the outcome is not known: try again with the same idempotency_key, or look",
            },
        ),
    ],
)
def test_a_crowd_and_a_lost_answer_are_told_apart(
    ledger: Table, monkeypatch: pytest.MonkeyPatch, fault: Any, answer: dict[str, str]
) -> None:
    with monkeypatch.context() as broken:
        break_transactions(broken, open_account, ledger, fault)
        assert ask() == answer
    assert ask()["replayed"] is False


def test_what_is_logged_of_an_operation(ledger: Table, log: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    ask(balances={"sms": 5, "EUR": 7})
    ask(balances={"sms": 5, "EUR": 7})
    reconcile_balance.lambda_handler({"account": 2, "unit": "sms"}, Context("ReconcileBalance"))
    ours = ("level", "message", "account", "role", "replayed", "unit", "entries", "sequence", "available", "problems")
    opened = {"level": "INFO", "message": "AccountOpened", "account": 2, "role": "user"}
    assert [{name: line[name] for name in ours if name in line} for line in lines(log)] == [
        opened | {"replayed": False},
        opened | {"replayed": True},
        {
            "level": "INFO",
            "message": "BalanceReconciled",
            "account": 2,
            "unit": "sms",
            "entries": 1,
            "sequence": 1,
            "available": 5,
            "problems": [],
        },
    ]
    assert counted(capfd.readouterr().out) == {
        ("operations", "sms", "CreditsAdded"): 5,
        ("operations", "EUR", "CreditsAdded"): 7,
        ("operations", "none", "Replayed"): 1,
    }


def test_a_damaged_history_is_named_and_alarmed(ledger: Table, log: io.StringIO) -> None:
    ledger.client.update_item(
        TableName=ledger.name,
        Key={"pk": {"S": f"B#{demo.JOHN}#sms"}, "sk": {"S": "~"}},
        UpdateExpression="SET a = :more",
        ExpressionAttributeValues={":more": {"N": "501"}},
    )
    found = {
        "account": demo.JOHN,
        "unit": "sms",
        "entries": 1,
        "sequence": 1,
        "available": 501,
        "held": 0,
        "problems": ["the tail does not lead to the balance"],
    }
    assert reconcile_balance.lambda_handler({"account": 101, "unit": "sms"}, Context("ReconcileBalance")) == found
    line, answered = lines(log)
    assert line["level"] == "CRITICAL", "an alarm in template.yaml watches for this"
    assert line["message"] == "history does not add up"
    assert answered["level"] == "INFO"
    assert {name: line[name] for name in found} == found
