"""The wire of our own API: callers recognised, requests read, answers written, errors told (problems.py).

Of several errors the first in this order is told: 401, 400, 403, 404, the ledger's own (409, 422, 402), 503, 504.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

import gateway
import telemetry
from api.fields import Asked, Told
from api.problems import HEADERS_OF, REFUSALS, Fault, InternalError, InvalidRequest, Problem
from gateway import Event, Unreadable
from ledger import accounts, credentials, errors
from ledger.accounts import Account
from ledger.claims import LONGEST_KEY, CallerKey
from ledger.counter import State
from ledger.credentials import Caller
from ledger.kinds import Scope
from ledger.table import Table, made, open_table
from telemetry import Log

# Design: README.md, Limits.
LONGEST_BODY = 512 * 1024  # characters, as it arrives: a hundred changes with all their texts
MOST_FIELDS = 20  # in the query
MOST_VALUES = 4_000  # in a body: a hundred changes with all that they may have are some 3,000
_LONGEST_PLACE = 100
# To JSON 5.0 is the integer 5, and some libraries write it so.
_WHOLE = re.compile(r"(-?[0-9]{1,20})\.0{1,20}")

# What reads and what moves credit; all else (keys, accounts, the catalogue) asks the table who is calling.
_TRUST_MEMORY = frozenset({None, Scope.READ, Scope.TOPUP, Scope.SPEND, Scope.TRANSFER, Scope.ADJUST})

table = open_table()  # while the function starts, because then Lambda gives it a whole CPU

At = TypeVar("At", bound=Asked)
Body = TypeVar("Body", bound=BaseModel)
T = TypeVar("T")


class NoParameters(Asked):
    """Nothing in the path, nothing in the query."""


class NoBody(Asked):
    """No body; one that is sent is not looked at."""


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[At, Body]):
    """One line of the API's table: what a request has to bring, and what it may be told.

    `scope` None leaves the choice to the endpoint, which asks `Call.require`. `operator`: a key for a subtree is
    not good for this. `keyed`: an Idempotency-Key is required. `done` names, in the log, what has then happened.
    `texts` are the types of an answer that is no JSON. `errors` are those beyond what any request can meet. `example`
    is a request to the demo's ledger.
    """

    method: str
    path: str
    done: str
    scope: Scope | None
    at: type[At]
    body: type[Body]
    told: type[Told] | None
    example: Mapping[str, Any]
    status: int = 200
    texts: tuple[str, ...] = ()
    operator: bool = False
    keyed: bool = False
    errors: tuple[type[Exception], ...] = ()


@dataclass(frozen=True, slots=True)
class Call(Generic[At, Body]):
    """A request that was understood, and who sent it.

    `log` is what the one log line of this request will say: identifiers and numbers of ours, nothing that the caller
    wrote.
    """

    table: Table
    caller: Caller
    at: At
    body: Body
    idempotency_key: str
    log: Log

    def require(self, scope: Scope) -> None:
        """Raise NotPermitted if the caller's key is not good for this."""
        if not self.caller.may(scope):
            raise errors.NotPermitted

    def key_for(self, *content: str | int) -> CallerKey:
        """Give the request's idempotency key as the key of this content."""
        return self.caller_key(self.idempotency_key, *content)

    def caller_key(self, key: str, *content: str | int) -> CallerKey:
        """Give an idempotency key as the key of this content, apart from those of keys that show something else.

        What is an operator's own is one scope with the vendors' dialects; each subtree is a scope of its own, so that
        nobody stumbles over, or learns of, a key that somebody else used.
        """
        return CallerKey(self.caller.top, key, content)

    def account(self, account: int) -> Account:
        """Read an account that the caller's key shows, as it is now. Raises AccountNotFound."""
        found = accounts.find(self.table, self._usual_owner(account), account)
        if found is None:
            found = accounts.get(self.table, self.owner_of(account), account)
        self.log["account"] = account
        return found

    def customer(self, account: int) -> Account:
        """Read an account that the caller may change: any that its key shows but its own."""
        if (found := self.account(account)).id == self.caller.account:
            raise errors.NotPermitted
        return found

    def changed(self, account: Account) -> Account:
        """Read an account again after a change of it, which happened even if this fails."""
        with made():
            return accounts.get(self.table, account.owner, account.id)

    def owner_of(self, account: int) -> int:
        """Find whose listing an account is in that the caller's key shows. Raises AccountNotFound.

        What is remembered is who owns whom: whether this key shows it is found out each time. The account's state is
        for the ledger to judge.
        """
        if self.caller.top not in accounts.lineage(self.table, account):
            raise errors.AccountNotFound
        self.log["account"] = account
        return accounts.owner_of(self.table, account)

    def _usual_owner(self, account: int) -> int:
        """Guess the owner, to spare a look-up: what lies there is the key's top or right below it, so it shows it."""
        caller = self.caller
        if account != caller.top:
            return caller.top
        return caller.owner if account == caller.account else caller.account


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answers: one of its models or, with a Content-Type among the headers, a text of its own."""

    told: Told | str | None
    replayed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(event: Event, endpoint: Endpoint[At, Body], act: Callable[[Call[At, Body]], Answer]) -> dict[str, Any]:
    """Answer the request in this event with what `act` makes of it or the error it meets."""
    return run(event, endpoint.done, partial(_answer, event, endpoint, act))


def run(event: Event, done: str, act: Callable[[Log], dict[str, Any]]) -> dict[str, Any]:
    """Answer a request, whoever is asking; `done` names, in the log, what has then happened."""
    return telemetry.run("ledger", gateway.request_id(event), done, act, _failed)


def attempt(make: Callable[[], T]) -> T | Problem:
    """Give what was made or, for an answer that tells several outcomes, the problem that it met."""
    try:
        return make()
    except tuple(REFUSALS) as error:
        return Problem.of(error)


def refuse(error: Exception, log: Log, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Answer a request with nothing but this error."""
    problem = Problem.of(error)
    log["error"] = problem.code
    return _told(problem, headers)


