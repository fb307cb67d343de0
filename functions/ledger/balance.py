"""One balance: a conditional counter that carries the tail of its own history, and the one way to change it.

A change is one UpdateItem (change.py): it adds to the counter and appends an entry, if the entry's key is not there
already. The entries at the front of the tail move into pages (pages.py) a run at a time. Design: README.md, A change.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from ledger import accounts, claims, flush, metrics, notes
from ledger.change import Change, appending, judge, touching
from ledger.claims import CallerKey
from ledger.counter import Balance, State, balance_key, hold_expires_ms, holds_apart, read, read_hold
from ledger.entry import Posted, key_time_ms
from ledger.errors import AccountClosed, Busy, InsufficientCredit, KeyReused, OutcomeUnknown, unless_lost
from ledger.kinds import HOLDING, Kind
from ledger.metrics import Metric
from ledger.opening import open_balance
from ledger.pages import find_old, find_recent
from ledger.table import FAILED, Failure, Item, Table, answer_of, failure, was_resent
from ledger.update import Update, number

_MOST_GIVEN_BACK = 8  # in one go

Revision = Callable[[Change, Balance, int | None], Change]
"""Says what to ask for instead of a change, after a look at its balance and, if it lies apart, at what is left of its
hold; or raises what stands against it. It is asked only when the change has not happened yet under its key."""


def change(table: Table, wanted: Change, caller_key: CallerKey | None = None, revise: Revision | None = None) -> Posted:
    """Apply one change to one balance, once, and return its entry with the balance right after it.

    Atomic: the change, its entry and its sequence number are one update. With a caller's key it happens once however
    often it is asked for, and `replayed` tells a repeated answer. Raises AccountNotFound, AccountClosed,
    AccountSuspended, InsufficientCredit, KeyReused, Busy (nothing changed), OutcomeUnknown, or what `revise` raises.
    """
    if caller_key is None:
        posted = _apply(table, wanted, _Known(table.mint(), shared=False), revise)
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
            return _apply(table, wanted, _Known(key, shared=True), revise)
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


@dataclass(slots=True)
class _Known:
    """What the tries of one change have learned: under which key, and where that key cannot be.

    The key is in none of the entries 1 to `searched`, of which those up to `paged` lay in pages by then: these need no
    second search. `lost`: a try may have acted unseen. `shared`: other requests may be using the key, too. `note_under`
    is the key under which the note was written.
    """

    key: bytes
    shared: bool
    searched: int | None = None
    paged: int = 0
    floor: int = 0
    lost: bool = False
    note_under: bytes = b""

    def unless_used(self, update: Update) -> Update:
        """Have an update refused if the key was applied already, or may have been."""
        not_in_tail = "NOT contains(t, :key)"
        if self.searched is None:
            # Nothing as new as this key has left the tail, so neither has the key.
            not_in_pages, bound = "w < :minted", {":minted": number(key_time_ms(self.key))}
        else:
            # The pages were searched up to there, and the tail still covers all that came after.
            not_in_pages, bound = "f <= :seen", {":seen": number(self.searched)}
        return update.also(clauses=[not_in_pages, not_in_tail], values={":key": {"B": self.key}, **bound})

    def may_lie_in_pages(self, balance: Balance) -> bool:
        """Say whether this balance has trimmed entries among which the key was not looked for yet."""
        if self.searched is None:
            return balance.watermark_ms >= key_time_ms(self.key)
        return balance.flushed > self.searched

    def is_ours_alone(self) -> bool:
        """Say whether nobody else knows the key and no try of ours may have used it: a newer one serves as well."""
        return not self.shared and not self.lost


@dataclass(frozen=True, slots=True)
class _Refused:
    """What a try met that made no entry: the balance's item (None: there is none), and what is left of a hold apart."""

    item: Item | None
    left: int | None = None


def _apply(table: Table, wanted: Change, known: _Known, revise: Revision | None) -> Posted:
    """Append the change under the key that is known unless it is there already.

    What a refused try met is judged in one order, from the item as it was at that instant: no balance yet, the key in
    the tail, a full tail, a key that may lie in pages, and only then what stands against the change itself. Busy, here
    and below, is nothing learned: pause and try again.
    """
    for crowding in table.tries():
        try:
            tried = _try(table, wanted, known, crowding)
            if isinstance(tried, Posted):
                return tried
            if tried.item is None:
                open_balance(table, wanted.owner, wanted.account, wanted.unit)
                continue
            balance = Balance.read(wanted.account, wanted.unit, tried.item)
            found = balance.find(known.key)
            if not found and balance.is_full(flush.CAP):
                flush.flush_tail(table, balance)
                raise Busy
            if not found and known.may_lie_in_pages(balance):
                found = _search(table, wanted, known, balance)
                if not found:
                    continue
            if found:
                return replace(found, replayed=known.shared and not known.lost)
            with unless_lost(known.lost):
                refuse(table, wanted, balance)
                if revise:
                    wanted = revise(wanted, balance, tried.left)
            known.floor = balance.floor
        except Busy:
            table.pause(crowding)
    raise OutcomeUnknown if known.lost else Busy


