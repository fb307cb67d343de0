"""Ozeki NG's wire: requests read, answers written, errors numbered. Design: wire.md, Ozeki NG.

Every answer is HTTP 200; what went wrong is in the body. Where it is known from, as wire.md marks it:

    doc     the XML, three spaces of indentation included; addcredits answers under the name getcredits
    client  an error has the shape of an answer, with the action `error`
    chosen  lines end in LF and the last one has no end; urlencoded answers are application/x-www-form-urlencoded; of a
            parameter given twice the first counts, and the query comes before the body
"""

import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

from aws_lambda_powertools import Logger

from ledger import errors, metrics
from ledger.claims import LONGEST_KEY, CallerKey
from ledger.entry import AMOUNT_LIMIT

MOST_FIELDS = 50  # in the query, and in the body
LONGEST_BODY = 64 * 1024  # characters, as it arrives

_PROLOG = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE smsapi PUBLIC "-//OZEKI//DTD XML 1.0//EN" "http://www.ozekisms.com/DTD/smsapi.xml">\n'
)
# Whatever is no character of XML 1.0, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ANSWERED_AS = {"addcredits": "getcredits"}
# Leading zeros aside, no more digits than the limit has: int() is never given a book to read.
_INTEGER = re.compile(rf"([+-]?)0*([0-9]{{1,{len(str(AMOUNT_LIMIT))}}})")

logger = Logger()

Tree = dict[str, "str | Tree"]


class Code(IntEnum):
    """What went wrong. Of several, the one that comes first in 3, 1 (username, password), 4, 5, 1, 2, 6, 9, 8, 7."""

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


class Refused(Exception):
    """The request itself is at fault. `message` names parameters, never what was in them."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


LEDGER_ERRORS: Mapping[type[errors.LedgerError], tuple[Code, str]] = {
    errors.WrongCredentials: (Code.WRONG_CREDENTIALS, "wrong username or password"),
    errors.NotPermitted: (Code.ADMIN_ONLY, "only admin may do this"),
    errors.AccountNotFound: (Code.UNKNOWN_ACCOUNT, "unknown useraccount"),
    errors.AccountClosed: (Code.CLOSED, "account closed"),
    errors.KeyReused: (Code.KEY_REUSED, "the Idempotency-Key was used for something else"),
    errors.Busy: (Code.BUSY, "busy, nothing changed: send it again"),
    # Not 7, which promises that nothing changed.
    errors.OutcomeUnknown: (Code.OUTCOME_UNKNOWN, "the outcome is not known: read the balance before sending it again"),
    # What no action can meet today, as none spends, transfers, or opens or closes an account.
    errors.AccountSuspended: (Code.CLOSED, "account suspended"),
    errors.InsufficientCredit: (Code.INVALID, "not a valid value: more than the balance"),
    errors.HoldNotFound: (Code.INVALID, "not a valid value: no such hold"),
    errors.HoldExpired: (Code.INVALID, "not a valid value: the hold has expired"),
    errors.HoldTooSmall: (Code.INVALID, "not a valid value: more than the hold"),
    errors.TransferRefused: (Code.INVALID, "not a valid value: useraccount"),
    errors.NotSettled: (Code.INVALID, "not a valid value: the balance is not settled"),
    errors.NameTaken: (Code.INVALID, "not a valid value: the name is taken"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. A parameter is judged when it is asked for, so the order of asking is the order of judging.

    `unreadable` names the part of the request that could not be taken apart. `log` is what the one log line of this
    request will say: identifiers and numbers of ours, nothing that the caller wrote.
    """

    parameters: Mapping[str, str]
    idempotency_key: str | None
    unreadable: str | None
    log: dict[str, object] = field(default_factory=dict)

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
            raise _invalid(name)
        return number

    def key_for(self, operator: int, *content: str | int) -> CallerKey | None:
        """Give the caller's idempotency key, if there is one, as the key of this content."""
        return None if self.idempotency_key is None else CallerKey(operator, self.idempotency_key, content)

    def check(self) -> None:
        """Refuse with code 2 what makes any request invalid, whatever its action."""
        if self.idempotency_key is not None and not 1 <= len(self.idempotency_key) <= LONGEST_KEY:
            raise _invalid("Idempotency-Key")
        if self.optional("responseformat") not in ("", "xml", "urlencoded"):
            raise _invalid("responseformat")
        # Half a request is not carried out, even if the other half makes sense.
        if self.unreadable:
            raise _invalid(self.unreadable)


