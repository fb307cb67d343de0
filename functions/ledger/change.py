"""A change of one balance: what is asked for, the update that does it if it may be done, and what stands against it.

Nothing here calls the database: balance.py does, for one balance, and transfer.py, for several at once. A change of a
hold (holds.py) has one more clause and write in the balance's update or, if the hold lies apart, a write beside it.
Design: ledger.md 3, 7.
"""

from dataclasses import dataclass
from typing import Any

from ledger import flush
from ledger.counter import Balance, State, balance_key, hold_key, name_hold
from ledger.entry import Entry, pack
from ledger.errors import AccountClosed, AccountSuspended, Declined, InsufficientCredit
from ledger.kinds import SPENDS, Kind
from ledger.table import Item, Table

MOST_INLINE = 6
"""Holds in a balance item, at the most. More would make every change of it cost a second write unit."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to happen to one balance, in the unit's smallest part.

    `amount` is what to add (negative takes away) or, for `Kind.SET`, what to have. `owner` is the account whose
    profile listing holds `account`; `actor` is the account that asks. `note` is text of at most notes.LONGEST_BYTES.
    `held` is what to add to the credit on hold. Of one hold: for how long it is opened, whether it lies `apart` from
    the balance, in an item of its own, and whether it `ends` with this.
    """

    owner: int
    account: int
    unit: str
    kind: Kind
    amount: int
    actor: int
    reference: str = ""
    held: int = 0
    note: str = ""
    lives_ms: int = 0
    apart: bool = False
    ends: bool = False

    def entry(self, time_ms: int) -> Entry:
        """Write down this change as of now."""
        return Entry(self.kind, self.amount, time_ms, self.actor, self.reference, self.held, noted=bool(self.note))


def appending(
    table: Table, wanted: Change, key: bytes, floor: int = 0, now_ms: int | None = None
) -> tuple[Item, list[str]]:
    """Build the update that applies a change, and the clauses it always needs; the caller joins in its own.

    Put together here only, for one balance and for several. Design: ledger.md 3.
    """
    entry = wanted.entry(table.now_ms() if now_ms is None else now_ms)
    values: Item = {
        ":amount": {"N": str(wanted.amount)},
        ":one": {"N": "1"},
        ":posted": {"L": [{"B": key}, {"B": pack(entry)}]},
        ":cap": {"N": str(2 * flush.CAP)},
        ":state": {"N": str(int(State.OPEN if wanted.kind in SPENDS else State.SUSPENDED))},
    }
    sets = [
        "a = :amount" if wanted.kind is Kind.SET else "a = a + :amount",
        "s = s + :one",
        "t = list_append(t, :posted)",
    ]
    if wanted.held:
        sets.append("h = h + :held")
        values[":held"] = {"N": str(wanted.held)}

    has_room = "size(t) < :cap"
    state_allows = "x <= :state"
    clauses = [state_allows, has_room]
    if wanted.kind in SPENDS:
        has_credit = "a >= :need"
        values[":need"] = {"N": str(floor - wanted.amount)}
        clauses.append(has_credit)
        if floor:
            # A floor below zero was learned from an earlier refusal; it must still be that one.
            floor_is_as_seen = "m = :floor"
            values[":floor"] = {"N": str(floor)}
            clauses.append(floor_is_as_seen)
    update = {
        "TableName": table.name,
        "Key": balance_key(wanted.account, wanted.unit),
        "UpdateExpression": "SET " + ", ".join(sets),
        "ExpressionAttributeValues": values,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    return update, clauses


def judge(wanted: Change, balance: Balance) -> Declined | None:
    """Say why this balance, as it was, could not take the change; None if nothing lasting stands against it."""
    if balance.state == State.CLOSED:
        return AccountClosed()
    if wanted.kind in SPENDS:
        if balance.state == State.SUSPENDED:
            return AccountSuspended()
        if balance.available + wanted.amount < balance.floor:
            return InsufficientCredit(max(balance.available - balance.floor, 0))
    return None


def touching(table: Table, wanted: Change, key: bytes, now_ms: int, update: Item, clauses: list[str]) -> list[Any]:
    """Have the balance's update do to the hold what is wanted or, if that lies apart, return the write that does it."""
    opens = wanted.kind is Kind.RESERVE
    hold = name_hold(key, now_ms + wanted.lives_ms) if opens else wanted.reference
    at = "n" if wanted.apart else "o.#hold"
    to = condition = ""
    if opens:
        to = ":held"
        has_room = "size(o) < :room"
        condition = "" if wanted.apart else has_room
    elif wanted.ends:
        nothing_was_taken_since = f"{at} = :left"
        condition = nothing_was_taken_since
    else:
        # By numbers, not by what was seen: captures that run in parallel all succeed at the first try.
        to = f"{at} + :held"
        enough_is_left = f"{at} >= :left"
        condition = enough_is_left
    numbers = {":held": wanted.held, ":left": -wanted.held, ":room": MOST_INLINE}
    values = {name: {"N": str(number)} for name, number in numbers.items() if name in to + condition}

    if not wanted.apart:
        update["UpdateExpression"] += f" REMOVE {at}" if wanted.ends else f", {at} = {to}"
        update["ExpressionAttributeNames"] = {"#hold": hold}
        update["ExpressionAttributeValues"] |= values
        clauses.append(condition)
        return []
    write: Item = {
        "TableName": table.name,
        "Key": hold_key(wanted.account, wanted.unit, hold),
        "ExpressionAttributeValues": values,
    }
    if condition:
        write["ConditionExpression"] = condition
    if wanted.ends:
        return [{"Delete": write}]
    return [{"Update": write | {"UpdateExpression": f"SET {at} = {to}"}}]
