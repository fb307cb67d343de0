"""Changes of several balances at once, all or none: transfers, packages, quotas with a profile.

One claimed commit (commit.py) with an append on each balance. A retry that meets the claim reads its answer from the
histories. Design: README.md, Commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger import flush, metrics
from ledger.accounts import Account
from ledger.balance import entry_of, refuse
from ledger.change import Change, appending
from ledger.claims import CallerKey
from ledger.commit import Plan, Write, commit
from ledger.counter import Balance, read_all
from ledger.entry import Posted
from ledger.errors import TransferRefused
from ledger.kinds import SPENDS, Kind
from ledger.notes import note_item
from ledger.opening import open_balance
from ledger.table import Item, Table, made


@dataclass(frozen=True, slots=True)
class Changed:
    """What was applied, by this request or, if `replayed`, by an earlier one under the same key."""

    entries: list[Posted]
    replayed: bool


class Floors:
    """How far down each balance may be taken, as the tries of one commit have learned from its refusals."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._seen: dict[tuple[int, str], int] = {}

    def side(self, change: Change, key: bytes) -> Write:
        """Write a change as one side of a commit, refused with what stands against it."""

        def refused(item: Item | None) -> bool:
            self._seen[place] = unblock(self._table, change, item)
            return False

        place = change.account, change.unit
        update = appending(self._table, change, key, self._seen.get(place, 0), claimed=True)
        return Write({"Update": update.request()}, refused)


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
    if len(texts := {change.note for change in wanted if change.note}) > 1:
        raise ValueError("changes made together share one key, so they share one note")
    floors = Floors(table)
    payers_first = sorted(wanted, key=lambda change: change.kind not in SPENDS)

    def plan(key: bytes) -> Plan:
        sides = [floors.side(change, key) for change in payers_first]
        notes = [Write({"Put": note_item(table, key, text)}) for text in texts]
        return Plan([*also, *sides, *notes], [(change.account, change.unit) for change in wanted])

    committed = commit(table, operator, plan, caller_key)
    return _changed(table, wanted, committed.key, replayed=committed.replayed)


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


def unblock(table: Table, change: Change, item: Item | None) -> int:
    """Clear what kept a change from this balance and return the floor it must respect, or raise why it cannot be."""
    if item is None:
        open_balance(table, change.owner, change.account, change.unit)
        return 0
    balance = Balance.read(change.account, change.unit, item)
    if balance.is_full(flush.CAP):
        flush.flush_tail(table, balance)
    else:
        refuse(table, change, balance)
    return balance.floor


def _changed(table: Table, wanted: Sequence[Change], key: bytes, *, replayed: bool) -> Changed:
    """Read back the entries that were applied under this key; flush where one of them fell on the designated number."""
    with made():
        balances = read_all(table, [(change.account, change.unit) for change in wanted])
        applied = [entry_of(table, balance, key) for balance in balances]
    for balance, posted in zip(balances, applied, strict=True):
        flush.flush_if_due(table, balance, posted.sequence)
    entries = [replace(posted, replayed=replayed) for posted in applied]
    for balance, posted in zip(balances, entries, strict=True):
        metrics.count_entry(balance.unit, posted)
    return Changed(entries, replayed)
