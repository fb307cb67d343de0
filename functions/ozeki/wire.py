"""Ozeki NG's wire: requests read, answers written, errors numbered. Design: README.md, What is known.

Every answer is HTTP 200; what went wrong is in the body.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import gateway
import telemetry
from gateway import Event, Fields, Unreadable
from ledger import errors
from ledger.claims import CallerKey
from ledger.entry import AMOUNT_LIMIT
from telemetry import Log

# Design: README.md, Limits.
MOST_FIELDS = 50  # in the query, and in the body
LONGEST_BODY = 64 * 1024  # characters, as it arrives

_PROLOG = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE smsapi PUBLIC "-//OZEKI//DTD XML 1.0//EN" "http://www.ozekisms.com/DTD/smsapi.xml">\n'
)
_ANSWERED_AS = {"addcredits": "getcredits"}
# Leading zeros aside, no more digits than the limit has: int() is never given a book to read.
_INTEGER = re.compile(rf"([+-]?)0*([0-9]{{1,{len(str(AMOUNT_LIMIT))}}})")

Tree = dict[str, "str | Tree"]


class Code(IntEnum):
    """What went wrong. Of several, the one that comes first in 3, 1 (username, password), 11, 4, 5, 1, 2, 6, 9, 8, 7.

    Design: README.md, Errors.
    """

    MISSING = 1
    INVALID = 2
    UNKNOWN_ACTION = 3
    WRONG_CREDENTIALS = 4
    ADMIN_ONLY = 5
    UNKNOWN_ACCOUNT = 6
    BUSY = 7
    KEY_REUSED = 8
    CLOSED = 9
    OUTCOME_UNKNOWN = 10
    LOGIN_BLOCKED = 11


class Refused(Exception):
    """The request itself is at fault. `message` names parameters, never what was in them."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(name: str) -> Refused:
    """Make the refusal of a parameter's value."""
    return Refused(Code.INVALID, f"not a valid value: {name}")


