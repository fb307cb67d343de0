"""Mailpartner's wire: requests read, answers written, errors numbered. Design: wire.md, Mailpartner.

Where it is all known from, as wire.md marks it:

    doc     the codes from 1 to 10, 200 and 404 with their texts, as the vendor's pages (docpartner.dev) spell them
    chosen  the codes 20 and from 90 on, with their texts; HTTP 200 unless a line of the tables below says otherwise; a
            parameter in the query counts before one in the body, and one given twice in either makes it unreadable
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from aws_lambda_powertools import Logger

from ledger import errors, metrics
from ledger.claims import LONGEST_KEY, CallerKey
from mailpartner.euros import UNIT
from mailpartner.formats import Value, to_json, to_xml

LONGEST_BODY = 64 * 1024  # characters, as it arrives
MOST_FIELDS = 50  # in the query, and in a form

_NOBODYS_TEXT = "\N{REPLACEMENT CHARACTER}"  # for a value that no form could carry: it is nobody's name and no number

logger = Logger()


class Fault(Enum):
    """What can be wrong with a request itself. Every endpoint has its own numbers for it."""

    NO_KEY = auto()
    DISABLED = auto()  # the caller's own account is closed
    NOT_YOURS = auto()  # the sub-account is another main account's
    NO_CREDIT = auto()
    NO_TOKEN = auto()
    BAD_CREDIT = auto()
    NO_TYPE = auto()
    UNKNOWN_TYPE = auto()
    NO_BUYER = auto()
    NO_EMAIL = auto()
    UNREADABLE = auto()
    EMPTY_BALANCE = auto()  # the payer has nothing at all, not merely too little


class Refused(Exception):
    """The request itself is at fault. `detail` names a part of it, never what was there."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        super().__init__(fault.name, detail)
        self.fault = fault
        self.detail = detail


class Refusal(NamedTuple):
    """One line of a page's error table, and the HTTP status it goes out with."""

    code: int
    message: str
    status: int = 200


Errors = Mapping[Fault | type[errors.LedgerError], Refusal]

_DISABLED = Refusal(20, "Le compte est désactivé ou clôturé")

GENERAL: Errors = {
    Fault.UNREADABLE: Refusal(90, "La requête est illisible", 400),
    Fault.NO_KEY: Refusal(1, "La Clé API est requise"),
    errors.WrongCredentials: Refusal(10, "Clé API incorrecte"),
    Fault.DISABLED: _DISABLED,
    errors.AccountClosed: _DISABLED,
    errors.AccountSuspended: _DISABLED,
    errors.NotPermitted: Refusal(4, "Vous n'avez pas l'autorisation"),
    errors.KeyReused: Refusal(97, "Cette Idempotency-Key a déjà servi à une autre requête", 409),
    errors.Busy: Refusal(429, "Trop de requêtes à la fois, rien n'a été modifié : réessayez", 429),
    # Not 429, which says that nothing changed.
    errors.OutcomeUnknown: Refusal(504, "Résultat inconnu : réessayez avec la même Idempotency-Key ou vérifiez", 504),
    errors.NotSettled: Refusal(96, "Le sous-compte a des crédits réservés ou négatifs", 409),
    # Met only by endpoints that have a line of their own for it, or not at all.
    errors.NameTaken: Refusal(96, "Un compte existe déjà avec cet email", 409),
    errors.AccountNotFound: Refusal(404, "Le sous-compte n'existe pas"),
    errors.HoldNotFound: Refusal(96, "La réservation n'existe pas", 409),
    errors.HoldExpired: Refusal(96, "La réservation a expiré", 409),
    errors.HoldTooSmall: Refusal(96, "La réservation est trop petite", 409),
    errors.TransferRefused: Refusal(4, "Vous n'avez pas l'autorisation"),
    Fault.EMPTY_BALANCE: Refusal(6, "La balance doit être supérieur à 0"),
    errors.InsufficientCredit: Refusal(8, "Crédit insufisant"),
}

