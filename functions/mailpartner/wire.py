"""Mailpartner's wire: requests read, answers written, errors numbered. Design: README.md, What is known."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

import gateway
import telemetry
from gateway import Event, Fields, Unreadable
from ledger import errors
from ledger.claims import CallerKey
from mailpartner.euros import UNIT
from mailpartner.formats import Value, to_json, to_xml
from telemetry import Log

# Design: README.md, Limits.
LONGEST_BODY = 64 * 1024  # characters, as it arrives
MOST_FIELDS = 50  # in the query, and in a form

_NOBODYS_TEXT = "\N{REPLACEMENT CHARACTER}"  # for a value that no form could carry: it is nobody's name and no number


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
    BROKEN_JSON = auto()
    IS_XML = auto()
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

_DISABLED = Refusal(20, "Compte désactivé")

GENERAL: Errors = {
    Fault.UNREADABLE: Refusal(90, "La requête est illisible", 400),
    Fault.BROKEN_JSON: Refusal(90, "Le JSON est malformé: erreur de syntaxe", 400),
    Fault.IS_XML: Refusal(90, "Le corps est en XML : seuls JSON, formulaire et query sont lus", 400),
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
    errors.NotSettled: Refusal(98, "Le sous-compte a des crédits réservés ou négatifs", 409),
}

FAILED = Refusal(500, "Erreur interne, résultat inconnu : réessayez avec la même Idempotency-Key ou vérifiez", 500)
"""What an exception that nobody expected is told as."""

NOT_POSSIBLE = Refusal(98, "Impossible : l'état du compte ne le permet pas", 409)
"""What any other refusal is told as, by an endpoint that has no line for it and should not meet it."""

# The lines of each table are in the order in which they are judged, after code 90 and before 20 and those from 96 on.
# Design: README.md, Errors.
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
    unreadable: Refused | None
    log: Log

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
            unreadable = Refused(Fault.UNREADABLE, "_format")
        if self.idempotency_key is not None and not gateway.is_key(self.idempotency_key):
            unreadable = Refused(Fault.UNREADABLE, "Idempotency-Key")
        if unreadable:
            raise unreadable


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answers, beside `success` and `code`."""

    fields: Mapping[str, Value] = field(default_factory=dict)
    replayed: bool = False


def answer(event: Event, act: Callable[[Request], Answer], table: Errors, done: str) -> dict[str, Any]:
    """Answer the request in this event with what `act` makes of it or the error it meets, told as in `table`.

    `done` names, in the log, what has then happened.
    """
    return telemetry.run(
        "mailpartner", gateway.request_id(event), done, partial(_answer, event, act, table), partial(_failed, event)
    )


def refuse(event: Event, status: int, code: int, message: str) -> dict[str, Any]:
    """Answer with an error whatever the request is, in its format if that can be told."""
    request = Request({}, None, None, {})
    with suppress(Exception):  # which may be what the reading met before
        request = _read(event, {})
    return _refused(request, Refusal(code, message, status))


def _answer(event: Event, act: Callable[[Request], Answer], table: Errors, log: Log) -> dict[str, Any]:
    log["unit"] = UNIT
    request = _read(event, log)
    try:
        request.check()
        made = act(request)
    except (Refused, errors.LedgerError) as error:
        refusal = _judge(error, table)
        log["error"] = refusal.code
        return _refused(request, refusal)
    headers = gateway.replay_headers(made.replayed, log)
    return _written(request, HTTPStatus.OK, {"success": True, "code": 200, **made.fields}, headers)


def _failed(event: Event, request_id: str) -> dict[str, Any]:
    """Answer a request that met an exception nobody expected."""
    return refuse(event, FAILED.status, FAILED.code, f"{FAILED.message} (correlation id {request_id})")


def _refused(request: Request, refusal: Refusal) -> dict[str, Any]:
    body: Mapping[str, Value] = {"success": False, "code": refusal.code, "message": refusal.message}
    return _written(request, refusal.status, body)


def _written(
    request: Request, status: int, body: Mapping[str, Value], headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    if request.optional("_format") == "xml":
        return gateway.response(status, "application/xml", to_xml(body), headers)
    return gateway.response(status, "application/json", to_json(body), headers)


def _judge(error: Refused | errors.LedgerError, table: Errors) -> Refusal:
    if isinstance(error, Refused):
        refusal = table[error.fault]
        return refusal._replace(message=f"{refusal.message} : {error.detail}") if error.detail else refusal
    if isinstance(error, errors.InsufficientCredit) and error.available <= 0:
        return table.get(Fault.EMPTY_BALANCE, NOT_POSSIBLE)
    return table.get(type(error), NOT_POSSIBLE)


def _read(event: Event, log: Log) -> Request:
    """Take a request apart: a parameter in the query counts before one in the body."""
    headers = gateway.headers(event)
    parameters: dict[str, str] = {}
    unreadable = None
    for part, read in (("body", _body), ("query", _query)):
        try:
            parameters |= gateway.once_each(read(event, headers))
        except Unreadable:
            unreadable = Refused(Fault.UNREADABLE, part)
        except Refused as refused:
            unreadable = refused
    return Request(parameters, gateway.idempotency_key(headers), unreadable, log)


def _query(event: Event, _: Mapping[str, str]) -> Fields:
    return gateway.query(event, MOST_FIELDS, "replace")


def _body(event: Event, headers: Mapping[str, str]) -> Fields:
    content = gateway.body(event, LONGEST_BODY)
    if gateway.is_json(content):
        # Numbers keep the text they came in: an amount is no more a float here than it is in a form.
        try:
            found = gateway.read_json(content, integer=str, fraction=str, constant=str)
        except Unreadable:
            raise Refused(Fault.BROKEN_JSON) from None
        if not isinstance(found, dict):
            raise Unreadable("not an object")
        return list(_flat(found))
    if content.removeprefix(BOM_UTF8).lstrip().startswith(b"<"):
        raise Refused(Fault.IS_XML)
    fields = gateway.read_fields(content, headers.get("content-type", ""), MOST_FIELDS)
    # Words, a number or a text in quotes are no form either, though they could be read as one.
    if fields and (b"=" not in content or content.lstrip().startswith(b'"')):
        raise Unreadable("not a form")
    return fields


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