LEDGER_ERRORS: Mapping[type[errors.LedgerError], tuple[Code, str]] = {
    errors.WrongCredentials: (Code.WRONG_CREDENTIALS, "wrong username or password"),
    errors.LoginBlocked: (
        Code.LOGIN_BLOCKED,
        "too many wrong passwords from your address: wait a minute, or up to an hour",
    ),
    errors.NotPermitted: (Code.ADMIN_ONLY, "only admin may do this"),
    errors.AccountSuspended: (Code.ADMIN_ONLY, "the account is suspended: it may only read"),
    errors.AccountNotFound: (Code.UNKNOWN_ACCOUNT, "unknown useraccount"),
    errors.NameTaken: (Code.INVALID, "not a valid value: name is taken"),
    errors.NotSettled: (Code.INVALID, "not possible: a balance of the user's is below zero or on hold"),
    errors.AccountClosed: (Code.CLOSED, "account closed"),
    errors.KeyReused: (Code.KEY_REUSED, "the Idempotency-Key was used for something else"),
    errors.Busy: (Code.BUSY, "busy, nothing changed: send it again"),
    # Not 7, which promises that nothing changed.
    errors.OutcomeUnknown: (Code.OUTCOME_UNKNOWN, "the outcome is not known: read the balance before sending it again"),
}
NOT_POSSIBLE = (Code.INVALID, "not possible as the account is")
"""What any other refusal is told as: no action here spends or transfers."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. A parameter is judged when it is asked for, so the order of asking is the order of judging.

    `source` is the address it came from, `unreadable` the part that could not be taken apart. `log` is what the one log
    line of this request will say: identifiers and numbers of ours, nothing that the caller wrote.
    """

    parameters: Mapping[str, str]
    idempotency_key: str | None
    source: str
    unreadable: str | None
    log: Log

    @property
    def action(self) -> str:
        """Name what is to be done; empty if nothing is."""
        return self.optional("action")

    def optional(self, name: str) -> str:
        """Give a parameter, empty if it is missing."""
        return self.parameters.get(name, "")

    def required(self, name: str) -> str:
        """Give a parameter, or refuse with code 1 if it is missing or empty."""
        if not (value := self.optional(name)):
            raise Refused(Code.MISSING, f"missing parameter: {name}")
        return value

    def integer(self, name: str) -> int:
        """Give a parameter as a number, or refuse with code 1 or 2: ASCII digits only, within +-AMOUNT_LIMIT."""
        found = _INTEGER.fullmatch(self.required(name))
        number = int(found[1] + found[2]) if found else AMOUNT_LIMIT + 1
        if abs(number) > AMOUNT_LIMIT:
            raise invalid(name)
        return number

    def key_for(self, operator: int, *content: str | int) -> CallerKey | None:
        """Give the caller's idempotency key, if there is one, as the key of this content."""
        return None if self.idempotency_key is None else CallerKey(operator, self.idempotency_key, content)

    def check(self) -> None:
        """Refuse with code 2 what makes any request invalid, whatever its action."""
        if self.idempotency_key is not None and not gateway.is_key(self.idempotency_key):
            raise invalid("Idempotency-Key")
        if self.optional("responseformat") not in ("", "xml", "urlencoded"):
            raise invalid("responseformat")
        # Half a request is not carried out, even if the other half makes sense.
        if self.unreadable:
            raise invalid(self.unreadable)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an action answers under `data`: an account with its balance, or a user."""

    data: Tree
    replayed: bool = False


def answer(event: Event, act: Callable[[Request], Answer]) -> dict[str, Any]:
    """Answer the request in this event with what `act` makes of it or the error it meets."""
    return telemetry.run(
        "ozeki", gateway.request_id(event), "answered", partial(_answer, event, act), partial(_failed, event)
    )


def refuse(event: Event, message: str, code: Code = Code.UNKNOWN_ACTION) -> dict[str, Any]:
    """Answer with an error whatever the request is, in its format if that can be told."""
    request = Request({}, None, "", None, {})
    with suppress(Exception):  # which may be what the reading met before
        request = _read(event, {})
    return _error(request, code, message)


def _answer(event: Event, act: Callable[[Request], Answer], log: Log) -> dict[str, Any]:
    request = _read(event, log)
    try:
        made = act(request)
    except (Refused, errors.LedgerError) as error:
        code, message = _judge(error)
        log["error"] = int(code)
        return _error(request, code, message)
    action = _ANSWERED_AS.get(request.action, request.action)
    return _written(request, action, made.data, gateway.replay_headers(made.replayed, log))


def _failed(event: Event, request_id: str) -> dict[str, Any]:
    """Answer a request that met an exception nobody expected."""
    code, message = LEDGER_ERRORS[errors.OutcomeUnknown]
    return refuse(event, f"{message} (correlation id {request_id})", code)


def _error(request: Request, code: Code, message: str) -> dict[str, Any]:
    return _written(request, "error", {"errorcode": str(int(code)), "errormessage": message})


def _written(request: Request, action: str, data: Tree, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    if request.optional("responseformat") == "urlencoded":
        form = urlencode(list(_flat({"action": action, **data})))
        return gateway.response(HTTPStatus.OK, "application/x-www-form-urlencoded", form, headers)
    return gateway.response(HTTPStatus.OK, "application/xml", _xml({"action": action, "data": data}), headers)


def _judge(error: Refused | errors.LedgerError) -> tuple[Code, str]:
    if isinstance(error, Refused):
        return error.code, error.message
    return LEDGER_ERRORS.get(type(error), NOT_POSSIBLE)


def _read(event: Event, log: Log) -> Request:
    """Take a request apart: of a parameter given twice the first counts, and the query comes before the body."""
    headers = gateway.headers(event)
    fields: Fields = []
    unreadable = None
    for part, read in (("query", _query), ("body", _body)):
        try:
            fields += read(event, headers)
        except Unreadable:
            unreadable = part
    return Request(dict(reversed(fields)), gateway.idempotency_key(headers), _source(event), unreadable, log)


def _source(event: Event) -> str:
    """Read where a request came from, as API Gateway saw it: no header can claim another address."""
    return str(((event.get("requestContext") or {}).get("http") or {}).get("sourceIp", ""))


def _query(event: Event, _: Mapping[str, str]) -> Fields:
    return gateway.query(event, MOST_FIELDS, "replace")


def _body(event: Event, headers: Mapping[str, str]) -> Fields:
    content = gateway.body(event, LONGEST_BODY)
    return gateway.read_fields(content, headers.get("content-type", ""), MOST_FIELDS, "replace")


def _xml(data: Tree) -> str:
    response = ElementTree.Element("response")
    _grow(response, data)
    ElementTree.indent(response, space="   ")
    return _PROLOG + ElementTree.tostring(response, encoding="unicode")


def _grow(element: ElementTree.Element, data: Tree) -> None:
    for name, value in data.items():
        child = ElementTree.SubElement(element, name)
        if isinstance(value, str):
            child.text = gateway.xml_text(value)
        else:
            _grow(child, value)


def _flat(data: Tree, path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        if isinstance(value, str):
            yield path + name, value
        else:
            yield from _flat(value, f"{path}{name}.")