@dataclass(frozen=True, slots=True)
class Credit:
    """What every action answers: one account and its balance."""

    username: str
    balance: int
    replayed: bool = False


def answer(event: dict[str, Any], act: Callable[[Request], Credit]) -> dict[str, Any]:
    """Answer the request in this event with what `act` makes of it or the error it meets, and log one line."""
    # Powertools' own decorator would log the whole event, passwords included, if an environment variable said so.
    logger.set_correlation_id(event["requestContext"]["requestId"])
    request = _read(event)
    headers = {"Cache-Control": "no-store"}
    try:
        credit = act(request)
    except (Refused, errors.LedgerError) as error:
        code, message = _judge(error)
        request.log["error"] = int(code)
        action = "error"
        data: Tree = {"errorcode": str(int(code)), "errormessage": message}
    else:
        action = _ANSWERED_AS.get(request.action, request.action)
        data = {"account": {"username": credit.username, "balance": str(credit.balance)}}
        if credit.replayed:
            request.log["replayed"] = True
            headers["Idempotency-Replayed"] = "true"
    logger.info("answered", extra=request.log)
    metrics.report("ozeki", request.log)
    if request.optional("responseformat") == "urlencoded":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(list(_flat({"action": action, **data})))
    else:
        headers["Content-Type"] = "application/xml"
        body = _xml({"action": action, "data": data})
    # Content-Length is API Gateway's to count.
    return {"statusCode": 200, "headers": headers, "body": body}


def _judge(error: Refused | errors.LedgerError) -> tuple[Code, str]:
    if isinstance(error, Refused):
        return error.code, error.message
    return LEDGER_ERRORS[type(error)]


def _invalid(name: str) -> Refused:
    return Refused(Code.INVALID, f"not a valid value: {name}")


def _read(event: dict[str, Any]) -> Request:
    """Take a request apart, as it is and not as it is labelled."""
    fields: list[tuple[str, str]] = []
    unreadable = None
    for part, content in (("query", _query), ("body", _body)):
        try:
            # What is not UTF-8 becomes U+FFFD, and with it part of a name that nobody has.
            text = content(event).decode(errors="replace")
            fields += parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            unreadable = part
    return Request(
        parameters=dict(reversed(fields)),
        idempotency_key=event["headers"].get("idempotency-key"),
        unreadable=unreadable,
    )


def _query(event: dict[str, Any]) -> bytes:
    query: str = event["rawQueryString"]
    return query.encode()


def _body(event: dict[str, Any]) -> bytes:
    body: str = event.get("body") or ""
    if len(body) > LONGEST_BODY:
        raise ValueError("too long")
    form = b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    return form.strip()  # clients end a body with a line break, which would end up in the last value


def _xml(data: Tree) -> str:
    response = ElementTree.Element("response")
    _grow(response, data)
    ElementTree.indent(response, space="   ")
    return _PROLOG + ElementTree.tostring(response, encoding="unicode")


def _grow(element: ElementTree.Element, data: Tree) -> None:
    for name, value in data.items():
        child = ElementTree.SubElement(element, name)
        if isinstance(value, str):
            child.text = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value)
        else:
            _grow(child, value)


def _flat(data: Tree, path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        if isinstance(value, str):
            yield path + name, value
        else:
            yield from _flat(value, f"{path}{name}.")
