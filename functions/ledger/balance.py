"""One balance: a conditional counter that carries the tail of its own history, and the one way to change it.

A change is one UpdateItem (change.py): it adds to the counter and appends an entry, if the entry's key is not there
already. The entries at the front of the tail move into pages (pages.py) a run at a time. Design: ledger.md 1 to 5, 7.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

from ledger import accounts, claims, flush, metrics, notes
from ledger.change import Change, appending, judge, touching
from ledger.claims import CallerKey
from ledger.counter import (
    Balance,
    State,
    balance_key,
    hold_expires_ms,
    holds_apart,
    read,
    read_hold,
)
from ledger.entry import Posted, key_time_ms
from ledger.errors import (
    AccountClosed,
    AccountNotFound,
    Busy,
    InsufficientCredit,
    KeyReused,
    OutcomeUnknown,
    unless_lost,
)
from ledger.kinds import HOLDING, Kind
from ledger.metrics import Metric
from ledger.pages import find_old, find_recent
from ledger.table import FAILED, Failure, Item, Table, answer_of, failure, profile_key, was_resent

_MOST_GIVEN_BACK = 8  # in one go

Revision = Callable[[Change, Balance, int | None], Change]
"""Says what to ask for instead of a change, after a look at its balance and, if it lies apart, at what is left of its
hold; or raises what stands against it. It is asked only when the change has not happened yet under its key."""


def change(table: Table, wanted: Change, caller_key: CallerKey | None = None, revise: Revision | None = None) -> Posted:
    """Apply one change to one balance, once, and return its entry with the balance right after it.

    Atomic: the change, its entry and its sequence number are one update. With a caller's key it happens once however
    often it is asked for, and `replayed` tells a repeated answer. Raises AccountNotFound, AccountClosed,
    AccountSuspended, InsufficientCredit, KeyReused, Busy (nothing changed), OutcomeUnknown, or what `revise` raises.
    Design: ledger.md 3, 5.
    """
    if caller_key is None:
        posted = _apply(table, wanted, table.mint(), revise, shared=False)
    else:
        posted = _change_once(table, wanted, caller_key, revise)
    metrics.count_entry(wanted.unit, posted)
    return posted


def _change_once(table: Table, wanted: Change, caller_key: CallerKey, revise: Revision | None) -> Posted:
    """Apply a change under what the caller's key stands for, or find what was applied under it before."""
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
            return _apply(table, wanted, key, revise, shared=True)
        # Older than any function that could still be applying it: what is not there now never will be.
        metrics.count(Metric.SLOW_PATH, wanted.unit)
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


def _apply(table: Table, wanted: Change, key: bytes, revise: Revision | None, *, shared: bool) -> Posted:
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
        now_ms = table.now_ms()
        update, clauses = appending(table, wanted, key, floor, now_ms)
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
        beside = touching(table, wanted, key, now_ms, update, clauses) if wanted.kind in HOLDING else []
        update["ConditionExpression"] = " AND ".join([not_in_pages, not_in_tail, *clauses])
        refusal: Item = {}
        if not _is_hopeless(wanted, now_ms):
            try:
                return _commit(table, wanted, key, update, beside)
            except FAILED as error:
                refusal = answer_of(error)
                why = failure(error)
                lost = lost or why is Failure.UNKNOWN or was_resent(refusal)
                if why is not Failure.CONDITION:
                    table.pause(crowding)
                    continue
            except Busy:
                lost = True
                table.pause(crowding)
                continue

        left, stood = None, refusal.get("Item")
        if beside or not refusal:
            if refusal:  # perhaps by no more than a transaction that was passing
                table.pause(crowding)
            try:
                left, stood = _look(table, wanted)
            except Busy:
                table.pause(crowding)
                continue
        if stood is None:
            with suppress(Busy):
                open_balance(table, wanted.owner, wanted.account, wanted.unit)
            continue
        balance = Balance.read(wanted.account, wanted.unit, stood)
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
            metrics.count(Metric.SLOW_PATH, wanted.unit)
            try:
                found = find_recent(table, wanted.account, wanted.unit, key, after=paged)
            except Busy:
                continue
            if found:
                return replace(found, replayed=shared and not lost)
            seen, paged = balance.sequence, balance.flushed
            continue
        try:
            with unless_lost(lost):
                refuse(table, wanted, balance)
                if revise:
                    wanted = revise(wanted, balance, left)
        except Busy:
            table.pause(crowding)
            continue
        floor = balance.floor
    raise OutcomeUnknown if lost else Busy


