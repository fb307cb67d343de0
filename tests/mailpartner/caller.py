"""A caller of the Mailpartner API: makes the events API Gateway would make, and reads the answers back strictly."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mailpartner.add_credit import lambda_handler as add_credit
from mailpartner.create_subaccount import lambda_handler as create_subaccount
from mailpartner.get_me import lambda_handler as get_me
from mailpartner.list_subaccounts import lambda_handler as list_subaccounts
from mailpartner.remove_credit import lambda_handler as remove_credit
from mailpartner.remove_subaccount import lambda_handler as remove_subaccount
from tests.local import demo
from tests.local.gateway import Context

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

HANDLERS: dict[str, Handler] = {
    "AddCredit": add_credit,
    "RemoveCredit": remove_credit,
    "CreateSubaccount": create_subaccount,
    "ListSubaccounts": list_subaccounts,
    "RemoveSubaccount": remove_subaccount,
    "GetMe": get_me,
}
KEY = {"apiKey": demo.API_KEY}
MOVE = {**KEY, "tokenSubaccount": demo.TOKEN}
STATUS = {90: 400, 97: 409, 98: 409, 429: 429, 504: 504}


@dataclass(frozen=True)
class Number:
    """A number in an answer, as it is written there."""

    text: str


@dataclass(frozen=True)
class Answer:
    """What a caller can tell from an answer."""

    code: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    replayed: bool = False


def moved(credit: str, subaccount_credit: str, *, replayed: bool = False) -> Answer:
    """Give the answer that shows these two balances, as JSON numbers."""
    balances = {"credit": Number(credit), "subaccountCredit": Number(subaccount_credit), "currency": "EUR"}
    return Answer(200, balances, replayed=replayed)


def add(credit: object, key: str | None = None) -> Answer:
    """Move credit to the demo's sub-account."""
    return ask("AddCredit", {**MOVE, "credit": credit}, key)


def remove(credit: object, key: str | None = None) -> Answer:
    """Move credit back from the demo's sub-account."""
    return ask("RemoveCredit", {**MOVE, "credit": credit}, key)


def create(key: str | None = None, type: str = "simple", **parameters: Any) -> Answer:  # noqa: A002 - the API's name
    """Open a sub-account."""
    return ask("CreateSubaccount", {**KEY, "type": type, "parameters": parameters}, key)


def ask(function: str, parameters: Mapping[str, object], key: str | None = None) -> Answer:
    """Call an endpoint as PHP does through curl: JSON that is labelled a form, in base64."""
    return send(function, event(json.dumps(parameters).encode(), key=key))


def event(
    body: str | bytes | None = None,
    *,
    query: str = "",
    key: str | None = None,
    content_type: str = "application/x-www-form-urlencoded",
) -> dict[str, Any]:
    """Make an event of format 2.0; a body of bytes travels in base64, as all does that API Gateway takes for binary."""
    made: dict[str, Any] = {
        "version": "2.0",
        "rawPath": "/v1",
        "rawQueryString": query,
        "headers": {"content-type": content_type, **({} if key is None else {"idempotency-key": key})},
        "requestContext": {"requestId": "a request"},
        "isBase64Encoded": isinstance(body, bytes),
    }
    if body is not None:
        made["body"] = b64encode(body).decode() if isinstance(body, bytes) else body
    return made


def send(function: str, made: dict[str, Any]) -> Answer:
    """Call an endpoint with an event."""
    return read(HANDLERS[function](made, Context(function)))


def read(response: dict[str, Any]) -> Answer:
    """Read a JSON answer, every number as it is written, and fail on anything that no caller could read."""
    headers = {name.lower(): value for name, value in response["headers"].items()}
    assert headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff"
    parts = json.loads(response["body"], parse_float=Number, parse_int=Number, parse_constant=Number)
    success, code = parts.pop("success"), int(parts.pop("code").text)
    assert success is (code == 200)
    assert response["statusCode"] == STATUS.get(code, 200)
    if success:
        return Answer(code, parts, replayed=headers.get("idempotency-replayed") == "true")
    message: str = parts.pop("message")
    assert message
    assert not parts
    return Answer(code, message=message)
