"""Who a request comes from, and which sub-account it is about.

A sub-account is an account that has a token; its parent is the account that owns it. Customers that another dialect
opened have none, and are no sub-accounts here.
"""

from ledger import accounts, names
from ledger.accounts import Account, Role
from ledger.counter import State
from ledger.credentials import Caller, by_key
from ledger.errors import AccountClosed, AccountNotFound, AccountSuspended, NotPermitted
from ledger.names import find_name
from ledger.table import Table, claim_key
from mailpartner.wire import Fault, Refused, Request


def caller(table: Table, request: Request, *, fresh: bool = False) -> Caller:
    """Recognise who asks by their API key: codes 1 and 10, or 20 if their account is closed.

    `fresh` trusts no memory: what opens and closes accounts asks for that. Raises NotPermitted for a key that is good
    for less than all that its account may do.
    """
    secret = request.required("apiKey", Fault.NO_KEY)
    try:
        found = by_key(table, secret, fresh=fresh)
    except AccountClosed:
        raise Refused(Fault.DISABLED) from None
    request.log["caller"] = found.account
    return found


def parent(table: Table, asking: Caller, *, changes: bool = True) -> Account:
    """Read the main account that asks. Raises NotPermitted: only an admin has sub-accounts.

    One that is suspended may read, but raises AccountSuspended if it `changes` something.
    """
    if asking.role is not Role.ADMIN:
        raise NotPermitted
    found = profile(table, asking)
    if changes and found.state is not State.OPEN:
        raise AccountSuspended
    return found


def profile(table: Table, asking: Caller) -> Account:
    """Read the account that asks."""
    found = accounts.get(table, asking.owner, asking.account)
    if found.state is State.CLOSED:  # since the caller was recognised, and remembered for a while
        raise Refused(Fault.DISABLED)
    return found


def subaccount(table: Table, request: Request, asking: Caller, token: str) -> Account:
    """Read the caller's sub-account with this token. Raises AccountNotFound."""
    owner, account = find_name(table, names.token(token).pk)
    if owner != asking.account:
        raise Refused(Fault.NOT_YOURS)
    request.log["account"] = account
    found = accounts.get(table, owner, account)
    if found.state is State.CLOSED and not _was_asked_before(table, request, owner):
        raise AccountNotFound
    return found


def _was_asked_before(table: Table, request: Request, operator: int) -> bool:
    """Say whether this may be a request sent again, which is owed its first answer whatever the account is now."""
    key = request.idempotency_key
    return key is not None and table.get(claim_key(operator, key)) is not None


def text(account: Account, name: str) -> str:
    """Give a property of an account, empty if it has none."""
    return str(account.properties.get(name, ""))
