"""Changes of several balances at once, all or none: transfers, packages, quotas with a profile. Design: ledger.md 6.

One transaction holds the claim and an append on each balance. The claim is the once: it exists if and only if the
changes happened, so a retry that meets it reads its answer from the histories.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ledger import flush, metrics
from ledger.accounts import Account
from ledger.balance import entry_of, open_balance, refuse
from ledger.change import Change, appending
from ledger.claims import CallerKey, claim_item, is_refused, is_undecided, standing
from ledger.counter import Balance, read_all
from ledger.entry import Posted
from ledger.errors import Busy, Declined, OutcomeUnknown, TransferRefused, unless_lost
from ledger.kinds import SPENDS, Kind
from ledger.notes import note_item
from ledger.table import FAILED, Failure, Item, Table, answer_of, failure, made, was_resent


@dataclass(frozen=True, slots=True)
class Write:
    """One more write that the changes depend on, and what it means if its condition was false for the item it met.

    `refused` may return None to have it all tried again.
    """

    item: Item
    refused: Callable[[Item | None], Declined | None]


@dataclass(frozen=True, slots=True)
class Changed:
    """What was applied, by this request or, if `replayed`, by an earlier one under the same key."""

    entries: list[Posted]
    replayed: bool


def change_all(
    table: Table,
    operator: int,
    wanted: Sequence[Change],
    caller_key: CallerKey | None = None,
    also: Sequence[Write] = (),
) -> Changed:
    """Apply every change and every other write, or none, once; return the entries in the order asked.

    Each entry carries the balance right after it. All share one key. Raises what `balance.change` raises, judged in
    the order: the claim, the other writes, those who pay, the rest; and what `also` makes of its refusals.
    """
    key = table.mint()
    # Without a caller's key a key of our own is claimed: it tells our lost success from nobody's.
    caller_key = caller_key or CallerKey(operator, key.hex(), ("once",))
    floors = dict.fromkeys(wanted, 0)
    if len(texts := {change.note for change in wanted if change.note}) > 1:
        raise ValueError("changes made together share one key, so they share one note")
    lost = False
    for crowding in table.tries():
        changes = [_update(table, change, key, floors[change]) for change in wanted]
        writes: list[Any] = [{"Put": claim_item(table, caller_key, key)}, *(write.item for write in also), *changes]
        writes += [{"Put": note_item(table, key, note)} for note in texts]
        try:
            table.client.transact_write_items(TransactItems=writes)
        except FAILED as error:
            why, answer = failure(error), answer_of(error)
            lost = lost or why is Failure.UNKNOWN or was_resent(answer)
            if why is not Failure.CONDITION:
                table.pause(crowding)
                continue
            claim, *reasons = answer["CancellationReasons"]
            if is_refused(claim):
                stands = standing(caller_key, claim["Item"])
                return _changed(table, wanted, stands, replayed=stands != key)
            if not is_undecided(claim):
                # What could not be looked into is looked into again: Busy would promise what a lost copy may break.
                with suppress(Busy), unless_lost(lost):
                    for write, reason in zip(also, reasons, strict=False):
                        if is_refused(reason) and (declined := write.refused(reason.get("Item"))):
                            raise declined from error
                    sides = zip(wanted, reasons[len(also) :], strict=False)
                    for change, reason in sorted(sides, key=lambda side: side[0].kind not in SPENDS):
                        if is_refused(reason):
                            floors[change] = unblock(table, change, reason.get("Item"))
            table.pause(crowding)
        else:
            return _changed(table, wanted, key, replayed=False)
    raise OutcomeUnknown if lost else Busy


def transfer(
    table: Table,
    operator: int,
    payer: Account,
    payee: Account,
    unit: str,
    amount: int,
    caller_key: CallerKey | None = None,
    note: str = "",
) -> tuple[Posted, Posted]:
    """Move credit, in the unit's smallest part, from one account to another, both sides or neither.

    That the operator may move it is the dialect's to check, as it finds both accounts: by what a key shows, or by who
    owns them. Each entry names the other account as its reference. Returns the payer's side and the payee's. Raises
    TransferRefused and what `change_all` raises.
    """
    if payer.id == payee.id or amount <= 0:
        raise TransferRefused
    out = Change(payer.owner, payer.id, unit, Kind.TRANSFER_OUT, -amount, operator, str(payee.id), note=note)
    into = Change(payee.owner, payee.id, unit, Kind.TRANSFER_IN, amount, operator, str(payer.id), note=note)
    paid, received = change_all(table, operator, [out, into], caller_key).entries
    return paid, received


def _update(table: Table, change: Change, key: bytes, floor: int) -> Item:
    update, clauses = appending(table, change, key, floor)
    return {"Update": {**update, "ConditionExpression": " AND ".join(clauses)}}


def unblock(table: Table, change: Change, item: Item | None) -> int:
    """Clear what kept a change from this balance and return the floor it must respect, or raise why it cannot be."""
    if item is None:
        open_balance(table, change.owner, change.account, change.unit)
        return 0
    balance = Balance.read(change.account, change.unit, item)
    if len(balance.tail) >= 2 * flush.CAP:
        flush.flush_tail(table, balance)
    else:
        refuse(table, change, balance)
    return balance.floor


def _changed(table: Table, wanted: Sequence[Change], key: bytes, *, replayed: bool) -> Changed:
    """Read back the entries that were applied under this key; flush where one of them fell on the designated number."""
    if not wanted:
        return Changed([], replayed)
    with made():
        balances = read_all(table, [(change.account, change.unit) for change in wanted])
        applied = [entry_of(table, balance, key) for balance in balances]
    for balance, posted in zip(balances, applied, strict=True):
        if flush.is_due(posted.sequence, balance.sequence - balance.flushed):
            flush.flush_tail(table, balance)
    entries = [replace(posted, replayed=replayed) for posted in applied]
    for balance, posted in zip(balances, entries, strict=True):
        metrics.count_entry(balance.unit, posted)
    return Changed(entries, replayed)
