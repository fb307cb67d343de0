"""Which error is told when several would do, and that none of them changes a thing."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

import refuse_request
from api import change_balance, create_account, openapi, update_account, wire
from api.problems import REFUSALS, Fault, InternalError, InvalidRequest, MethodNotAllowed, NoSuchPath
from ledger import errors
from ledger.api_keys import ApiKeyNotFound, LastAdminKey
from ledger.packages import PackageNotFound
from ledger.table import Table
from tests.api.caller import ADMIN, Answer, ask
from tests.api.test_keys import issue
from tests.demo_ledger import items
from tests.error_tree import every_error
from tests.faulty import broken
from tests.states import close_the_operator


@dataclass(frozen=True)
class Request:
    """A change of a balance, as wrong as can be to begin with."""

    secret: str | None = None
    account: int = 7_777
    kind: str = "gift"
    key: str | None = None


@dataclass(frozen=True)
class Repair:
    """One fault put right, and the error that shows up next."""

    of: str
    put: dict[str, Any]
    status: int
    code: str


# Each row repairs one fault of the row above; all the others are still there.
WAY_DOWN = [
    Repair("nothing", {}, 401, "unauthenticated"),
    Repair("secret", {"secret": "reader"}, 400, "invalid_request"),
    Repair("kind", {"kind": "spend"}, 400, "invalid_request"),
    Repair("idempotency key", {"key": "used"}, 403, "not_permitted"),
    Repair("secret", {"secret": ADMIN}, 404, "account_not_found"),
    Repair("account", {"account": 102}, 409, "account_closed"),
    Repair("account", {"account": 1}, 422, "idempotency_key_reused"),
    Repair("idempotency key", {"key": "fresh"}, 409, "account_suspended"),
    Repair("account", {"account": 100}, 402, "insufficient_credit"),
    Repair("account", {"account": 101}, 503, "busy"),
]


def send(rows: list[Repair], secrets: dict[str, str]) -> Answer:
    """Send the request with all put right that these rows put right."""
    request = Request()
    for row in rows:
        request = replace(request, **row.put)
    return ask(
        change_balance,
        {"kind": request.kind, "amount": -1},
        secret=secrets.get(request.secret or "", request.secret),
        key=f"fresh {len(rows)}" if request.key == "fresh" else request.key,
        id=request.account,
        unit="sms",
    )


@pytest.fixture
def secrets(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set up what is wrong with the ledger: 102 is closed, 1 suspended, 100 has nothing, 101 is crowded."""
    assert ask(update_account, {"state": "closed"}, id=102).status == 200
    for account in (1, 100):
        body = {"kind": "adjustment", "amount": 0}
        assert ask(change_balance, body, key=f"open {account}", id=account, unit="sms").status == 201
    assert ask(update_account, {"state": "suspended"}, id=1).status == 200
    assert ask(create_account, {"name": "x"}, key="used").status == 201
    secrets = {"reader": issue("read")}
    monkeypatch.setattr(wire, "table", broken(ledger, 101, "TransactionConflictException"))
    return secrets


