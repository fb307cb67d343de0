"""One balance: a conditional counter that carries the tail of its own history, and the one way to change it.

A change is one UpdateItem: it adds to the counter and appends an entry, if the entry's key is not there already. The
entries at the front of the tail move into pages (pages.py) a run at a time. Design: ledger.md 1 to 5.
"""

from dataclasses import dataclass, replace

from ledger import accounts, claims, flush, notes
from ledger.claims import CallerKey
from ledger.counter import Balance, State, balance_key, read
from ledger.entry import Entry, Kind, Posted, key_time_ms, pack
from ledger.errors import (
    AccountClosed,
    AccountNotFound,
    AccountSuspended,
    Busy,
    Declined,
    InsufficientCredit,
    KeyReused,
    OutcomeUnknown,
)
from ledger.pages import find_old, find_recent
from ledger.table import FAILED, Failure, Item, Table, answer_of, failure, profile_key, was_resent

SPENDS = frozenset({Kind.SPEND, Kind.RESERVE, Kind.TRANSFER_OUT})
"""The kinds that must find credit and an open account. Every other kind works from below zero and while suspended."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to happen to one balance, in the unit's smallest part.

    `amount` is what to add (negative takes away) or, for `Kind.SET`, what to have. `owner` is the account whose
    profile listing holds `account`; `actor` is the account that asks. `note` is text of at most notes.LONGEST_BYTES.
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

    def entry(self, time_ms: int) -> Entry:
        """Write down this change as of now."""
        return Entry(self.kind, self.amount, time_ms, self.actor, self.reference, self.held, noted=bool(self.note))


def change(table: Table, wanted: Change, caller_key: CallerKey | None = None) -> Posted:
    """Apply one change to one balance, once, and return its entry with the balance right after it.

    Atomic: the change, its entry and its sequence number are one update. With a caller's key it happens once however
    often it is asked for, and `replayed` tells a repeated answer. Raises AccountNotFound, AccountClosed,
    AccountSuspended, InsufficientCredit, KeyReused, Busy (nothing changed) or OutcomeUnknown. Design: ledger.md 3, 5.
    """
    if caller_key is None:
        return _apply(table, wanted, table.mint(), shared=False)
    for crowding in table.tries():
        try:
            key = claims.take(table, caller_key)
        except KeyReused:
            # Of two refusals the account's own comes first: no other key would help there.
            if accounts.get(table, wanted.owner, wanted.account).state is State.CLOSED:
                raise AccountClosed from None
            raise
        age_ms = table.now_ms() - key_time_ms(key)
        if age_ms < claims.APPLY_MS:
            return _apply(table, wanted, key, shared=True)
        # Older than any function that could still be applying it: what is not there now never will be.
        if found := find(table, wanted.account, wanted.unit, key):
            return replace(found, replayed=True)
        if age_ms < claims.RENEW_MS:
            break
        claims.renew(table, caller_key, key)
        table.pause(crowding)
    raise Busy


def find(table: Table, account: int, unit: str, key: bytes) -> Posted | None:
    """Find the entry with this key, whatever its age."""
    balance = read(table, account, unit)
    return balance.find(key) or find_old(table, account, unit, key, balance.flushed)


def appending(table: Table, wanted: Change, key: bytes, floor: int = 0) -> tuple[Item, list[str]]:
    """Build the update that applies a change, and the clauses it always needs; the caller joins in its own.

    Put together here only, for one balance and for several. Design: ledger.md 3.
    """
    values: Item = {
        ":amount": {"N": str(wanted.amount)},
        ":one": {"N": "1"},
        ":posted": {"L": [{"B": key}, {"B": pack(wanted.entry(table.now_ms()))}]},
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


def _apply(table: Table, wanted: Change, key: bytes, *, shared: bool) -> Posted:
    """Append the change under this key unless it is there already. `shared`: other requests may be using the key too.

    What each refused try found is judged in the order of ledger.md 3, from the item as it was at that instant.
    """
    lost = False  # an earlier try of ours may have acted unseen: the key may no longer be exchanged for a newer one
    seen: int | None = None  # the key is in none of the entries 1 to `seen` ...
    paged = 0  # ... and up to this entry they lay in pages then: those need no second search
    floor = 0
    noted = b""  # the key under which the note was written
    for crowding in table.tries():
        if wanted.note and noted != key:
            if not notes.write(table, key, wanted.note):
                table.pause(crowding)
                continue
            noted = key
        update, clauses = appending(table, wanted, key, floor)
        values = update["ExpressionAttributeValues"]
        not_in_tail = "NOT contains(t, :key)"
        values[":key"] = {"B": key}
        if seen is None:
            # Nothing as new as this key has left the tail, so neither has the key.
            not_in_pages = "w < :minted"
            values[":minted"] = {"N": str(key_time_ms(key))}
        else:
            # The pages were searched up to `seen`, and the tail still covers all that came after.
            not_in_pages = "f <= :seen"
            values[":seen"] = {"N": str(seen)}
        try:
            answer = table.client.update_item(
                **update,
                ConditionExpression=" AND ".join([not_in_pages, not_in_tail, *clauses]),
                ReturnValues="ALL_NEW",
            )
        except FAILED as error:
            if (why := failure(error)) is not Failure.CONDITION:
                lost = lost or why is Failure.UNKNOWN or was_resent(answer_of(error))
                table.pause(crowding)
                continue
            refusal = answer_of(error)
        else:
            balance = Balance.read(wanted.account, wanted.unit, answer["Attributes"])
            if flush.is_due(balance.sequence, balance.sequence - balance.flushed):
                flush.flush_tail(table, balance)
            return _newest(balance)

        lost = lost or was_resent(refusal)
        if "Item" not in refusal:
            open_balance(table, wanted.owner, wanted.account, wanted.unit)
            continue
        balance = Balance.read(wanted.account, wanted.unit, refusal["Item"])
        if found := balance.find(key):
            return replace(found, replayed=shared and not lost)
        if len(balance.tail) >= 2 * flush.CAP:
            flush.flush_tail(table, balance)
            table.pause(crowding)
            continue
        if (balance.watermark_ms >= key_time_ms(key)) if seen is None else (balance.flushed > seen):
            if not shared and not lost:
                # Nobody else knows this key and it was not used: a newer one serves as well, and needs no search.
                key = table.mint(after_ms=balance.watermark_ms)
                continue
            try:
                found = find_recent(table, wanted.account, wanted.unit, key, after=paged)
            except Busy:
                continue
            if found:
                return replace(found, replayed=shared and not lost)
            seen, paged = balance.sequence, balance.flushed
            continue
        if declined := judge(wanted, balance):
            raise declined
        floor = balance.floor
    raise OutcomeUnknown if lost else Busy


def _newest(balance: Balance) -> Posted:
    """Read the entry just appended off the balance's end."""
    *_, newest = balance.entries()
    return newest


