"""Which error is answered when several would do, and that every error of the ledger has an answer."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any
from xmlrpc.client import Fault, loads

import pytest

from everlytic import marshalling, wire
from ledger.packages import PackageNotFound
from ledger.table import Table
from tests.demo_ledger import items
from tests.error_tree import every_error
from tests.everlytic.books import failing, intercept, open_user
from tests.everlytic.caller import ADMIN, USER, ask, basic, create, read, send
from tests.local import demo


@dataclass(frozen=True)
class Repair:
    """One fault put right, and the error that shows up next."""

    of: str
    request: dict[str, Any]
    status: int
    message: str


def walk(rows: list[Repair]) -> dict[str, Any]:
    """Put right what these rows put right."""
    request: dict[str, Any] = {}
    for row in rows:
        request |= row.request
    return request


# Each row repairs one fault of the row above; all the others are still there.
UPDATE = [
    Repair("nothing", {"id": "x", "body": "[", "key": "k" * 256}, 401, "wrong username or API key"),
    Repair("no credentials", {"auth": "Basic %"}, 401, "wrong username or API key"),
    Repair("no base64", {"auth": basic("admin:wrong")}, 401, "wrong username or API key"),
    Repair("the API key", {"auth": USER}, 403, "only an operator may do this"),
    Repair("who asks", {"auth": ADMIN}, 404, "no such customer"),
    Repair("no id", {"id": "9"}, 404, "no such customer"),
    Repair("the customer", {"id": "2"}, 400, "the body is not JSON in which each property is given once"),
    Repair("the JSON", {"body": "[1]"}, 400, "the properties must be an object"),
    Repair("the object", {"body": '{"x":1,"id":9}'}, 400, "x: not a property to write"),
    Repair("the property", {"body": '{"id":9}'}, 400, "id: read only, and not that of this customer"),
    Repair("the id", {"body": '{"email_package_id":9}'}, 400, "email_package_id: no such package"),
    Repair("the package", {"body": '{"email":"info@acme.example"}'}, 400, "Idempotency-Key: 1 to 255 characters"),
    Repair("the key", {"key": "used"}, 409, "the Idempotency-Key was used for something else"),
    Repair("the use of the key", {"key": "fresh"}, 409, "the customer is deleted"),
    Repair("the deleted customer", {"id": "3"}, 409, "email: another customer has it"),
]
TOP_UP = [
    Repair("nothing", {"id": "9", "package": "9", "key": "k" * 256}, 401, "wrong username or API key"),
    Repair("no credentials", {"auth": USER}, 403, "only an operator may do this"),
    Repair("who asks", {"auth": ADMIN}, 404, "no such customer"),
    Repair("the customer", {"id": "2"}, 404, "no such package"),
    Repair("the package", {"package": "2"}, 400, "Idempotency-Key: 1 to 255 characters"),
    Repair("the key", {"key": "used"}, 409, "the Idempotency-Key was used for something else"),
    Repair("the use of the key", {"key": "fresh"}, 409, "the customer is deleted"),
]


def put(request: dict[str, Any]) -> tuple[int, str]:
    response = send(
        "PUT",
        f"/{request['id']}",
        auth=request.get("auth"),
        key=request["key"],
        data=request["body"],
        content_type="application/json",
    )
    return read(response).error


def top_up(request: dict[str, Any]) -> tuple[int, str]:
    path = f"/topup/{request['id']}/{request['package']}"
    return ask("POST", path, auth=request.get("auth"), key=request["key"]).error


def test_of_several_errors_the_first_in_the_order_is_answered_and_nothing_changes(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted, other = create("Deleted"), create("Other")
    open_user(ledger)
    ask("DELETE", f"/{deleted}", key="used")
    assert (deleted, other) == (2, 3)
    before = items(ledger)
    for row, repair in enumerate(UPDATE):
        assert put(walk(UPDATE[: row + 1])) == (repair.status, repair.message), repair.of
    for row, repair in enumerate(TOP_UP):
        assert top_up(walk(TOP_UP[: row + 1])) == (repair.status, repair.message), repair.of
    assert items(ledger) == before

    # With the last fault repaired there is still the crowd ...
    free = walk(UPDATE) | {"body": '{"email":"free@acme.example"}'}
    with monkeypatch.context() as crowd:
        intercept(crowd, ledger, failing("TransactionConflictException"))
        assert put(free) == (503, "busy, nothing changed: send it again")
        assert top_up(walk(TOP_UP) | {"id": "3"}) == (503, "busy, nothing changed: send it again")
    assert items(ledger) == before

    # ... and then nothing.
    assert ask("PUT", "/3", {"email": "free@acme.example"}, key="fresh").status == 200
    assert ask("POST", "/topup/3/2", key="fresh too").status == 200


def test_a_lost_answer_is_not_called_busy(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Busy promises that nothing changed, which nobody knows here."""
    intercept(monkeypatch, ledger, failing("InternalServerError"))
    unknown = (504, "the outcome is not known: look before sending it again")
    for method, path, body in (
        ("POST", "", {"name": "x", "email": "a@b.de"}),
        ("PUT", "/1", {"name": "x"}),
        ("DELETE", "/1", None),
        ("PUT", "/topup/1/2", None),
    ):
        response = send(method, path, body)
        assert read(response).error == unknown
        assert "Retry-After" not in response.headers


def test_reading_from_a_database_that_does_not_answer_is_busy(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask("GET").status == 200
    for operation in ("get_item", "query", "batch_get_item"):
        with monkeypatch.context() as broken:
            intercept(broken, ledger, failing("ServiceUnavailable"), operation)
            assert ask("GET", f"/{demo.JOHN}" if operation != "query" else "").status == 503


IMPOSSIBLE = (409, "not possible as the customer is")
TOLD = {
    "WrongCredentials": (401, "wrong username or API key"),
    "NotPermitted": (403, "only an operator may do this"),
    "AccountSuspended": (403, "the operator is suspended: it may only read"),
    "AccountNotFound": (404, "no such customer"),
    "PackageNotFound": (404, "no such package"),
    "KeyReused": (409, "the Idempotency-Key was used for something else"),
    "AccountClosed": (409, "the customer is deleted"),
    "NameTaken": (409, "email: another customer has it"),
    "NotSettled": (409, "a balance is below zero or has credit on hold"),
    "Busy": (503, "busy, nothing changed: send it again"),
    "OutcomeUnknown": (504, "the outcome is not known: look before sending it again"),
    **dict.fromkeys(("BalanceTooLarge", "HoldNotFound", "HoldExpired", "HoldTooSmall"), IMPOSSIBLE),
    **dict.fromkeys(("InsufficientCredit", "TransferRefused", "LoginBlocked"), IMPOSSIBLE),
}
HEADERS = {
    401: {"WWW-Authenticate": 'Basic realm="Everlytic API", charset="UTF-8"'},
    503: {"Retry-After": "1"},
}


def test_every_error_of_the_ledger_is_told_with_its_status_and_text_and_as_the_same_fault() -> None:
    def fail(error: Exception, _: object) -> Any:
        raise error

    told, faults = {}, {}
    for name, error in {**every_error(), "PackageNotFound": PackageNotFound()}.items():
        act = partial(fail, error)
        answer = wire.answer({}, act, "done")
        status = answer["statusCode"]
        told[name] = status, json.loads(answer["body"])["error"]["message"]
        common = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": "application/json"}
        assert answer["headers"] == common | HEADERS.get(status, {})
        with pytest.raises(Fault) as fault:
            loads(marshalling.answer({}, act, "done")["body"])
        faults[name] = fault.value.faultCode, fault.value.faultString
    assert told == faults == TOLD