# The lines of each table are in the order in which they are judged, after code 90 and before 20 and those from 96 on.
# A sub-account that is closed, be it in the middle of the request, does not exist any more.

CREDIT: Errors = {
    **GENERAL,
    Fault.NO_KEY: Refusal(1, "La Clé API est requise"),
    errors.WrongCredentials: Refusal(10, "Clé API incorrecte"),
    Fault.NO_CREDIT: Refusal(2, "Le crédit est requis"),
    Fault.NO_TOKEN: Refusal(3, "L'identifiant du sous-compte est requis"),
    errors.NotPermitted: Refusal(4, "Vous n'avez pas l'autorisation"),
    Fault.NOT_YOURS: Refusal(4, "Vous n'avez pas l'autorisation"),
    errors.AccountNotFound: Refusal(7, "Le sous-compte n'existe pas"),
    errors.AccountClosed: Refusal(7, "Le sous-compte n'existe pas"),
    Fault.BAD_CREDIT: Refusal(5, "Le crédit à attribuer doit être supérieur à 0"),
    Fault.EMPTY_BALANCE: Refusal(6, "La balance doit être supérieur à 0"),
    errors.InsufficientCredit: Refusal(8, "Crédit insufisant"),
}

CREATION: Errors = {
    **GENERAL,
    Fault.NO_KEY: Refusal(1, "La Clé API est requise"),
    errors.WrongCredentials: Refusal(10, "Clé API incorrecte"),
    errors.NotPermitted: Refusal(2, "Vous n'avez pas l'authorisation"),
    Fault.NO_TYPE: Refusal(4, "Le type est requis (simple ou advanced)"),
    Fault.UNKNOWN_TYPE: Refusal(5, "Le type de sous-compte n'existe pas (simple ou advanced)"),
    Fault.NO_BUYER: Refusal(3, "isBuyer est requis"),
    Fault.NO_EMAIL: Refusal(6, "L'email est requis"),
    Fault.BAD_CREDIT: Refusal(8, "creditToAttribute doit être supérieurr à 0"),
    errors.NameTaken: Refusal(7, "Un compte existe déjà avec cet email"),
    Fault.EMPTY_BALANCE: Refusal(9, "La balance doit être supérieur à 0"),
    errors.InsufficientCredit: Refusal(9, "La balance doit être supérieur à 0"),
}

