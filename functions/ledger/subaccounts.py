"""Accounts whose credit comes from the account that owns them, and goes back to it when they close.

Either way it is one commit: at no instant is the credit on neither side or on both, whoever dies in between. What it
adds to the owner's tail is left to the owner's next change to flush. Design: README.md, Commits.
"""

from collections.abc import Mapping, Sequence

from ledger import accounts, flush
from ledger.accounts import Account, why_not_revised
from ledger.balance import give_back
from ledger.change import Change, appending
from ledger.claims import CallerKey
from ledger.commit import Plan, Write, commit
from ledger.counter import Balance, State, balance_key, read_all
from ledger.entry import AMOUNT_LIMIT
from ledger.errors import Busy, NotSettled
from ledger.kinds import Kind
from ledger.names import Name, leads_to, release, unique_names
from ledger.opening import Opened, Payer, open_account
from ledger.table import Table
from ledger.transfer import Floors
from ledger.update import Update, number


def open_subaccount(
    table: Table,
    parent: Account,
    unit: str,
    amount: int,
    *,
    names: Sequence[Name],
    properties: Mapping[str, str | int],
    caller_key: CallerKey | None = None,
) -> Opened:
    """Open an account of the parent's and move this much of the parent's credit to it, in the unit's smallest part.

    All or nothing; an amount of 0 moves nothing. Raises what `open_account` raises and, of the parent's balance,
    AccountClosed, AccountSuspended and InsufficientCredit.
    """
    floors = Floors(table)

    def pay(account: int, key: bytes) -> Write:
        out = Change(parent.owner, parent.id, unit, Kind.TRANSFER_OUT, -amount, parent.id, str(account))
        return floors.side(out, key)

    return open_account(
        table,
        parent.id,
        actor=parent.id,
        names=names,
        properties=properties,
        balances={unit: amount} if amount else {},
        paid_by=Payer(parent.id, unit, pay) if amount else None,
        caller_key=caller_key,
    )


def close_subaccount(table: Table, parent: Account, account: int, caller_key: CallerKey | None = None) -> bool:
    """Close an account of the parent's for good and move all its credit, in every unit, back to the parent.

    All or nothing, once; it leaves its e-mail address to others. Returns whether an earlier request under the same key
    did it. Raises AccountNotFound, AccountClosed (by another request), NotSettled (it owes credit or holds some),
    KeyReused, Busy or OutcomeUnknown.
    """
    floors = Floors(table)

    def plan(key: bytes) -> Plan:
        closing = accounts.get(table, parent.id, account)
        profile = accounts.revise_profile(table, closing, state=State.CLOSED)
        if closing.state is State.CLOSED:
            return Plan([Write(profile, why_not_revised)])  # judged by the claim, if it was this request that closed it
        names = unique_names(parent.id, closing.properties)
        names = [name for name in names if leads_to(table, name, account)]
        balances = _settled(table, closing)  # last, as they are what changes most often
        returns = [
            Change(parent.owner, parent.id, balance.unit, Kind.TRANSFER_IN, balance.available, parent.id, str(account))
            for balance in balances
            if balance.available
        ]
        # What else is refused has changed since, and is read again.
        writes = [
            *(floors.side(change, key) for change in returns),
            Write(profile),
            *(_close_balance(table, closing, balance, key) for balance in balances),
            *(Write(release(table, name, account)) for name in names),
        ]
        return Plan(writes, [(side, change.unit) for change in returns for side in (parent.id, account)])

    return commit(table, parent.id, plan, caller_key).replayed


def _settled(table: Table, closing: Account) -> list[Balance]:
    """Read all balances of an account that is to be closed. Raises NotSettled if it owes credit or holds some.

    What expired holds still hold is given back first, and the account with Busy to whoever looks again.
    """
    balances = read_all(table, [(closing.id, unit) for unit in sorted(closing.units)])
    holding = [balance for balance in balances if balance.held]
    for balance in holding:
        found = Change(closing.owner, closing.id, balance.unit, Kind.RELEASE, 0, closing.owner)
        if not give_back(table, found, balance):
            raise NotSettled
    if holding:
        raise Busy
    # A balance past the limit of one entry, which takes many to come about, cannot be moved by one.
    if any(not 0 <= balance.available <= AMOUNT_LIMIT for balance in balances):
        raise NotSettled
    return balances


def _close_balance(table: Table, closing: Account, balance: Balance, key: bytes) -> Write:
    """Write the update that closes a balance as it was seen, taking out what it has."""
    nothing_is_held = "h = :zero"
    if balance.available:
        if balance.is_full(flush.CAP):
            flush.flush_tail(table, balance)
        parent = closing.owner
        out = Change(parent, closing.id, balance.unit, Kind.TRANSFER_OUT, -balance.available, parent, str(parent))
        nothing_is_left = "a <= :need"
        # A suspended account cannot spend, but it can be closed.
        update = appending(table, out, key, claimed=True).also(
            clauses=[nothing_is_left], values={":state": number(closing.state)}
        )
    else:
        is_empty = "a = :zero"
        update = Update(table, balance_key(balance.account, balance.unit), clauses=[is_empty])
    update = update.also(
        sets=["x = :closed"],
        clauses=[nothing_is_held],
        values={":closed": number(State.CLOSED), ":zero": number(0)},
    )
    return Write({"Update": update.request()})
