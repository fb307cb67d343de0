"""Everlytic's wire: requests read, answers written, errors put as statuses. Design: README.md, What is known.

XML-RPC calls become the same requests and get the same errors (marshalling.py), so both are one behaviour.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

import gateway
import telemetry
from everlytic import formats
from everlytic.formats import Customer, Page
from everlytic.values import read_text
from gateway import Event, Unreadable
from ledger import errors
from ledger.accounts import LAST_ID, Role
from ledger.claims import LONGEST_KEY, CallerKey
from ledger.credentials import Caller, by_key
from ledger.names import username_pk
from ledger.packages import PackageNotFound
from ledger.table import Table
from telemetry import Log

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# Design: README.md, Limits.
LONGEST_BODY = 64 * 1024  # characters, as it arrives
MOST_FIELDS = 50  # in the query, and in a form
MOST_PROBLEMS = 10  # told of at once
LONGEST_ECHO = 40  # characters of a name that the caller made up

_CUSTOMER_ID = re.compile(rf"0*([1-9][0-9]{{0,{len(str(LAST_ID)) - 1}}})")

Question = TypeVar("Question", bound=BaseModel)


class Refused(Exception):
    """The request itself is at fault. `message` names a part of it, never what was there."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


# Judged in the order 401, 403, 404, 400, 409, 503. Design: README.md, Errors.
ERRORS: Mapping[type[Exception], tuple[HTTPStatus, str]] = {
    errors.WrongCredentials: (HTTPStatus.UNAUTHORIZED, "wrong username or API key"),
    errors.NotPermitted: (HTTPStatus.FORBIDDEN, "only an operator may do this"),
    errors.AccountSuspended: (HTTPStatus.FORBIDDEN, "the operator is suspended: it may only read"),
    errors.AccountNotFound: (HTTPStatus.NOT_FOUND, "no such customer"),
    PackageNotFound: (HTTPStatus.NOT_FOUND, "no such package"),
    errors.KeyReused: (HTTPStatus.CONFLICT, "the Idempotency-Key was used for something else"),
    errors.AccountClosed: (HTTPStatus.CONFLICT, "the customer is deleted"),
    errors.NameTaken: (HTTPStatus.CONFLICT, "{what}: another customer has it"),
    errors.NotSettled: (HTTPStatus.CONFLICT, "a balance is below zero or has credit on hold"),
    errors.Busy: (HTTPStatus.SERVICE_UNAVAILABLE, "busy, nothing changed: send it again"),
    # Not 503, at which clients send again by themselves.
    errors.OutcomeUnknown: (HTTPStatus.GATEWAY_TIMEOUT, "the outcome is not known: look before sending it again"),
}

NOT_POSSIBLE = (HTTPStatus.CONFLICT, "not possible as the customer is")
"""What any other refusal is told as: nothing here spends, holds or transfers."""

FAILURES = (Refused, ValidationError, errors.LedgerError, PackageNotFound)
"""All that a request is expected to come to but its answer."""

HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Basic realm="Everlytic API", charset="UTF-8"'},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "1"},
}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. A part is judged when it is asked for, so the order of asking is the order of judging.

    `path` holds the parameters of the path; `query` and `properties` read the rest, or raise Refused. `log` is what the
    one log line of this request will say: identifiers and numbers of ours, nothing that the caller wrote. Of several
    calls in one request, each has a `place`, and who asks has been `recognised` once for all of them.
    """

    headers: Mapping[str, str]
    path: Mapping[str, Any]
    query: Callable[[], Mapping[str, object]]
    properties: Callable[[], object]
    log: Log
    recognised: Caller | None = None
    place: int | None = None

    def operator(self, table: Table, *, changes: bool = False, fresh: bool = False) -> int:
        """Recognise the operator who asks. One that is suspended changes nothing. Raises what `caller` raises."""
        caller = self.caller(table, fresh=fresh)
        if changes:
            caller.require_open()
        return caller.account

    def caller(self, table: Table, *, fresh: bool) -> Caller:
        """Recognise who asks: 401 unless name and API key belong together, 403 for a user's.

        `fresh` trusts no memory: what changes customers asks for that.
        """
        if self.recognised is not None:
            return self.recognised
        username, secret = _credentials(self.headers.get("authorization", ""))
        try:
            caller = by_key(table, secret, fresh=fresh)
        except errors.AccountClosed:
            raise errors.NotPermitted from None
        if username_pk(caller.username) != username_pk(username):
            raise errors.WrongCredentials
        self.log["caller"] = caller.account
        if caller.role is not Role.ADMIN:
            raise errors.NotPermitted
        return caller

    def customer(self) -> int:
        """Give the id of the customer it is about. Raises AccountNotFound if it can be nobody's."""
        found = _CUSTOMER_ID.fullmatch(_plain(self.path.get("id")))
        if found is None:
            raise errors.AccountNotFound
        self.log["account"] = int(found[1])
        return int(found[1])

    def package(self) -> str:
        """Give the identifier of the package it is about."""
        return _plain(self.path.get("package_identifier"))

    def sent(self) -> dict[str, object]:
        """Read the properties that are mentioned: null and an empty array mention none. Raises Refused."""
        properties = self.properties()
        if not isinstance(properties, dict):
            if is_given(properties):
                raise Refused(HTTPStatus.BAD_REQUEST, "the properties must be an object")
            return {}
        return {name: value for name, value in properties.items() if is_given(value)}

    def asked(self, question: type[Question], of: Mapping[str, object]) -> Question:
        """Check this part of the request, or raise ValidationError."""
        return question.model_validate(of)

    def key_for(self, operator: int, *content: str | int) -> CallerKey | None:
        """Give the caller's idempotency key, if there is one, as the key of this content."""
        key = gateway.idempotency_key(self.headers)
        if key is None:
            return None
        if not gateway.is_key(key):
            raise Refused(HTTPStatus.BAD_REQUEST, f"Idempotency-Key: 1 to {LONGEST_KEY} characters")
        # No header holds a line break, so no other request's key is one of these.
        return CallerKey(operator, key if self.place is None else f"{key}\n{self.place}", content)


