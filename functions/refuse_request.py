"""ANY $default: answers what no other route does, in its dialect's form; leads whoever looks around to the docs."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from itertools import dropwhile
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import everlytic.wire
import gateway
import mailpartner.wire
import ozeki.wire
import telemetry
from api import wire
from api.problems import MethodNotAllowed, NoSuchPath
from gateway import Event
from telemetry import Log

# Every path of template.yaml, with its methods: a test holds one to the other.
METHODS: Mapping[str, str] = {
    "/api": "GET, POST",
    "/api/2.0/customers": "GET, POST",
    "/api/2.0/customers/{id}": "DELETE, GET, PUT",
    "/api/2.0/customers/topup/{id}/{package_identifier}": "POST, PUT",
    "/api/2.0/xmlrpc": "POST",
    "/api/2.0/xmlrpc/{proxy+}": "POST",
    "/v1/me": "GET",
    "/v1/subaccount/create": "POST",
    "/v1/subaccount/credit/add": "POST",
    "/v1/subaccount/credit/remove": "POST",
    "/v1/subaccount/delete": "DELETE",
    "/v1/subaccount/list": "GET",
    "/v1/subaccount/remove": "DELETE",
    "/ledger/accounts": "GET, POST",
    "/ledger/accounts/{id}": "GET, PATCH",
    "/ledger/accounts/{id}/balances": "GET",
    "/ledger/accounts/{id}/balances/{unit}": "GET",
    "/ledger/accounts/{id}/balances/{unit}/changes": "POST",
    "/ledger/accounts/{id}/balances/{unit}/entries": "GET",
    "/ledger/accounts/{id}/balances/{unit}/holds": "GET, POST",
    "/ledger/accounts/{id}/balances/{unit}/holds/{hold}/captures": "POST",
    "/ledger/accounts/{id}/balances/{unit}/holds/{hold}/release": "POST",
    "/ledger/accounts/{id}/balances/{unit}/statement": "GET, HEAD",
    "/ledger/accounts/{id}/email": "PUT",
    "/ledger/accounts/{id}/login": "DELETE, PUT",
    "/ledger/accounts/{id}/token": "PUT",
    "/ledger/accounts/{id}/topups": "POST",
    "/ledger/changes": "POST",
    "/ledger/docs": "GET, HEAD",
    "/ledger/keys": "GET, POST",
    "/ledger/keys/{key}": "DELETE, PATCH",
    "/ledger/openapi.json": "GET, HEAD",
    "/ledger/packages": "GET",
    "/ledger/packages/{identifier}": "GET, PUT",
    "/ledger/packages/{identifier}/retire": "POST",
    "/ledger/transfers": "POST",
}

# From each of these to the docs. Relative, so that it also leads there behind a proxy that puts a path before ours; and
# found there for now (302): what browsers remember of a permanent redirect, nobody can take back.
DOCS = {"/": "ledger/docs", "/docs": "ledger/docs", "/ledger": "ledger/docs", "/ledger/": "docs"}
_DOCS_METHODS = "GET, HEAD"

_LONGEST_ECHO = 64  # characters of what a caller put for a variable


class Unserved(NamedTuple):
    """Why nothing else answers: the path has only the methods `allowed` or, if there are none, does not exist.

    `meant` is the path that was meant, if one is close enough to be certain.
    """

    allowed: str = ""
    meant: str = ""

    @property
    def status(self) -> HTTPStatus:
        return HTTPStatus.METHOD_NOT_ALLOWED if self.allowed else HTTPStatus.NOT_FOUND

    @property
    def message(self) -> str:
        """Say which of the two it is, and what there is instead."""
        if self.allowed:
            return f"this path has no such method; it has {self.allowed}"
        return f"no such path; perhaps {self.meant}" if self.meant else "no such path"


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    path: str = event["rawPath"]
    if path in DOCS and _method(event) in _DOCS_METHODS.split(", "):
        found = gateway.response(HTTPStatus.FOUND, "text/plain", "", {"Location": DOCS[path]})
        return wire.run(event, "DocsFound", lambda _: found)
    return refuse_request(event, Unserved(_allowed(path), _meant(path)))


def refuse_request(event: Event, unserved: Unserved) -> dict[str, Any]:
    """Refuse a request in the form of the dialect whose path it has or, if that is certain, was to have."""
    asked = _segments(unserved.meant or event["rawPath"])
    dialect, refuse = next((found for prefix, found in _DIALECTS.items() if _begins(asked, prefix)), _OURS)
    answer = partial(_answer, event, refuse)
    # Nothing can have happened, so even a failure can say no more than that this was not served.
    return telemetry.run(
        dialect, gateway.request_id(event), "refused", partial(answer, unserved), lambda _: answer(Unserved(), {})
    )


def _answer(event: Event, refuse: "Refuse", why: Unserved, log: Log) -> dict[str, Any]:
    answer = refuse(event, why, log)
    return answer | {"headers": answer["headers"] | ({"Allow": why.allowed} if why.allowed else {})}


# ------------------------------------------------------------------------------------------------------------- dialects


def _refuse_everlytic(event: Event, why: Unserved, log: Log) -> dict[str, Any]:
    log["error"] = int(why.status)
    return everlytic.wire.refuse(event, why.status, why.message)


def _refuse_ozeki(event: Event, why: Unserved, log: Log) -> dict[str, Any]:
    log["error"] = int(ozeki.wire.Code.UNKNOWN_ACTION)
    return ozeki.wire.refuse(event, why.message)


def _refuse_mailpartner(event: Event, why: Unserved, log: Log) -> dict[str, Any]:
    log["error"] = int(why.status)
    message = "Ce chemin n'existe pas"
    if why.allowed:
        message = f"Ce chemin n'a pas cette méthode : {why.allowed}"
    elif why.meant:
        message = f"Ce chemin n'existe pas : peut-être {why.meant}"
    return mailpartner.wire.refuse(event, why.status, int(why.status), message)


def _refuse_ours(event: Event, why: Unserved, log: Log) -> dict[str, Any]:
    if why.allowed:
        return wire.refuse(MethodNotAllowed(), log)
    return wire.refuse(NoSuchPath(why.message) if why.meant else NoSuchPath(), log)


Refuse = Callable[[Event, Unserved, Log], dict[str, Any]]

_OURS: tuple[str, Refuse] = ("ledger", _refuse_ours)
# By the prefix of their paths, the most specific first.
_DIALECTS: Mapping[tuple[str, ...], tuple[str, Refuse]] = {
    ("api", "2.0"): ("everlytic", _refuse_everlytic),
    ("api",): ("ozeki", _refuse_ozeki),
    ("v1",): ("mailpartner", _refuse_mailpartner),
    ("ledger",): _OURS,
}


# ---------------------------------------------------------------------------------------------------------------- paths


def _method(event: Event) -> str:
    return str(event["requestContext"].get("http", {}).get("method", ""))


def _segments(path: str) -> list[str]:
    """Take a path apart, without what a slash too many leaves empty."""
    return [segment for segment in path.split("/") if segment]


def _begins(segments: Sequence[str], prefix: Sequence[str]) -> bool:
    return [segment.lower() for segment in segments[: len(prefix)]] == [*prefix]


def _allowed(path: str) -> str:
    """Name the methods that this path has, exactly as it is; none if there is no such path."""
    if path in DOCS:
        return _DOCS_METHODS
    return next((methods for template, methods in METHODS.items() if _pattern(template).fullmatch(path)), "")


def _pattern(template: str) -> re.Pattern[str]:
    variable = {"{proxy+}": ".*"}
    return re.compile(
        "/".join(
            variable.get(part, "[^/]+") if part.startswith("{") else re.escape(part) for part in template.split("/")
        ),
        re.DOTALL,
    )


def _meant(path: str) -> str:
    """Name the one path that this is but for slashes, the case of letters, and a prefix left out or put twice."""
    asked = _segments(path)
    found = {meant for template in METHODS if asked and (meant := _mended(asked, _segments(template)))}
    return found.pop() if len(found) == 1 else ""


def _mended(asked: Sequence[str], template: Sequence[str]) -> str:
    """Write a template's path with what the caller asked for in it; empty if the two differ in more than that."""
    prefix = next(each for each in _DIALECTS if _begins(template, each))
    rest = list(dropwhile(lambda segment: segment.lower() in prefix, asked))
    wanted = template[len(prefix) :]
    if len(rest) != len(wanted) or "{proxy+}" in wanted:
        return ""
    filled = [_echo(each, part) if part.startswith("{") else part for each, part in zip(rest, wanted, strict=True)]
    same = all(part.startswith("{") or part == each.lower() for each, part in zip(rest, wanted, strict=True))
    return "/" + "/".join([*prefix, *filled]) if same else ""


def _echo(sent: str, variable: str) -> str:
    """Repeat what a caller put for a variable as it travels in a path, unless it is too long to be an identifier."""
    return quote(unquote(sent), safe="", errors="replace") if len(sent) <= _LONGEST_ECHO else variable
