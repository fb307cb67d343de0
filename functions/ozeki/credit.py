"""The actions that add to, set or read the SMS credit of an account. Design: README.md, Endpoints."""

from ledger.balance import change
from ledger.change import Change
from ledger.counter import read
from ledger.credentials import Caller
from ledger.kinds import Kind
from ledger.table import Table
from ledger.units import Unit
from ozeki.parties import Target, find_user, is_own, require_admin, require_open_admin
from ozeki.wire import Answer, Request

UNIT = Unit.SMS


def add_credits(table: Table, request: Request, caller: Caller) -> Answer:
    """Add to a balance or take away from it, below zero too."""
    require_open_admin(caller)
    amount = request.integer("add")
    target = _target(table, request, caller)
    # Adding nothing is no change. Under a key it is one, because a retry is owed the same answer.
    if amount == 0 and request.idempotency_key is None:
        return _current(table, target)
    return _changed(table, request, caller, target, Kind.ADJUSTMENT, amount)


def set_credits(table: Table, request: Request, caller: Caller) -> Answer:
    """Set a balance; without a new balance there is no change."""
    require_open_admin(caller)
    amount = request.integer("newbalance") if request.optional("newbalance") else None
    target = _target(table, request, caller)
    if amount is None:
        return _current(table, target)
    return _changed(table, request, caller, target, Kind.SET, amount)


def get_credits(table: Table, request: Request, caller: Caller) -> Answer:
    """Read a balance: an admin any of its accounts', a user only its own."""
    if (name := request.optional("useraccount")) and not is_own(caller, name):
        require_admin(caller)
    return _current(table, _target(table, request, caller))


def _target(table: Table, request: Request, caller: Caller) -> Target:
    """Find the account named by `useraccount`, or the caller's: the last thing judged before the ledger itself."""
    request.check()
    name = request.optional("useraccount") or caller.username
    own = is_own(caller, name)
    target = Target(caller.owner, caller.account, name) if own else find_user(table, caller, name)
    request.log["account"] = target.account
    return target


def _current(table: Table, target: Target) -> Answer:
    """Answer a balance as it is, of a closed account too."""
    return _told(target, read(table, target.account, UNIT).available)


def _changed(table: Table, request: Request, caller: Caller, target: Target, kind: Kind, amount: int) -> Answer:
    """Change a balance and answer it as it was right after that."""
    posted = change(
        table,
        Change(target.owner, target.account, UNIT, kind, amount, actor=caller.account),
        request.key_for(caller.account, request.action, target.account, UNIT, amount),
    )
    request.log["sequence"] = posted.sequence
    return _told(target, posted.after, replayed=posted.replayed)


def _told(target: Target, balance: int, *, replayed: bool = False) -> Answer:
    return Answer({"account": {"username": target.username, "balance": str(balance)}}, replayed)
