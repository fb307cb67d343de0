"""Everlytic's wire: requests read, answers written, errors put as statuses. Design: wire.md, Everlytic 2.0.

XML-RPC calls become the same requests and get the same errors (marshalling.py), so both are one behaviour. Where it is
all known from, as wire.md marks it:

    doc     the paths, the methods, Basic authentication with an API key, and that JSON and XML both exist
    client  `links`, `item`, `collection` and `data`; an error is {"error": {"message": ...}}
    chosen  of a query parameter given twice none counts, so it is an error; how XML looks (formats.py)
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ValidationError

from everlytic import formats
from everlytic.formats import Customer, Page
from ledger import errors, metrics
from ledger.accounts import LAST_ID, Role
from ledger.claims import LONGEST_KEY, CallerKey
from ledger.credentials import by_key
from ledger.packages import PackageNotFound
from ledger.table import Table

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LONGEST_BODY = 64 * 1024  # characters, as it arrives
MOST_FIELDS = 50  # in the query
MOST_PROBLEMS = 10  # told of at once
LONGEST_ECHO = 40  # characters of a name that the caller made up

_CUSTOMER_ID = re.compile(rf"0*([1-9][0-9]{{0,{len(str(LAST_ID)) - 1}}})")

logger = Logger()

Question = TypeVar("Question", bound=BaseModel)


class Refused(Exception):
    """The request itself is at fault. `message` names a part of it, never what was there."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


# Judged in the order 401, 403, 404, 400, 409, 503.
ERRORS: Mapping[type[Exception], tuple[HTTPStatus, str]] = {
    errors.WrongCredentials: (HTTPStatus.UNAUTHORIZED, "wrong username or API key"),
    errors.NotPermitted: (HTTPStatus.FORBIDDEN, "only an operator may do this"),
    errors.AccountNotFound: (HTTPStatus.NOT_FOUND, "no such customer"),
    PackageNotFound: (HTTPStatus.NOT_FOUND, "no such package"),
    errors.KeyReused: (HTTPStatus.CONFLICT, "the Idempotency-Key was used for something else"),
    errors.AccountClosed: (HTTPStatus.CONFLICT, "the customer is deleted"),
    errors.NameTaken: (HTTPStatus.CONFLICT, "{what}: another customer has it"),
    errors.NotSettled: (HTTPStatus.CONFLICT, "a balance is below zero or has credit on hold"),
    errors.Busy: (HTTPStatus.SERVICE_UNAVAILABLE, "busy, nothing changed: send it again"),
    # Not 503, at which clients send again by themselves.
    errors.OutcomeUnknown: (HTTPStatus.GATEWAY_TIMEOUT, "the outcome is not known: look before sending it again"),
    # What nothing here can meet today, as nothing spends, holds or transfers.
    errors.AccountSuspended: (HTTPStatus.CONFLICT, "the customer is suspended"),
    errors.InsufficientCredit: (HTTPStatus.CONFLICT, "only {available} can be spent"),
    errors.TransferRefused: (HTTPStatus.CONFLICT, "such a transfer is not possible"),
    errors.HoldNotFound: (HTTPStatus.CONFLICT, "no such hold"),
    errors.HoldExpired: (HTTPStatus.CONFLICT, "the hold has expired"),
    errors.HoldTooSmall: (HTTPStatus.CONFLICT, "more than the hold still holds"),
}

FAILURES = (Refused, ValidationError, errors.LedgerError, PackageNotFound)
"""All that a request can come to but its answer."""

_HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Basic realm="Everlytic API", charset="UTF-8"'},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "1"},
}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. A part is judged when it is asked for, so the order of asking is the order of judging.

    `path` holds the parameters of the path; `query` and `properties` read the rest, or raise Refused. `log` is what the
    one log line of this request will say: identifiers and numbers of ours, nothing that the caller wrote.
    """

    headers: Mapping[str, str]
    path: Mapping[str, Any]
    query: Callable[[], Mapping[str, Any]]
    properties: Callable[[], object]
    log: dict[str, object] = field(default_factory=dict)

    def operator(self, table: Table) -> int:
        """Recognise the operator who asks: 401 unless name and API key belong together, 403 for a user's."""
        username, secret = _credentials(self.headers.get("authorization", ""))
        try:
            caller = by_key(table, secret)
        except errors.AccountClosed:
            raise errors.NotPermitted from None
        if caller.username != username:
            raise errors.WrongCredentials
        self.log["caller"] = caller.account
        if caller.role is not Role.ADMIN:
            raise errors.NotPermitted
        return caller.account

    def customer(self) -> int:
        """Give the id of the customer it is about. Raises AccountNotFound if it can be nobody's."""
        found = _CUSTOMER_ID.fullmatch(_plain(self.path["id"]))
        if found is None:
            raise errors.AccountNotFound
        self.log["account"] = int(found[1])
        return int(found[1])

    def package(self) -> str:
        """Give the identifier of the package it is about."""
        return _plain(self.path["package_identifier"])

    def asked(self, question: type[Question], of: object) -> Question:
        """Check this part of the request, or raise ValidationError. What is no object is refused here."""
        if not isinstance(of, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "the properties must be an object")
        return question.model_validate(of)

    def key_for(self, operator: int, *content: str | int) -> CallerKey | None:
        """Give the caller's idempotency key, if there is one, as the key of this content."""
        key = self.headers.get("idempotency-key")
        if key is None:
            return None
        if not 1 <= len(key) <= LONGEST_KEY:
            raise Refused(HTTPStatus.BAD_REQUEST, f"Idempotency-Key: 1 to {LONGEST_KEY} characters")
        return CallerKey(operator, key, content)