def open_balance(table: Table, owner: int, account: int, unit: str) -> None:
    """Create a unit's balance at zero and note the unit on the profile, both or neither; fine if it exists already.

    Raises AccountNotFound, AccountClosed or Busy. Closing flips the profile first, so no balance slips past it.
    """
    state = State.OPEN
    for crowding in table.tries():
        try:
            table.client.transact_write_items(
                TransactItems=[
                    {
                        "Update": {
                            "TableName": table.name,
                            "Key": profile_key(owner, account),
                            "UpdateExpression": "ADD u :unit",
                            "ConditionExpression": "x = :state",
                            "ExpressionAttributeValues": {":unit": {"SS": [unit]}, ":state": {"N": str(int(state))}},
                            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                        }
                    },
                    {
                        "Put": {
                            "TableName": table.name,
                            "Item": Balance(account, unit, state=state).item(),
                            "ConditionExpression": "attribute_not_exists(pk)",
                        }
                    },
                ]
            )
            return
        except FAILED as error:
            if failure(error) is Failure.CONDITION:
                profile, balance = answer_of(error)["CancellationReasons"]
                if profile["Code"] == "ConditionalCheckFailed":
                    if "Item" not in profile:
                        raise AccountNotFound from error
                    state = State(int(profile["Item"]["x"]["N"]))
                    if state is State.CLOSED:
                        raise AccountClosed from error
                    continue
                if balance["Code"] == "ConditionalCheckFailed":
                    return
            table.pause(crowding)
    raise Busy
