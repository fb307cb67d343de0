"""Which account a request is about, and whether its caller may do that."""

from dataclasses import dataclass

from ledger.accounts import Role
from ledger.credentials import Caller
from ledger.errors import AccountNotFound, NotPermitted
from ledger.names import LONGEST_USERNAME, composed, find_username, username_pk
from ledger.table import Table


@dataclass(frozen=True, slots=True)
class Target:
    """The account that a request is about, under whose profile listing it lies, and how the request names it."""

    owner: int
    account: int
    username: str


def require_admin(caller: Caller) -> None:
    """Raise NotPermitted unless an admin is calling."""
    if caller.role is not Role.ADMIN:
        raise NotPermitted


def is_own(caller: Caller, name: str) -> bool:
    """Say whether a user name is the caller's own."""
    return username_pk(name) == username_pk(caller.username)


def require_open_admin(caller: Caller) -> None:
    """Raise NotPermitted unless an admin is calling, or AccountSuspended if it may only read."""
    require_admin(caller)
    caller.require_open()


def find_user(table: Table, caller: Caller, name: str) -> Target:
    """Find an account of the caller's by its user name. Raises AccountNotFound."""
    if len(composed(name)) > LONGEST_USERNAME:
        raise AccountNotFound
    target = Target(*find_username(table, name), name)
    if target.owner != caller.account:
        raise AccountNotFound
    return target


def forget(table: Table, name: str) -> None:
    """Have a user name looked up again: a deleted user's may be another's since."""
    table.recent.pop(username_pk(name), None)