def is_given(value: object) -> bool:
    """Say whether a value is any: null is not, nor is what PHP sends for nothing, an empty array or struct."""
    return value is not None and not (isinstance(value, list | dict) and not value)


def check_names(given: Iterable[str], known: Collection[str]) -> None:
    """Refuse the first name that is not known."""
    for name in given:
        if name not in known:
            raise Refused(HTTPStatus.BAD_REQUEST, f"{_echo(name)}: not one of {', '.join(known)}")


def answer(
    event: Event, act: Callable[[Request], Customer | Page], done: str, status: HTTPStatus = HTTPStatus.OK
) -> dict[str, Any]:
    """Answer the request in this event with what `act` makes of it or the error it meets.

    `done` names, in the log, what has then happened.
    """
    return run(event, done, partial(_answer, event, act, status), partial(refuse, event))


def run(
    event: Event,
    done: str,
    act: Callable[[Log], dict[str, Any]],
    refuse: Callable[[HTTPStatus, str], dict[str, Any]],
) -> dict[str, Any]:
    """Answer a request with what `act` makes of it, or refuse it with the error that it meets, expected or not."""

    def judged(log: Log) -> dict[str, Any]:
        try:
            return act(log)
        except FAILURES as error:
            status, message = judge(error)
            log["error"] = int(status)
            return refuse(status, message)

    def failed(request_id: str) -> dict[str, Any]:
        _, message = ERRORS[errors.OutcomeUnknown]
        return refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"{message} (correlation id {request_id})")

    return telemetry.run("everlytic", gateway.request_id(event), done, judged, failed)


def _answer(event: Event, act: Callable[[Request], Customer | Page], status: HTTPStatus, log: Log) -> dict[str, Any]:
    headers = gateway.headers(event)
    request = Request(
        headers=headers,
        path=gateway.path(event),
        query=partial(_read_query, event, blanks=False),
        properties=partial(_read_properties, event, headers.get("content-type", "")),
        log=log,
    )
    answered = act(request)
    body = formats.body(answered, formats.base_url(headers, gateway.domain_name(event)))
    content_type, text = formats.write(body, headers.get("accept", ""))
    return gateway.response(status, content_type, text, gateway.replay_headers(answered.replayed, log))


def refuse(event: Event, status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Answer the request in this event with one error, in the format that it accepts."""
    accepted = gateway.headers(event).get("accept", "")
    content_type, text = formats.write({"error": {"message": message}}, accepted)
    return gateway.response(status, content_type, text, {**HEADERS.get(status, {}), **(headers or {})})


def judge(error: Exception) -> tuple[HTTPStatus, str]:
    """Put an error as a status and a message, over REST and XML-RPC alike."""
    match error:
        case Refused():
            return error.status, error.message
        case ValidationError():
            return HTTPStatus.BAD_REQUEST, _problems(error)
    status, message = ERRORS.get(type(error), NOT_POSSIBLE)
    return status, message.format_map(vars(error))


def read_body(event: Event) -> bytes:
    """Read the bytes of a body. Raises Refused."""
    try:
        return gateway.body(event, LONGEST_BODY)
    except Unreadable as unreadable:
        raise Refused(HTTPStatus.BAD_REQUEST, f"the body is {unreadable}") from None


def _read_properties(event: Event, content_type: str) -> object:
    """Read properties as JSON or a form, or in the query, or some here and some there. Raises Refused."""
    content = read_body(event)
    found = _read_content(content, content_type) if content.strip() else {}
    beside = _read_query(event, blanks=True)
    if not beside:
        if not content.strip():
            raise Refused(HTTPStatus.BAD_REQUEST, "neither the body nor the query has a property in it")
        return found
    if is_given(found) and not isinstance(found, dict):
        return found
    of_body: dict[str, Any] = found if isinstance(found, dict) else {}
    if twice := sorted(of_body.keys() & beside.keys()):
        raise Refused(HTTPStatus.BAD_REQUEST, f"{_echo(twice[0])}: given in the body and in the query")
    return of_body | beside


def _read_content(content: bytes, content_type: str) -> object:
    """Read a body as what it is, whatever it is labelled as. In JSON, a number that is no integer is a Decimal."""
    kind = "JSON" if gateway.is_json(content) else "a form"
    try:
        if kind == "JSON":
            return gateway.read_json(content, fraction=Decimal, constant=Decimal, lone_surrogates=True)
        if gateway.is_form(content):
            return gateway.once_each(gateway.read_fields(content, content_type, MOST_FIELDS))
    except Unreadable:
        raise Refused(HTTPStatus.BAD_REQUEST, f"the body is not {kind} in which each property is given once") from None
    raise Refused(HTTPStatus.BAD_REQUEST, "the body is neither JSON nor a form")


def _read_query(event: Event, *, blanks: bool) -> dict[str, Any]:
    """Read a query's parameters, each given once; one left empty may count as not given. Raises Refused."""
    try:
        fields = gateway.query(event, MOST_FIELDS)
        return gateway.once_each([field for field in fields if field[1] or blanks])
    except Unreadable:
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
    """Write a parameter of the path as text. XML-RPC brings numbers, too; anything else is nobody's identifier."""
    text = read_text(parameter)
    return text if isinstance(text, str) else ""


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
