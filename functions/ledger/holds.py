"""Holds: credit put aside for a while, then captured in parts, or released.

The first few open holds of a balance lie inside its item, and each step is the one update of any change. The others lie
apart, in items of their own, and each step is a transaction; only this module and balance.py can tell. What an expired
hold still holds is given back by whoever runs short of credit or touches it. Design: README.md, Holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ledger.balance import change, give_back
from ledger.change import MOST_INLINE, Change
from ledger.claims import CallerKey
from ledger.counter import Balance, balance_key, hold_expires_ms, hold_key, holds_apart, name_hold, read
from ledger.entry import Posted
from ledger.errors import Busy, HoldExpired, HoldNotFound, HoldTooSmall
from ledger.kinds import Kind
from ledger.table import FAILED, Table, failure

LONGEST_LIFE_MS = 31 * 86_400_000


@dataclass(frozen=True, slots=True)
class Reserved:
    """A hold as it was opened. From `expires_ms` on, by the ledger's clock, nothing can be captured from it."""

    hold: str
    expires_ms: int
    posted: Posted


@dataclass(frozen=True, slots=True)
class Holdings:
    """A balance and all its open holds at one instant, each with what it still holds, in the unit's smallest part."""

    balance: Balance
    holds: Mapping[str, int]

    def spendable(self, now_ms: int) -> int:
        """How much could be spent now: what is available, and what expired holds still hold."""
        expired = (left for hold, left in self.holds.items() if hold_expires_ms(hold) <= now_ms)
        return self.balance.available + sum(expired)


def reserve(
    table: Table,
    owner: int,
    account: int,
    unit: str,
    amount: int,
    *,
    lives_ms: int,
    actor: int,
    reference: str = "",
    note: str = "",
    caller_key: CallerKey | None = None,
) -> Reserved:
    """Put credit aside, in the unit's smallest part, for `lives_ms` from the moment it is done.

    The content of the caller's key must have `lives_ms`, too: a repeated answer is made of it. Raises ValueError if the
    amount or the life is out of bounds, and what `balance.change` raises for a spend.
    """
    if amount <= 0 or not 0 < lives_ms <= LONGEST_LIFE_MS:
        raise ValueError("a hold has an amount above zero and lives for up to 31 days")
    wanted = Change(
        owner, account, unit, Kind.RESERVE, -amount, actor, reference, held=amount, note=note, lives_ms=lives_ms
    )
    posted = change(table, wanted, caller_key, partial(_find_room, table))
    expires_ms = posted.entry.time_ms + lives_ms
    return Reserved(name_hold(posted.key, expires_ms), expires_ms, posted)


def capture(
    table: Table,
    owner: int,
    account: int,
    unit: str,
    hold: str,
    amount: int,
    *,
    actor: int,
    note: str = "",
    caller_key: CallerKey | None = None,
) -> Posted:
    """Take a part of a hold, or all of it, for good. As often as there is something left, and works while suspended.

    Raises ValueError if the amount is not above zero, HoldNotFound, HoldExpired, HoldTooSmall, and what
    `balance.change` raises for credit.
    """
    if amount <= 0:
        raise ValueError("a capture has an amount above zero")
    _check_name(hold)
    wanted = Change(owner, account, unit, Kind.CAPTURE, 0, actor, hold, held=-amount, note=note)
    return change(table, wanted, caller_key, partial(_aim, table, amount))


def release(
    table: Table, owner: int, account: int, unit: str, hold: str, *, actor: int, caller_key: CallerKey | None = None
) -> Posted:
    """Give back what a hold still holds, and end it. Works while suspended, and after it expired if nobody else did.

    Raises HoldNotFound, also for a hold with nothing left, and what `balance.change` raises for credit.
    """
    _check_name(hold)
    wanted = Change(owner, account, unit, Kind.RELEASE, 0, actor, hold, ends=True, unsized=True)
    return change(table, wanted, caller_key, partial(_aim, table, None))


def read_holdings(table: Table, account: int, unit: str) -> Holdings:
    """Read a balance with all its open holds, expired ones too. Raises Busy.

    Two calls, or three where holds lie apart: their every change leaves an entry, so what was read between two looks at
    one sequence number is as of one instant.
    """
    for crowding in table.tries():
        balance = read(table, account, unit)
        apart = dict(holds_apart(table, account, unit))
        if not (apart or balance.held_apart) or read(table, account, unit).sequence == balance.sequence:
            return Holdings(balance, {hold: left for hold, left in {**balance.holds, **apart}.items() if left})
        table.pause(crowding)
    raise Busy


def _find_room(table: Table, wanted: Change, balance: Balance, left: int | None) -> Change:
    """Make room in the balance's item by what is over and done with; if that is nothing, have the hold lie apart."""
    if wanted.apart or len(balance.holds) < MOST_INLINE:
        return wanted
    if empty := sorted(hold for hold, left in balance.holds.items() if not left):
        _drop(table, balance, empty)
    elif not give_back(table, wanted, balance):
        return replace(wanted, apart=True)
    return wanted


def _drop(table: Table, balance: Balance, empty: Sequence[str]) -> None:
    """Take out holds of which all was captured. No clause: a hold only shrinks, and its name is not used again."""
    try:
        table.client.update_item(
            TableName=table.name,
            Key=balance_key(balance.account, balance.unit),
            UpdateExpression="REMOVE " + ", ".join(f"o.#{at}" for at in range(len(empty))),
            ExpressionAttributeNames={f"#{at}": hold for at, hold in enumerate(empty)},
        )
    except FAILED as error:
        failure(error)  # no credit moved, and who finds no room tries again


def _drop_apart(table: Table, wanted: Change) -> None:
    """Take out a hold that lies apart and is empty, because its last two captures each left the rest to the other."""
    nothing_left = "n = :zero"
    try:
        table.client.delete_item(
            TableName=table.name,
            Key=hold_key(wanted.account, wanted.unit, wanted.reference),
            ConditionExpression=nothing_left,
            ExpressionAttributeValues={":zero": {"N": "0"}},
        )
    except FAILED as error:
        failure(error)  # no credit moved, and it counts for nothing


def _aim(table: Table, amount: int | None, wanted: Change, balance: Balance, left_apart: int | None) -> Change:
    """Aim a capture of this amount, or a release (None), at its hold: inside the balance's item, or else apart."""
    hold = wanted.reference
    if not wanted.apart and hold not in balance.holds:
        return replace(wanted, apart=True, unsized=True)
    left = left_apart if wanted.apart else balance.holds[hold]
    if not left:
        if left_apart is not None:
            _drop_apart(table, wanted)
        raise HoldNotFound
    if amount is None:
        return replace(wanted, amount=left, held=-left, unsized=False)
    if hold_expires_ms(hold) <= table.now_ms():
        give_back(table, wanted, balance)
        raise HoldExpired
    if left < amount:
        raise HoldTooSmall(left)
    # A hold that lies apart goes with its last credit; one in the balance is dropped by a reserve that needs its room.
    return replace(wanted, held=-amount, ends=wanted.apart and left == amount, unsized=False)


def _check_name(hold: str) -> None:
    try:
        hold_expires_ms(hold)
    except ValueError:
        raise HoldNotFound from None
