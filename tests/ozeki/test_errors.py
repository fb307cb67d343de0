"""Which error is answered when several would do, and that an error has changed nothing."""

from dataclasses import dataclass

import pytest

from ledger.counter import State
from ledger.table import Table
from ozeki import ozeki_api, wire
from tests.demo_ledger import items
from tests.error_tree import every_error
from tests.local import demo
from tests.ozeki.books import break_johns_balance, open_user
from tests.ozeki.caller import ADD_244, ADMIN, Answer, ask, credit, event, read, send
from tests.states import set_state


@dataclass(frozen=True)
class Repair:
    """One fault put right, and the error that shows up next."""

    of: str
    parameters: dict[str, str]
    code: int
    message: str
    key: str | None = None
    whole: bool = False


FAULTS = {"action": "refund", "useraccount": "nobody", "responseformat": "html"}
# Each row repairs one fault of the row above; all the others are still there.
WAY_DOWN = [
    Repair("nothing", FAULTS, 3, "unknown action", key="k" * 256),
    Repair("action", {"action": "addcredits"}, 1, "missing parameter: username"),
    Repair("user name", {"username": "john"}, 1, "missing parameter: password"),
    Repair("password", {"password": "abc123"}, 4, "wrong username or password"),
    Repair("password", {"password": "john123"}, 5, "only admin may do this"),
    Repair("caller", ADMIN, 1, "missing parameter: add"),
    Repair("amount", {"add": "many"}, 2, "not a valid value: add"),
    Repair("amount", {"add": "244"}, 2, "not a valid value: Idempotency-Key"),
    Repair("key", {}, 2, "not a valid value: responseformat", key="used"),
    Repair("format", {"responseformat": "xml"}, 2, "not a valid value: body"),
    Repair("body", {}, 6, "unknown useraccount", whole=True),
    Repair("account", {"useraccount": "jane"}, 9, "account closed"),
    Repair("account", {"useraccount": "john"}, 8, "the Idempotency-Key was used for something else"),
    Repair("key", {}, 7, "busy, nothing changed: send it again", key="fresh"),
]


def walk(rows: list[Repair]) -> tuple[dict[str, str], str | None, bool]:
    """Put right what these rows put right."""
    parameters: dict[str, str] = {}
    key, whole = None, False
    for row in rows:
        parameters |= row.parameters
        key, whole = row.key or key, whole or row.whole
    return parameters, key, whole


@pytest.fixture
def faults(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> Table:
    """Set up what is wrong with the ledger: jane is closed, the key "used" is used, john's balance is crowded."""
    set_state(ledger, demo.ADMIN, open_user(ledger, "jane"), State.CLOSED)
    ask({"action": "addcredits", **ADMIN, "add": "1"}, key="used")
    break_johns_balance(monkeypatch, ledger, "TransactionConflictException")
    return ledger


def ask_broken(parameters: dict[str, str], key: str | None, *, whole: bool) -> Answer:
    """Call the API, with a body that is no base64 unless `whole`."""
    made = event("&".join(f"{name}={value}" for name, value in parameters.items()), body=b"", key=key)
    return send(made if whole else made | {"body": "%"})


@pytest.mark.parametrize("row", range(len(WAY_DOWN)), ids=lambda row: f"{row}: {WAY_DOWN[row].of} repaired")
def test_of_several_errors_the_first_in_the_order_is_answered_and_nothing_changes(faults: Table, row: int) -> None:
    parameters, key, whole = walk(WAY_DOWN[: row + 1])
    before = items(faults)

    assert ask_broken(parameters, key, whole=whole) == Answer(
        "error", code=WAY_DOWN[row].code, message=WAY_DOWN[row].message
    )

    left = [item["pk"]["S"].partition("#")[0] for item in items(faults) if item not in before]
    assert left == (["K"] if key == "fresh" else ["F"] if WAY_DOWN[row].code == 4 else [])


def test_with_the_last_fault_repaired_the_change_is_made(faults: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ozeki_api, "table", faults)
    parameters, key, whole = walk(WAY_DOWN)
    assert ask_broken(parameters, key, whole=whole) == credit("john", 744)


def test_a_lost_answer_is_not_called_busy(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Busy promises that nothing changed, which nobody knows here."""
    break_johns_balance(monkeypatch, ledger, "InternalServerError")
    assert ask(ADD_244) == Answer(
        "error", code=10, message="the outcome is not known: read the balance before sending it again"
    )


IMPOSSIBLE = (2, "not possible as the account is")
TOLD = {
    "AccountNotFound": (6, "unknown useraccount"),
    "AccountClosed": (9, "account closed"),
    "KeyReused": (8, "the Idempotency-Key was used for something else"),
    "WrongCredentials": (4, "wrong username or password"),
    "LoginBlocked": (11, "too many wrong passwords from your address: wait a minute, or up to an hour"),
    "NotPermitted": (5, "only admin may do this"),
    "AccountSuspended": (5, "the account is suspended: it may only read"),
    "Busy": (7, "busy, nothing changed: send it again"),
    "OutcomeUnknown": (10, "the outcome is not known: read the balance before sending it again"),
    "NameTaken": (2, "not a valid value: name is taken"),
    "NotSettled": (2, "not possible: a balance of the user's is below zero or on hold"),
    **dict.fromkeys(("BalanceTooLarge", "HoldNotFound", "HoldExpired", "HoldTooSmall"), IMPOSSIBLE),
    **dict.fromkeys(("InsufficientCredit", "TransferRefused"), IMPOSSIBLE),
}


def test_every_error_of_the_ledger_is_told_with_its_code_and_text() -> None:
    def told(error: Exception) -> Answer:
        def fail(_: wire.Request) -> wire.Answer:
            raise error

        return read(wire.answer(event(), fail))

    errors = every_error()
    assert {name: told(error) for name, error in errors.items()} == {
        name: Answer("error", code=code, message=message) for name, (code, message) in TOLD.items()
    }
