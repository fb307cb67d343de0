"""Logins and tokens: by what the vendors' callers name an account and come in, given to it and taken from it.

Each is written in one commit with the profile that says so, whatever API opened the account, and works within
Table.recall's half a minute everywhere. Design: README.md, Items.
"""

from collections.abc import Callable

from ledger import accounts
from ledger.accounts import Account, revise_profile, why_not_revised
from ledger.claims import CallerKey
from ledger.commit import Plan, Write, commit
from ledger.credentials import password, user_name
from ledger.names import Name, Takings, give_up, token
from ledger.table import Item, Table

TOKEN = "token"  # noqa: S105 - the property of a profile that holds it


def set_login(
    table: Table, owner: int, account: int, username: str, secret: str, caller_key: CallerKey | None = None
) -> bool:
    """Give an account a user name and a password, or change them; return whether an earlier request did it.

    The ones before let nobody in any more. Raises ValueError, AccountNotFound, AccountClosed, NameTaken, KeyReused,
    Busy or OutcomeUnknown.
    """
    login = password(username, secret)

    def revised(found: Account) -> Item:
        return revise_profile(table, found, username=username)

    return _rename(table, owner, account, _login, login, revised, caller_key)


def remove_login(table: Table, owner: int, account: int, caller_key: CallerKey | None = None) -> bool:
    """Take an account's user name and password away; one that has none stays so. Raises what `set_login` raises."""

    def revised(found: Account) -> Item:
        return revise_profile(table, found, username="")

    return _rename(table, owner, account, _login, None, revised, caller_key)


def set_token(table: Table, owner: int, account: int, text: str, caller_key: CallerKey | None = None) -> bool:
    """Give an account a token in place of the one it had; an empty one takes that away.

    Raises what `set_login` raises.
    """

    def revised(found: Account) -> Item:
        kept = {name: value for name, value in found.properties.items() if name != TOKEN}
        properties = {**kept, TOKEN: text} if text else kept
        return revise_profile(table, found, properties)

    return _rename(table, owner, account, _token, token(text) if text else None, revised, caller_key)


def _login(found: Account) -> Name | None:
    return user_name(found.username) if found.username else None


def _token(found: Account) -> Name | None:
    return token(str(found.properties[TOKEN])) if TOKEN in found.properties else None


def _rename(
    table: Table,
    owner: int,
    account: int,
    had: Callable[[Account], Name | None],
    new: Name | None,
    revised: Callable[[Account], Item],
    caller_key: CallerKey | None,
) -> bool:
    """Exchange one name of an account, and what its profile says of it, in one commit."""
    takings = Takings(table, owner)

    def plan(_: bytes) -> Plan:
        found = accounts.get(table, owner, account)
        old = had(found)
        writes = [Write(revised(found), why_not_revised)]
        if new:
            writes.append(takings.write(new, account))
        if old and (new is None or old.pk != new.pk):
            writes.append(give_up(table, old, owner, account))
        return Plan(writes)

    return commit(table, owner, plan, caller_key).replayed