def test_of_several_errors_the_first_in_the_order_is_told_and_nothing_changes(
    ledger: Table, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, row in enumerate(WAY_DOWN):
        before = items(ledger)
        answered = send(WAY_DOWN[: number + 1], secrets)
        assert (answered.status, answered.code) == (row.status, row.code)
        left = [item["pk"]["S"][:6] for item in items(ledger) if item not in before]
        assert left in ([], ["K#100#"]), "a claim at most"
    assert answered.headers["retry-after"] == "1"
    monkeypatch.setattr(wire, "table", ledger)
    assert send([*WAY_DOWN, Repair("crowd", {}, 201, "")], secrets)["after"] == 499


def test_a_lost_answer_is_not_called_busy(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Busy promises that nothing changed, which nobody knows here."""
    monkeypatch.setattr(wire, "table", broken(ledger, 101, "InternalServerError"))
    lost = ask(change_balance, {"kind": "topup", "amount": 1}, key="k", id=101, unit="sms")
    assert (lost.status, lost.code) == (504, "outcome_unknown")
    assert lost.headers["retry-after"] == "1"


def test_what_was_opened_but_cannot_be_read_back_is_not_called_busy_either(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []

    class Forgetful:
        """A client that opens accounts, and answers no read after that."""

        def __getattr__(self, name: str) -> Any:
            return getattr(ledger.client, name)

        def transact_write_items(self, **request: Any) -> Any:
            opened.append(ledger.client.transact_write_items(**request))
            return opened[-1]

        def get_item(self, **request: Any) -> Any:
            if opened:
                raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "GetItem")
            return ledger.client.get_item(**request)

    client: Any = Forgetful()
    monkeypatch.setattr(wire, "table", replace(ledger, client=client))
    assert ask(create_account, {"name": "x"}, key="k").code == "outcome_unknown"
    monkeypatch.setattr(wire, "table", ledger)
    again = ask(create_account, {"name": "x"}, key="k")
    assert (again.status, again.replayed) == (201, True)


def test_an_operator_whose_account_is_closed_may_do_nothing(ledger: Table) -> None:
    close_the_operator(ledger)
    assert ask(create_account, {"name": "x"}, key="k").code == "not_permitted"


TOLD: dict[type[Exception], tuple[int, str, str]] = {
    NoSuchPath: (404, "no_such_path", "There is no such path"),
    MethodNotAllowed: (405, "method_not_allowed", "This path does not have that method"),
    errors.WrongCredentials: (401, "unauthenticated", "No valid API key was shown"),
    InvalidRequest: (400, "invalid_request", "The request cannot be understood as it is"),
    errors.NotPermitted: (403, "not_permitted", "This API key is not good for this"),
    errors.AccountNotFound: (404, "account_not_found", "There is no such account"),
    PackageNotFound: (404, "package_not_found", "There is no such package, or it is retired"),
    ApiKeyNotFound: (404, "key_not_found", "There is no such API key"),
    LastAdminKey: (409, "last_admin_key", "Without this key nobody could issue another: issue one first"),
    errors.AccountClosed: (409, "account_closed", "The account is closed"),
    errors.AccountSuspended: (409, "account_suspended", "The account is suspended: it cannot spend"),
    errors.NotSettled: (409, "not_settled", "The account still owes or holds credit"),
    errors.NameTaken: (409, "name_taken", "This name stands for something else already"),
    errors.KeyReused: (422, "idempotency_key_reused", "This Idempotency-Key stands for another request"),
    errors.TransferRefused: (422, "transfer_refused", "Credit cannot be moved between these two accounts"),
    errors.InsufficientCredit: (402, "insufficient_credit", "There is not enough credit"),
    errors.BalanceTooLarge: (422, "balance_too_large", "No balance may come to so much, or owe so much"),
    errors.HoldNotFound: (404, "hold_not_found", "There is no such hold, or it is settled"),
    errors.HoldExpired: (409, "hold_expired", "The hold has expired"),
    errors.HoldTooSmall: (402, "hold_too_small", "There is not enough left on hold"),
    errors.Busy: (503, "busy", "Too busy: nothing changed, send it again"),
    InternalError: (
        500,
        "internal_error",
        "It may have happened: look before sending it again, or send it under the same Idempotency-Key",
    ),
    errors.OutcomeUnknown: (
        504,
        "outcome_unknown",
        "It may have happened: send it again, under the same Idempotency-Key if it had one",
    ),
}


def test_every_error_has_a_line_in_the_table_and_keeps_its_text() -> None:
    assert {error: tuple(refusal) for error, refusal in REFUSALS.items()} == TOLD
    only_with_passwords = {errors.LoginBlocked}
    assert {type(error) for error in every_error().values()} - only_with_passwords <= set(REFUSALS)
    codes = [refusal.code for refusal in REFUSALS.values()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("error", "more"),
    [
        (errors.WrongCredentials(), {"detail": "No valid API key was shown"}),
        (errors.InsufficientCredit(7), {"detail": "only 7 can be spent", "available": 7}),
        (errors.HoldTooSmall(7), {"detail": "only 7 is left on hold", "available": 7}),
        (
            InvalidRequest(Fault(at="body.amount", message="too much")),
            {"detail": "body.amount: too much", "errors": [{"at": "body.amount", "message": "too much"}]},
        ),
        (errors.Busy(), {"detail": "Too busy: nothing changed, send it again"}),
        (errors.OutcomeUnknown(), {"detail": TOLD[errors.OutcomeUnknown][2]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_problem_says_what_there_is_to_say(error: Exception, more: dict[str, Any]) -> None:
    status, code, title = TOLD[type(error)]
    answer = wire.refuse(error, {})
    assert (answer["statusCode"], answer["headers"]) == (
        status,
        {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Type": "application/problem+json",
            **({"WWW-Authenticate": 'Bearer realm="ledger"'} if status == 401 else {}),
            **({"Retry-After": "1"} if status in (503, 504) else {}),
        },
    )
    assert json.loads(answer["body"]) == {
        "type": f"/ledger/docs#{code}",
        "title": title,
        "status": status,
        "code": code,
        **more,
    }


def test_every_error_but_those_of_no_endpoint_is_announced_by_one() -> None:
    announced = {code for each in openapi.listed() for codes in openapi.statuses(each).values() for code in codes}
    assert announced == {refusal.code for refusal in REFUSALS.values()} - {"no_such_path", "method_not_allowed"}


@pytest.mark.parametrize(
    ("path", "status", "allow"),
    [
        ("/ledger/accounts", 405, "GET, POST"),
        ("/ledger/accounts/101/balances/sms", 405, "GET"),
        ("/ledger/openapi.json", 405, "GET, HEAD"),
        ("/ledger/nowhere", 404, None),
        ("/ledger/accounts/", 404, None),
        ("/ledger/openapixjson", 404, None),
        ("/ledger/", 405, "GET, HEAD"),
    ],
)
def test_a_path_or_method_that_is_none_is_a_problem_too(path: str, status: int, allow: str | None) -> None:
    answer = refuse_request.lambda_handler({"rawPath": path, "requestContext": {"requestId": "x"}}, None)
    assert (answer["statusCode"], answer["headers"].get("Allow")) == (status, allow)
    assert answer["headers"]["Content-Type"] == "application/problem+json"