REMOVAL: Errors = {
    **GENERAL,
    Fault.NO_KEY: Refusal(10, "La Clé API est requise"),
    errors.WrongCredentials: Refusal(10, "Clé API incorrecte"),
    Fault.NO_TOKEN: Refusal(1, "Le Token est requis"),
    Fault.NOT_YOURS: Refusal(404, "Le sous-compte n'existe pas"),
    errors.AccountNotFound: Refusal(404, "Le sous-compte n'existe pas"),
    errors.AccountClosed: Refusal(404, "Le sous-compte n'existe pas"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. A parameter is judged when it is asked for, so the order of asking is the order of judging.

    A field of an object has a name as in a form: `parameters[email]`. `log` is what the one log line of this request
    will say: identifiers and numbers of ours, nothing that the caller wrote.
    """

    parameters: Mapping[str, str]
    idempotency_key: str | None
    unreadable: str | None
    log: dict[str, object] = field(default_factory=lambda: {"unit": UNIT})

    def optional(self, name: str) -> str:
        """Give a parameter, empty if it is missing."""
        return self.parameters.get(name, "")

    def required(self, name: str, fault: Fault) -> str:
        """Give a parameter, or refuse with this fault if it is missing or empty."""
        if not (value := self.optional(name)):
            raise Refused(fault)
        return value

    def key_for(self, operator: int, *content: str | int) -> CallerKey | None:
        """Give the caller's idempotency key, if there is one, as the key of this content."""
        return None if self.idempotency_key is None else CallerKey(operator, self.idempotency_key, content)

    def check(self) -> None:
        """Refuse with code 90 what cannot be understood, whatever the endpoint."""
        unreadable = self.unreadable
        if self.optional("_format") not in ("", "json", "xml"):
            unreadable = "_format"
        if self.idempotency_key is not None and not 1 <= len(self.idempotency_key) <= LONGEST_KEY:
            unreadable = "Idempotency-Key"
        if unreadable:
            raise Refused(Fault.UNREADABLE, unreadable)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answers, beside `success` and `code`."""

    fields: Mapping[str, Value] = field(default_factory=dict)
    replayed: bool = False


def answer(event: dict[str, Any], act: Callable[[Request], Answer], table: Errors, done: str) -> dict[str, Any]:
    """Answer the request in this event with what `act` makes of it or the error it meets, and log one line.

    `done` names, in the log, what has then happened.
    """
    request = _read(event)
    headers = {"Cache-Control": "no-store"}
    status = 200
    try:
        request.check()
        made = act(request)
    except (Refused, errors.LedgerError) as error:
        code, message, status = _judge(error, table)
        request.log["error"] = code
        body: dict[str, Value] = {"success": False, "code": code, "message": message}
    else:
        body = {"success": True, "code": 200, **made.fields}
        if made.replayed:
            request.log["replayed"] = True
            headers["Idempotency-Replayed"] = "true"
    # Powertools' own decorator would log the whole event, API keys included, if an environment variable said so.
    logger.set_correlation_id(event["requestContext"]["requestId"])
    logger.info("refused" if "error" in request.log else done, extra=request.log)
    metrics.report("mailpartner", request.log)
    is_xml = request.optional("_format") == "xml"
    headers["Content-Type"] = "application/xml" if is_xml else "application/json"
    return {"statusCode": status, "headers": headers, "body": to_xml(body) if is_xml else to_json(body)}


def _judge(error: Refused | errors.LedgerError, table: Errors) -> Refusal:
    if isinstance(error, Refused):
        refusal = table[error.fault]
        return refusal._replace(message=f"{refusal.message} : {error.detail}") if error.detail else refusal
    if isinstance(error, errors.InsufficientCredit) and error.available <= 0:
        return table[Fault.EMPTY_BALANCE]
    return table[type(error)]


def _read(event: dict[str, Any]) -> Request:
    """Take a request apart, as it is and not as it is labelled."""
    parameters: dict[str, str] = {}
    unreadable = None
    for part, fields in (("body", _body), ("query", _query)):
        try:
            found = dict(_once_each(fields(event)))
            "".join(found.values()).encode()  # half a surrogate pair is no text
        except (ValueError, RecursionError):
            unreadable = part
        else:
            parameters |= found
    return Request(parameters, event["headers"].get("idempotency-key"), unreadable)


def _query(event: dict[str, Any]) -> list[tuple[str, str]]:
    return parse_qsl(event["rawQueryString"], keep_blank_values=True, max_num_fields=MOST_FIELDS)


def _body(event: dict[str, Any]) -> list[tuple[str, str]]:
    """Read a form or JSON, or raise ValueError. A form has a `=` in it and does not begin as JSON does."""
    body: str = event.get("body") or ""
    if len(body) > LONGEST_BODY:
        raise ValueError("too long")
    raw = b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    text = raw.decode("utf-8-sig").strip()
    if not text:
        return []
    if "=" in text and text[0] not in '{["':
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    # Numbers keep the text they came in: an amount is no more a float here than it is in a form.
    found = json.loads(
        text,
        parse_int=str,
        parse_float=str,
        parse_constant=str,
        object_pairs_hook=lambda pairs: dict(_once_each(pairs)),
    )
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return list(_flat(found))


def _flat(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Write a JSON object's fields as a form would."""
    for name, value in found.items():
        yield name, _text_of(value)
        if isinstance(value, dict):
            yield from ((f"{name}[{inner}]", _text_of(each)) for inner, each in value.items())


def _text_of(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
    return _NOBODYS_TEXT


def _once_each(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Refuse a name given twice: nobody could tell which amount was meant."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name given twice")
    return pairs