def _is_hopeless(wanted: Change, now_ms: int) -> bool:
    """Say whether a change of a hold need not be tried: its size is not known yet, or the hold is past its time."""
    if wanted.kind not in (Kind.CAPTURE, Kind.RELEASE):
        return False
    return not wanted.held or (wanted.kind is Kind.CAPTURE and hold_expires_ms(wanted.reference) <= now_ms)


def _commit(table: Table, wanted: Change, key: bytes, update: Item, beside: list[Any]) -> Posted:
    """Carry out the update and what goes beside it, and return the entry it made; flush if that was designated to.

    Raises Busy when it is done, but the answer, which a transaction does not bring along, cannot be read.
    """
    if beside:
        writes: list[Any] = [{"Update": update}, *beside]
        table.client.transact_write_items(TransactItems=writes)
        balance = read(table, wanted.account, wanted.unit)
        posted = entry_of(table, balance, key)
    else:
        answer = table.client.update_item(**update, ReturnValues="ALL_NEW")
        balance = Balance.read(wanted.account, wanted.unit, answer["Attributes"])
        posted = balance.newest()
    if flush.is_due(posted.sequence, balance.sequence - balance.flushed):
        flush.flush_tail(table, balance)
    return posted


def entry_of(table: Table, balance: Balance, key: bytes) -> Posted:
    """Give the entry that was made under this key; a balance read after that must lead to it."""
    posted = balance.find(key) or find_old(table, balance.account, balance.unit, key, balance.flushed)
    if posted is None:
        raise RuntimeError("a change was made, but it is not in the history")
    return posted


def _look(table: Table, wanted: Change) -> tuple[int | None, Item | None]:
    """Read what is left of a hold that lies apart, then the balance.

    In this order, as the balance tells whether the change has happened, and a hold only shrinks and goes for good: if
    it could not bear the change before, it could not at the instant at which the balance knew of no such change.
    """
    aims_apart = wanted.apart and wanted.kind is not Kind.RESERVE
    left = read_hold(table, wanted.account, wanted.unit, wanted.reference) if aims_apart else None
    return left, table.get(balance_key(wanted.account, wanted.unit))


def refuse(table: Table, wanted: Change, balance: Balance) -> None:
    """Raise why this balance, as it was, could not take the change, unless expired holds could give it more credit."""
    declined = judge(wanted, balance)
    if isinstance(declined, InsufficientCredit) and give_back(table, wanted, balance):
        return
    if declined:
        raise declined


def give_back(table: Table, wanted: Change, balance: Balance) -> bool:
    """Return to a balance what its expired holds still hold, on behalf of the change that found them. Were there any?

    Each is a release of its own under a fresh key, and happens once because the hold goes with it. One try will do: who
    still runs short comes back. Raises Busy. Design: ledger.md 7.
    """
    now_ms = table.now_ms()
    inline = sorted(balance.holds.items())  # as they expire: DynamoDB returns a map in any order
    expired = [(hold, left, False) for hold, left in inline if left and hold_expires_ms(hold) <= now_ms]
    if balance.held_apart:
        apart = holds_apart(table, balance.account, balance.unit, until_ms=now_ms)
        expired += islice(((hold, left, True) for hold, left in apart if left), _MOST_GIVEN_BACK)
    for hold, left, lies_apart in expired:
        release = replace(
            wanted, kind=Kind.RELEASE, amount=left, held=-left, reference=hold, note="", apart=lies_apart, ends=True
        )
        key = table.mint()
        update, clauses = appending(table, release, key, now_ms=now_ms)
        beside = touching(table, release, key, now_ms, update, clauses)
        update["ConditionExpression"] = " AND ".join(clauses)
        try:
            _commit(table, release, key, update, beside)
        except FAILED as error:
            if failure(error) is not Failure.CONDITION:
                break
    return bool(expired)


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
                        if table.get(balance_key(account, unit)) is None:
                            raise AccountClosed from error
                        return  # it was opened, and perhaps changed, before the account was closed
                    continue
                if balance["Code"] == "ConditionalCheckFailed":
                    return
            table.pause(crowding)
    raise Busy