def _told(problem: Problem, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    all_headers = {**HEADERS_OF.get(problem.status, {}), **(headers or {})}
    body = problem.model_dump_json(exclude_none=True)
    return gateway.response(problem.status, "application/problem+json", body, all_headers)


def _failed(request_id: str) -> dict[str, Any]:
    return _told(Problem.of(InternalError(request_id)))


def _answer(
    event: Event, endpoint: Endpoint[At, Body], act: Callable[[Call[At, Body]], Answer], log: Log
) -> dict[str, Any]:
    try:
        made = act(_call(event, endpoint, log))
    except tuple(REFUSALS) as error:
        return refuse(error, log)
    headers = {**gateway.replay_headers(made.replayed, log), **made.headers}
    if made.told is None:
        return gateway.no_content(headers)
    body = made.told if isinstance(made.told, str) else made.told.model_dump_json()
    return gateway.response(endpoint.status, "application/json", body, headers)


def _call(event: Event, endpoint: Endpoint[At, Body], log: Log) -> Call[At, Body]:
    """Take a request apart, or raise the first error that it meets before its endpoint's own."""
    headers = gateway.headers(event)
    caller = _caller(headers, fresh=endpoint.scope not in _TRUST_MEMORY)
    log["caller"] = caller.account
    faults: list[Fault] = []
    at = _read("parameters", partial(_parameters, event), endpoint.at, faults)
    key = gateway.idempotency_key(headers) or ""
    if endpoint.keyed and not gateway.is_key(key):
        faults.append(Fault(at="Idempotency-Key", message=f"a header of 1 to {LONGEST_KEY} characters is required"))
    body = _read("body", dict if endpoint.body is NoBody else partial(_json, event), endpoint.body, faults)
    if at is None or body is None or faults:
        raise InvalidRequest(*faults)
    is_suspended = caller.state is not State.OPEN  # it may read, and nothing else
    if (endpoint.operator and caller.subtree is not None) or (is_suspended and endpoint.method != "GET"):
        raise errors.NotPermitted
    if unit := getattr(at, "unit", None) or getattr(body, "unit", None):
        log["unit"] = unit
    call = Call(table, caller, at, body, key, log)
    if endpoint.scope is not None:
        call.require(endpoint.scope)
    return call


def _caller(headers: Mapping[str, str], *, fresh: bool) -> Caller:
    """Recognise the caller by `Authorization: Bearer <key>`. Whose operator or top is closed may do nothing."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise errors.WrongCredentials
    try:
        return credentials.by_scoped_key(table, key.strip(), fresh=fresh)
    except errors.AccountClosed:
        raise errors.NotPermitted from None


M = TypeVar("M", bound=BaseModel)


def _read(part: str, read: Callable[[], Any], model: type[M], faults: list[Fault]) -> M | None:
    """Read one part of a request as its model, or note what is wrong with it."""
    try:
        return model.model_validate(read())
    except ValidationError as invalid:
        for each in invalid.errors(include_url=False, include_context=False, include_input=False):
            place = ".".join(map(str, (part, *each["loc"])))
            faults.append(Fault(at=place[:_LONGEST_PLACE], message=each["msg"].removeprefix("Value error, ")))
    except Unreadable as unreadable:
        faults.append(Fault(at=part, message=str(unreadable)[:_LONGEST_PLACE]))
    return None


def _parameters(event: Event) -> dict[str, str]:
    """Join the path's variables with the query's, each of which may be given once."""
    return gateway.once_each([*gateway.path(event).items(), *gateway.query(event, MOST_FIELDS)])


def _json(event: Event) -> Any:
    found = gateway.read_json(gateway.body(event, LONGEST_BODY), fraction=_fraction)
    # Before pydantic finds a fault with each: 170,000 of them took 1.7 s, and were longer than Lambda sends.
    unseen, seen = [found], 0
    while unseen and seen <= MOST_VALUES:
        value = unseen.pop()
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        seen += len(inside)
        unseen += islice(inside, MOST_VALUES)
    if seen > MOST_VALUES:
        raise Unreadable(f"more than {MOST_VALUES} values")
    return found


def _fraction(written: str) -> int | float:
    """Read a number with a fraction: exact if that is nothing, and else of no use, since no field takes a float."""
    whole = _WHOLE.fullmatch(written)
    return int(whole[1]) if whole else float(written)
