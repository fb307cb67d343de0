"""GET and POST /api: adds to, sets or reads the SMS credit of an account and answers the exact new balance.

API Gateway cannot route on a query parameter, so this one function has three actions: the table at its end.
"""

from dataclasses import dataclass
from typing import Any

from ledger.accounts import Role
from ledger.balance import change
from ledger.change import Change
from ledger.counter import read
from ledger.credentials import LONGEST_USERNAME, Caller, by_password
from ledger.errors import AccountNotFound, NotPermitted
from ledger.kinds import Kind
from ledger.names import find_username
from ledger.table import open_table
from ledger.units import Unit
from ozeki import wire
from ozeki.wire import Code, Credit, Refused, Request

UNIT = Unit.SMS

table = open_table()  # while the function starts, because then Lambda gives it a whole CPU


@dataclass(frozen=True, slots=True)
class Target:
    """The account that a request is about, and under whose profile listing it lies."""

    owner: int
    account: int
    username: str


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ozeki_api)


def ozeki_api(request: Request) -> Credit:
    """Carry out one action. The order of the statements, here and below, is the order in which errors are judged."""
    act = ACTIONS.get(request.action)
    if act is None:
        raise Refused(Code.UNKNOWN_ACTION, "unknown action")
    request.log.update(action=request.action, unit=UNIT)
    caller = by_password(table, request.required("username"), request.required("password"))
    request.log["caller"] = caller.account
    return act(request, caller)


def add_credits(request: Request, caller: Caller) -> Credit:
    """Add to a balance or take away from it, below zero too."""
    _require_admin(caller)
    amount = request.integer("add")
    target = _target(request, caller)
    # Adding nothing is no change. Under a key it is one, because a retry is owed the same answer.
    if amount == 0 and request.idempotency_key is None:
        return _current(target)
    return _changed(request, caller, target, Kind.ADJUSTMENT, amount)


def set_credits(request: Request, caller: Caller) -> Credit:
    """Set a balance; without a new balance there is no change."""
    _require_admin(caller)
    amount = request.integer("newbalance") if request.optional("newbalance") else None
    target = _target(request, caller)
    if amount is None:
        return _current(target)
    return _changed(request, caller, target, Kind.SET, amount)


def get_credits(request: Request, caller: Caller) -> Credit:
    """Read a balance: an admin any of its accounts', a user only its own."""
    if request.optional("useraccount") not in ("", caller.username):
        _require_admin(caller)
    return _current(_target(request, caller))


ACTIONS = {"addcredits": add_credits, "setcredits": set_credits, "getcredits": get_credits}


def _require_admin(caller: Caller) -> None:
    if caller.role is not Role.ADMIN:
        raise NotPermitted


def _target(request: Request, caller: Caller) -> Target:
    """Find the account named by `useraccount`, or the caller's: the last thing judged before the ledger itself."""
    request.check()
    name = request.optional("useraccount") or caller.username
    if name == caller.username:
        target = Target(caller.owner, caller.account, name)
    elif len(name) > LONGEST_USERNAME:
        raise AccountNotFound
    else:
        target = Target(*find_username(table, name), name)
        if target.owner != caller.account:
            raise AccountNotFound
    request.log["account"] = target.account
    return target


def _current(target: Target) -> Credit:
    """Answer a balance as it is, of a closed account too."""
    return Credit(target.username, read(table, target.account, UNIT).available)


def _changed(request: Request, caller: Caller, target: Target, kind: Kind, amount: int) -> Credit:
    """Change a balance and answer it as it was right after that."""
    posted = change(
        table,
        Change(target.owner, target.account, UNIT, kind, amount, actor=caller.account),
        request.key_for(caller.account, request.action, target.account, UNIT, amount),
    )
    request.log["sequence"] = posted.sequence
    return Credit(target.username, posted.after, posted.replayed)
