"""A change of one balance: what is asked for, the update that does it if it may be done, and what stands against it.

Nothing here calls the database: balance.py does, for one balance, and transfer.py, for several at once. A change of a
hold (holds.py) has one more clause and write in the balance's update or, if the hold lies apart, a write beside it.
Design: README.md, Expressions.
"""

from dataclasses import dataclass

from ledger import flush
from ledger.counter import Balance, State, balance_key, hold_key, name_hold
from ledger.entry import BALANCE_LIMIT, Entry, pack
from ledger.errors import AccountClosed, AccountSuspended, BalanceTooLarge, Declined, InsufficientCredit
from ledger.kinds import SPENDS, Kind
from ledger.table import Item, Table
from ledger.update import Update, number

_HALF = BALANCE_LIMIT // 2
_ALWAYS_WITHIN = SPENDS | {Kind.CAPTURE, Kind.RELEASE}
"""Kinds that cannot pass the limit: they have a floor, or move what was counted when it was put on hold."""

MOST_INLINE = 6
"""Holds in a balance item, at the most. More would make every change of it cost a second write unit."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to happen to one balance, in the unit's smallest part.

    `amount` is what to add (negative takes away) or, for `Kind.SET`, what to have. `owner` is the account whose
    profile listing holds `account`; `actor` is the account that asks. `note` is text of at most notes.LONGEST_BYTES.
    `held` is what to add to the credit on hold. Of one hold: for how long it is opened, whether it lies `apart` from
    the balance, in an item of its own, whether it `ends` with this, and whether it is `unsized`: until the hold
    was looked at, amount and held mean nothing.
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
    unsized: bool = False

    def entry(self, time_ms: int, *, claimed: bool) -> Entry:
        """Write down this change as of now."""
        return Entry(
            self.kind, self.amount, time_ms, self.actor, self.reference, self.held, bool(self.note), claimed=claimed
        )


def appending(
    table: Table, wanted: Change, key: bytes, floor: int = 0, *, now_ms: int | None = None, claimed: bool = False
) -> Update:
    """Build the update that applies a change, with the clauses it always needs; the caller adds its own.

    Put together here only, for one balance and for several. `claimed`: in one commit with a claim on its key.
    """
    entry = wanted.entry(table.now_ms() if now_ms is None else now_ms, claimed=claimed)
    has_room = "size(t) < :cap"
    state_allows = "x <= :state"
    update = Update(
        table,
        balance_key(wanted.account, wanted.unit),
        sets=[
            "a = :amount" if wanted.kind is Kind.SET else "a = a + :amount",
            "s = s + :one",
            "t = list_append(t, :posted)",
        ],
        clauses=[state_allows, has_room],
        values={
            ":amount": number(wanted.amount),
            ":one": number(1),
            ":posted": {"L": [{"B": key}, {"B": pack(entry)}]},
            ":cap": number(2 * flush.CAP),
            ":state": number(State.OPEN if wanted.kind in SPENDS else State.SUSPENDED),
        },
    )
    if wanted.held:
        update = update.also(sets=["h = h + :held"], values={":held": number(wanted.held)})
    if wanted.kind in SPENDS:
        has_credit = "a >= :need"
        update = update.also(clauses=[has_credit], values={":need": number(floor - wanted.amount)})
        if floor:
            # A floor below zero was learned from an earlier refusal; it must still be that one.
            floor_is_as_seen = "m = :floor"
            update = update.also(clauses=[floor_is_as_seen], values={":floor": number(floor)})
    return _bounded(wanted, update)


def _bounded(wanted: Change, update: Update) -> Update:
    """Have a change refused that would take the balance past BALANCE_LIMIT, up or down.

    A condition cannot add. So while credit is on hold, which comes back without being asked, what is available has one
    half of the limit and what is held the other.
    """
    if wanted.kind in _ALWAYS_WITHIN:
        return update
    if wanted.kind is Kind.SET:
        has_headroom, bounds = "h <= :most_held", {":most_held": BALANCE_LIMIT - wanted.amount}
    elif wanted.amount < 0:
        has_headroom, bounds = "a >= :lowest", {":lowest": -BALANCE_LIMIT - wanted.amount}
    else:
        has_headroom = "(h = :none AND a <= :highest OR h <= :half AND a <= :half_way)"
        highest, half_way = BALANCE_LIMIT - wanted.amount, _HALF - wanted.amount
        bounds = {":none": 0, ":highest": highest, ":half": _HALF, ":half_way": half_way}
    return update.also(clauses=[has_headroom], values={name: number(bound) for name, bound in bounds.items()})


def _passes_the_limit(wanted: Change, balance: Balance) -> bool:
    """Say of a balance, as it was, what the clauses of `_bounded` say."""
    after = balance.available + wanted.amount
    if wanted.kind in _ALWAYS_WITHIN:
        return False
    if wanted.kind is Kind.SET:
        return balance.held > BALANCE_LIMIT - wanted.amount
    if wanted.amount < 0:
        return after < -BALANCE_LIMIT
    return after > (_HALF if balance.held else BALANCE_LIMIT) or balance.held > _HALF


def judge(wanted: Change, balance: Balance) -> Declined | None:
    """Say why this balance, as it was, could not take the change; None if nothing lasting stands against it."""
    if balance.state == State.CLOSED:
        return AccountClosed()
    if wanted.kind in SPENDS:
        if balance.state == State.SUSPENDED:
            return AccountSuspended()
        if balance.available + wanted.amount < balance.floor:
            return InsufficientCredit(max(balance.available - balance.floor, 0))
    return BalanceTooLarge() if _passes_the_limit(wanted, balance) else None


def touching(wanted: Change, key: bytes, now_ms: int, update: Update) -> tuple[Update, list[Item]]:
    """Have the balance's update do to the hold what is wanted or, if that lies apart, give the write that does it."""
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
    amounts = {":held": wanted.held, ":left": -wanted.held, ":room": MOST_INLINE}
    own = Update(
        update.table,
        hold_key(wanted.account, wanted.unit, hold),
        sets=[f"{at} = {to}"] if to else [],
        removes=[] if to or wanted.apart else [at],  # apart, the whole item goes
        clauses=[condition] if condition else [],
        values={name: number(amount) for name, amount in amounts.items() if name in to + condition},
    )
    if not wanted.apart:
        in_balance = update.also(
            sets=own.sets, removes=own.removes, clauses=own.clauses, values=own.values, names={"#hold": hold}
        )
        return in_balance, []
    return update, [{"Delete" if wanted.ends else "Update": own.request()}]
