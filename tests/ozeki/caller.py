"""A caller of the Ozeki API: makes the events API Gateway would make, and reads the answers back strictly."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from defusedxml.ElementTree import fromstring

from ozeki.ozeki_api import lambda_handler
from tests.local.gateway import Context

ADMIN = {"username": "admin", "password": "abc123"}
JOHN = {"username": "john", "password": "john123"}
GET_AS_ADMIN = {"action": "getcredits", **ADMIN}
SET_JOHN = {"action": "setcredits", **ADMIN, "useraccount": "john"}
ADD_244 = {"action": "addcredits", **ADMIN, "useraccount": "john", "add": "244"}


@dataclass(frozen=True)
class Answer:
    """What a caller can tell from an answer: of an error a code and a message, else a name, and perhaps a balance."""

    action: str
    username: str | None = None
    balance: int | None = None
    code: int | None = None
    message: str | None = None
    replayed: bool = False


def credit(username: str, balance: int, action: str = "getcredits", *, replayed: bool = False) -> Answer:
    """Give the answer that shows this balance."""
    return Answer(action, username, balance, replayed=replayed)


def user(name: str, action: str, *, replayed: bool = False) -> Answer:
    """Give the answer that shows this user."""
    return Answer(action, name, replayed=replayed)


def ask(parameters: dict[str, str], key: str | None = None, **more: str) -> Answer:
    """Call the API with these parameters in the query."""
    return read(lambda_handler(event(urlencode(parameters | more), key=key), Context("OzekiApi")))


def event(
    query: str = "",
    *,
    body: str | bytes | None = None,
    key: str | None = None,
    headers: dict[str, str] | None = None,
    source: str = "203.0.113.10",
) -> dict[str, Any]:
    """Make an event of format 2.0; a body of bytes travels in base64, as all does that API Gateway takes for binary."""
    made: dict[str, Any] = {
        "version": "2.0",
        "rawPath": "/api",
        "rawQueryString": query,
        "headers": {**(headers or {}), **({} if key is None else {"idempotency-key": key})},
        "requestContext": {"requestId": "a request", "http": {"sourceIp": source}},
        "isBase64Encoded": isinstance(body, bytes),
    }
    if body is not None:
        made["body"] = b64encode(body).decode() if isinstance(body, bytes) else body
    return made


def send(made: dict[str, Any]) -> Answer:
    """Call the API with an event."""
    return read(lambda_handler(made, Context("OzekiApi")))


def read(response: dict[str, Any]) -> Answer:
    """Read an answer, in either format, and fail on anything that no caller of Ozeki's could read."""
    headers = {name.lower(): value for name, value in response["headers"].items()}
    replayed = headers.get("idempotency-replayed") == "true"
    assert response["statusCode"] == 200
    assert headers["x-content-type-options"] == "nosniff"
    if headers["content-type"] == "application/xml":
        parts = _xml(response["body"])
    else:
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        parts = dict(parse_qsl(response["body"], strict_parsing=True))
    match parts:
        case {"action": "error", "errorcode": code, "errormessage": message, **rest} if not rest:
            return Answer("error", code=int(code), message=message)
        case {"action": action, "account.username": username, "account.balance": balance, **rest} if not rest:
            return Answer(action, username, int(balance), replayed=replayed)
        case {"action": action, "user.name": name, **rest} if not rest:
            return Answer(action, name, replayed=replayed)
    raise AssertionError(f"not an answer: {parts}")


def _xml(body: str) -> dict[str, str]:
    response = fromstring(body)
    assert response.tag == "response"
    action, data = response
    parts = {action.tag: action.text or ""}
    for element in data:
        parts |= {f"{element.tag}.{each.tag}": each.text or "" for each in element} or {element.tag: element.text or ""}
    return parts
