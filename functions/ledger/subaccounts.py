"""Accounts whose credit comes from the account that owns them, and goes back to it when they close.

Either way it is one transaction: at no instant is the credit on neither side or on both, whoever dies in between. What
it adds to the owner's tail is left to the owner's next change to flush. Design: ledger.md 6.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ledger import accounts, flush
from ledger.accounts import Account
from ledger.balance import give_back
from ledger.change import Change, appending
from ledger.claims import CallerKey, claim_item, is_refused, is_undecided, standing
from ledger.counter import Balance, State, balance_key, read_all
from ledger.entry import AMOUNT_LIMIT
from ledger.errors import AccountClosed, Busy, NotSettled, OutcomeUnknown, unless_lost
from ledger.kinds import Kind
from ledger.names import Name, leads_to, release, unique_names
from ledger.opening import Opened, Payer, open_account
from ledger.table import FAILED, Failure, Item, Table, answer_of, claim_key, failure, was_resent
from ledger.transfer import unblock


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
    floor = 0

    def payment(account: int) -> Change:
        return Change(parent.owner, parent.id, unit, Kind.TRANSFER_OUT, -amount, parent.id, str(account))

    def pay(account: int, key: bytes) -> Item:
        return _append(table, payment(account), key, floor)

    def refused(item: Item | None) -> None:
        nonlocal floor
        floor = unblock(table, payment(account=0), item)

    return open_account(
        table,
        parent.id,
        actor=parent.id,
        names=names,
        properties=properties,
        balances={unit: amount} if amount else {},
        paid_by=Payer(parent.id, pay, refused) if amount else None,
        caller_key=caller_key,
    )


def close_subaccount(table: Table, parent: Account, account: int, caller_key: CallerKey | None = None) -> bool:
    """Close an account of the parent's for good and move all its credit, in every unit, back to the parent.

    All or nothing, once; it leaves its e-mail address to others. Returns whether an earlier request under the same key
    did it. Raises AccountNotFound, AccountClosed (by another request), NotSettled (it owes credit or holds some),
    KeyReused, Busy or OutcomeUnknown.
    """
    key = table.mint()
    # Without a caller's key a key of our own is claimed: it tells our lost success from somebody else's.
    caller_key = caller_key or CallerKey(parent.id, key.hex(), ("close account",))
    lost = False
    for crowding in table.tries():
        try:
            closing = accounts.get(table, parent.id, account)
            if closing.state is State.CLOSED:
                return _was_closed_before(table, caller_key, key)
            names = unique_names(parent.id, closing.properties)
            names = [name for name in names if leads_to(table, name, account)]
            with unless_lost(lost):
                balances = _settled(table, closing)  # last, as they are what changes most often
        except Busy:
            table.pause(crowding)
            continue
        returns = [
            Change(parent.owner, parent.id, balance.unit, Kind.TRANSFER_IN, balance.available, parent.id, str(account))
            for balance in balances
            if balance.available
        ]
        writes: list[Any] = [
            {"Put": claim_item(table, caller_key, key)},
            *(_append(table, change, key) for change in returns),
            accounts.revise_profile(table, closing, state=State.CLOSED),
            *(_close_balance(table, closing, balance, key) for balance in balances),
            *(release(table, name, account) for name in names),
        ]
        try:
            table.client.transact_write_items(TransactItems=writes)
        except FAILED as error:
            why, answer = failure(error), answer_of(error)
            lost = lost or why is Failure.UNKNOWN or was_resent(answer)
            if why is Failure.CONDITION:
                of_claim, *reasons = answer["CancellationReasons"]
                if is_refused(of_claim):
                    return standing(caller_key, of_claim["Item"]) != key
                for change, reason in zip(returns, reasons, strict=False):
                    if is_refused(reason) and not is_undecided(of_claim):
                        with suppress(Busy):  # as in transfer.change_all
                            unblock(table, change, reason.get("Item"))
            table.pause(crowding)  # the account, read again, tells what else has changed
        else:
            return False
    raise OutcomeUnknown if lost else Busy


def _was_closed_before(table: Table, caller_key: CallerKey, key: bytes) -> bool:
    """Say of a closed account whether another request under the caller's key closed it, or ours unseen.

    Raises AccountClosed if it was neither.
    """
    claim = table.get(claim_key(caller_key.operator, caller_key.key))
    if claim is None:
        raise AccountClosed
    return standing(caller_key, claim) != key


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


def _append(table: Table, change: Change, key: bytes, floor: int = 0) -> Item:
    update, clauses = appending(table, change, key, floor)
    return {"Update": {**update, "ConditionExpression": " AND ".join(clauses)}}


def _close_balance(table: Table, closing: Account, balance: Balance, key: bytes) -> Item:
    """Write the update that closes a balance as it was seen, taking out what it has."""
    if not balance.available:
        return _close_empty_balance(table, balance)
    if len(balance.tail) >= 2 * flush.CAP:
        flush.flush_tail(table, balance)
    parent = closing.owner
    out = Change(parent, closing.id, balance.unit, Kind.TRANSFER_OUT, -balance.available, parent, str(parent))
    update, clauses = appending(table, out, key)
    update["UpdateExpression"] += ", x = :closed"
    update["ExpressionAttributeValues"] |= {
        # A suspended account cannot spend, but it can be closed.
        ":state": {"N": str(int(closing.state))},
        ":closed": {"N": str(int(State.CLOSED))},
        ":zero": {"N": "0"},
    }
    nothing_is_left = "a <= :need"
    nothing_is_held = "h = :zero"
    return {"Update": {**update, "ConditionExpression": " AND ".join([nothing_is_left, nothing_is_held, *clauses])}}


def _close_empty_balance(table: Table, balance: Balance) -> Item:
    is_empty = "a = :zero"
    nothing_is_held = "h = :zero"
    return {
        "Update": {
            "TableName": table.name,
            "Key": balance_key(balance.account, balance.unit),
            "UpdateExpression": "SET x = :closed",
            "ConditionExpression": f"{is_empty} AND {nothing_is_held}",
            "ExpressionAttributeValues": {":closed": {"N": str(int(State.CLOSED))}, ":zero": {"N": "0"}},
        }
    }