def answer(
    event: dict[str, Any], act: Callable[[Request], Customer | Page], done: str, status: HTTPStatus = HTTPStatus.OK
) -> dict[str, Any]:
    """Answer the request in this event with what `act` makes of it or the error it meets, and log one line.

    `done` names, in the log, what has then happened.
    """
    request = Request(
        headers=event["headers"],
        path=event.get("pathParameters", {}),
        query=lambda: read_query(event["rawQueryString"]),
        properties=lambda: read_json(event),
    )
    headers = {"Cache-Control": "no-store"}
    try:
        answered = act(request)
    except FAILURES as error:
        status, message = judge(error)
        headers |= _HEADERS.get(status, {})
        request.log["error"] = int(status)
        body: dict[str, Any] = {"error": {"message": message}}
    else:
        headers |= replay_headers(answered.replayed, request.log)
        body = formats.body(answered, formats.base_url(event))
    log(event, request.log, done)
    headers["Content-Type"], text = formats.write(body, event["headers"].get("accept", ""))
    return {"statusCode": int(status), "headers": headers, "body": text}


def judge(error: Exception) -> tuple[HTTPStatus, str]:
    """Put an error as a status and a message, over REST and XML-RPC alike."""
    match error:
        case Refused():
            return error.status, error.message
        case ValidationError():
            return HTTPStatus.BAD_REQUEST, _problems(error)
    status, message = ERRORS[type(error)]
    return status, message.format_map(vars(error))


def replay_headers(replayed: bool, log: dict[str, object]) -> dict[str, str]:
    """Give the header that says so if this is a replay, and note it."""
    if not replayed:
        return {}
    log["replayed"] = True
    return {"Idempotency-Replayed": "true"}


def log(event: Mapping[str, Any], line: dict[str, object], done: str) -> None:
    """Write the one log line of a request."""
    # Powertools' own decorator would log the whole event, API keys included, if an environment variable said so.
    logger.set_correlation_id(event["requestContext"]["requestId"])
    logger.info("refused" if "error" in line else done, extra=line)
    metrics.report("everlytic", line)


def read_text(event: Mapping[str, Any]) -> str | bytes:
    """Read a body: as text if API Gateway decoded it, else as the bytes that were sent. Raises Refused."""
    body: str = event.get("body") or ""
    if len(body) > LONGEST_BODY:
        raise Refused(HTTPStatus.BAD_REQUEST, f"the body is longer than {LONGEST_BODY} characters")
    if not event.get("isBase64Encoded"):
        return body
    try:
        return b64decode(body, validate=True)
    except ValueError:
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is not readable") from None


def read_json(event: dict[str, Any]) -> object:
    """Read a body as JSON, whatever it is labelled as. Raises Refused. A number that is no integer is a Decimal."""
    body = read_text(event)
    try:
        text = body.decode("utf-8-sig") if isinstance(body, bytes) else body.removeprefix("\N{BYTE ORDER MARK}")
        return json.loads(text, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=_once_each)
    except (ValueError, ArithmeticError, RecursionError):
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is not JSON in which each property is given once") from None


def read_query(query: str) -> dict[str, str]:
    """Read a query's parameters, those left empty as not given. Raises Refused."""
    try:
        pairs = parse_qsl(query, max_num_fields=MOST_FIELDS, errors="strict")
        return _once_each(pairs)
    except ValueError:
        raise Refused(HTTPStatus.BAD_REQUEST, "the query is not readable") from None


def _credentials(authorization: str) -> tuple[str, str]:
    """Read `Basic base64(username:apikey)`. The key may contain colons."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        username, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        raise errors.WrongCredentials from None
    if scheme.lower() != "basic" or not colon:
        raise errors.WrongCredentials
    return username, secret


def _plain(parameter: object) -> str:
    """Write a parameter of the path as text. XML-RPC brings integers, too; anything else is nobody's identifier."""
    if isinstance(parameter, int) and not isinstance(parameter, bool):
        return str(parameter)
    return parameter if isinstance(parameter, str) else ""


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name given twice: nobody could tell which value was meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name given twice")
    return found


def _problems(invalid: ValidationError) -> str:
    """Say which properties are wrong and how, but not what was in them."""
    problems = invalid.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(": ".join([*map(_echo, each["loc"]), _why(each)]) for each in problems[:MOST_PROBLEMS])


def _echo(name: str | int) -> str:
    """Repeat a property's name, which the caller may have made up."""
    return ascii(name).strip("'\"")[:LONGEST_ECHO]


def _why(problem: "ErrorDetails") -> str:
    return (
        "not a property to write"
        if problem["type"] == "extra_forbidden"
        else problem["msg"].removeprefix("Value error, ")
    )
