"""The actions that make, configure, start, stop and delete users: accounts of the admin's. Design: README.md, Users."""

from ledger import accounts, credentials, customers
from ledger.accounts import Account
from ledger.counter import State
from ledger.credentials import LONGEST_PASSWORD, SHORTEST_PASSWORD, Caller
from ledger.customers import Revision
from ledger.errors import AccountClosed
from ledger.logins import set_login
from ledger.names import Name, composed
from ledger.opening import open_account
from ledger.table import Table
from ozeki.parties import find_user, forget, require_open_admin
from ozeki.wire import Answer, Request, invalid

_NO_TEXT = "\N{REPLACEMENT CHARACTER}"  # is what bytes become that are none: many texts would be one


def create_user(table: Table, request: Request, caller: Caller) -> Answer:
    """Open an account whose name lets nobody in before it has a password. Its type means nothing here."""
    name = composed(_name(request, caller))
    user_name = _user_name(name)
    request.check()
    opened = open_account(
        table,
        caller.account,
        actor=caller.account,
        username=name,
        names=[user_name],
        caller_key=request.key_for(caller.account, request.action, name),
    )
    forget(table, name)
    request.log["account"] = opened.id
    return _told(name, replayed=opened.replayed)


def config_user(table: Table, request: Request, caller: Caller) -> Answer:
    """Give a user a new password; what else can be configured means nothing here."""
    name = _name(request, caller)
    secret = _new_password(request)
    user = _user(table, request, caller, name)
    if secret is None:
        if user.state is State.CLOSED:
            raise AccountClosed
        return _told(user.username)
    key = None
    if request.idempotency_key is not None:
        key = request.key_for(caller.account, request.action, user.id, credentials.fingerprint(secret))
    return _told(user.username, replayed=set_login(table, user.owner, user.id, user.username, secret, key))


def start_user(table: Table, request: Request, caller: Caller) -> Answer:
    """Let a stopped user spend again."""
    return _set_state(table, request, caller, State.OPEN)


def stop_user(table: Table, request: Request, caller: Caller) -> Answer:
    """Suspend a user: it takes credit, and reads its balance, but cannot spend."""
    return _set_state(table, request, caller, State.SUSPENDED)


def delete_user(table: Table, request: Request, caller: Caller) -> Answer:
    """Close a user for good; nothing is erased, and its name is free again."""
    user = _user(table, request, caller, _name(request, caller))
    key = request.key_for(caller.account, request.action, user.id)
    _, outcome = customers.close(table, user.owner, user.id, actor=caller.account, caller_key=key)
    return _told(user.username, replayed=outcome.replayed)


def _set_state(table: Table, request: Request, caller: Caller, state: State) -> Answer:
    user = _user(table, request, caller, _name(request, caller))
    # What is so already is no change. Under a key it is one, because a retry is owed the same answer.
    if user.state is state and request.idempotency_key is None:
        return _told(user.username)
    key = request.key_for(caller.account, request.action, user.id)
    _, outcome = customers.revise(
        table, user.owner, user.id, Revision(state=state), actor=caller.account, caller_key=key
    )
    return _told(user.username, replayed=outcome.replayed)


def _name(request: Request, caller: Caller) -> str:
    """Read whom an admin's request is about."""
    require_open_admin(caller)
    return request.required("name")


def _user(table: Table, request: Request, caller: Caller, name: str) -> Account:
    """Find a user of the admin's: the last thing judged before the ledger itself. The admin is none of its users."""
    request.check()
    forget(table, name)
    target = find_user(table, caller, name)
    request.log["account"] = target.account
    return accounts.get(table, target.owner, target.account)


def _user_name(name: str) -> Name:
    try:
        if _NO_TEXT not in name:
            return credentials.user_name(name)
    except ValueError:
        pass
    raise invalid("name")


def _new_password(request: Request) -> str | None:
    """Find the password to be set: `PASSWORD` in any spelling but `password`, which is the caller's own."""
    found = [value for name, value in request.parameters.items() if name.upper() == "PASSWORD" and name != "password"]
    if not found:
        return None
    if len(found) > 1 or not SHORTEST_PASSWORD <= len(found[0]) <= LONGEST_PASSWORD or _NO_TEXT in found[0]:
        raise invalid("PASSWORD")
    return found[0]


def _told(name: str, *, replayed: bool = False) -> Answer:
    return Answer({"user": {"name": name}}, replayed)