def _try(table: Table, wanted: Change, known: _Known, crowding: int) -> Posted | _Refused:
    """Send the one update: give the entry it made, or what it met instead.

    Raises Busy if there is nothing to judge by, and notes in `known` if the update may have been made all the same.
    """
    if wanted.note and known.note_under != known.key:
        if not notes.write(table, known.key, wanted.note):
            raise Busy
        known.note_under = known.key
    now_ms = table.now_ms()
    if _is_hopeless(wanted, now_ms):
        return _look(table, wanted)
    update, beside = _writes(table, wanted, known.key, known.floor, now_ms)
    try:
        return _send(table, wanted, known.key, known.unless_used(update), beside)
    except FAILED as error:
        why, answer = failure(error), answer_of(error)
        known.lost = known.lost or why is Failure.UNKNOWN or was_resent(answer)
        if why is not Failure.CONDITION:
            raise Busy from error
    except Busy:
        known.lost = True
        raise
    if beside:  # refused perhaps by no more than a transaction that was passing
        table.pause(crowding)
        return _look(table, wanted)
    return _Refused(answer.get("Item"))


def _writes(table: Table, wanted: Change, key: bytes, floor: int, now_ms: int) -> tuple[Update, list[Item]]:
    """Build the balance's update and what goes beside it: the write of a hold that lies apart."""
    update = appending(table, wanted, key, floor, now_ms=now_ms)
    return touching(wanted, key, now_ms, update) if wanted.kind in HOLDING else (update, [])


def _search(table: Table, wanted: Change, known: _Known, balance: Balance) -> Posted | None:
    """Look for the key in the pages and learn where it is not, or take a newer key that is in none. Raises Busy."""
    if known.is_ours_alone():
        known.key = table.mint(after_ms=balance.watermark_ms)
        return None
    metrics.count(Metric.SLOW_PATH, wanted.unit)
    found = find_recent(table, wanted.account, wanted.unit, known.key, after=known.paged)
    if not found:
        known.searched, known.paged = balance.sequence, balance.flushed
    return found


def _is_hopeless(wanted: Change, now_ms: int) -> bool:
    """Say whether an update need not be tried: the size is not known before a look at the hold, or its time is over."""
    return wanted.unsized or (wanted.kind is Kind.CAPTURE and hold_expires_ms(wanted.reference) <= now_ms)


def _send(table: Table, wanted: Change, key: bytes, update: Update, beside: list[Item]) -> Posted:
    """Carry out the update and what goes beside it, and return the entry it made; flush if that was designated to.

    Raises Busy when it is done, but the answer, which a transaction does not bring along, cannot be read.
    """
    request = update.request()
    if beside:
        writes: list[Any] = [{"Update": request}, *beside]
        table.client.transact_write_items(TransactItems=writes)
        balance = read(table, wanted.account, wanted.unit)
        posted = entry_of(table, balance, key)
    else:
        answer = table.client.update_item(**request, ReturnValues="ALL_NEW")
        balance = Balance.read(wanted.account, wanted.unit, answer["Attributes"])
        posted = balance.newest()
    flush.flush_if_due(table, balance, posted.sequence)
    return posted


def entry_of(table: Table, balance: Balance, key: bytes) -> Posted:
    """Give the entry that was made under this key; a balance read after that must lead to it."""
    posted = balance.find(key) or find_old(table, balance.account, balance.unit, key, balance.flushed)
    if posted is None:
        raise RuntimeError("a change was made, but it is not in the history")
    return posted


def _look(table: Table, wanted: Change) -> _Refused:
    """Read what is left of a hold that lies apart, then the balance.

    In this order, as the balance tells whether the change has happened, and a hold only shrinks and goes for good: if
    it could not bear the change before, it could not at the instant at which the balance knew of no such change.
    """
    aims_apart = wanted.apart and wanted.kind is not Kind.RESERVE
    left = read_hold(table, wanted.account, wanted.unit, wanted.reference) if aims_apart else None
    return _Refused(table.get(balance_key(wanted.account, wanted.unit)), left)


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
    still runs short comes back. Raises Busy.
    """
    now_ms = table.now_ms()
    inline = sorted(balance.holds.items())  # as they expire: DynamoDB returns a map in any order
    expired = [(hold, left, False) for hold, left in inline if left and hold_expires_ms(hold) <= now_ms]
    if balance.held_apart:
        apart = holds_apart(table, balance.account, balance.unit, until_ms=now_ms)
        expired += islice(((hold, left, True) for hold, left in apart if left), _MOST_GIVEN_BACK)
    for hold, left, lies_apart in expired:
        release = replace(
            wanted,
            kind=Kind.RELEASE,
            amount=left,
            held=-left,
            reference=hold,
            note="",
            apart=lies_apart,
            ends=True,
            unsized=False,
        )
        key = table.mint()
        update, beside = _writes(table, release, key, 0, now_ms)
        try:
            _send(table, release, key, update, beside)
        except FAILED as error:
            if failure(error) is not Failure.CONDITION:
                break
    return bool(expired)
