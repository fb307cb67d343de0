"""Customers: a profile and its unique names, revised together with its balances, all or nothing. Design: ledger.md 6.

Every revision is one transaction, judged against the profile's version: two that race are made one after the other,
the second on top of what the first left, so neither is lost.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ledger import accounts, flush, packages
from ledger.accounts import NOT_OWING, Account, Name, into_state, look_up, release, revise_profile, unique_names
from ledger.balance import Change, appending, give_back
from ledger.claims import CallerKey
from ledger.counter import Balance, State, read_all
from ledger.entry import Kind, key_time_ms
from ledger.errors import AccountClosed, AccountNotFound, Busy, Declined, NameTaken, NotSettled, OutcomeUnknown
from ledger.history import at
from ledger.packages import Package, PackageNotFound
from ledger.table import Item, Table, claim_key
from ledger.transfer import Write, change_all, unblock

_BALANCES_A_CALL = 100
"""What BatchGetItem takes."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What a customer is to have; what is not mentioned stays as it is.

    An empty property is taken off the profile. `balances` are absolute, in each unit's smallest part, and not negative.
    """

    properties: Mapping[str, str | int] = field(default_factory=dict)
    balances: Mapping[str, int] = field(default_factory=dict)
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change left in the balances it changed.

    `replayed_ms` is when it was made if an earlier request under the same key made it, and None if this one did.
    """

    after: Mapping[str, int]
    replayed_ms: int | None = None

    @property
    def replayed(self) -> bool:
        """Whether it was made before, and is only answered again."""
        return self.replayed_ms is not None


class _Revised(Exception):
    """The profile is not as it was read any more."""


def create(
    table: Table, owner: int, wanted: Revision, *, actor: int, caller_key: CallerKey | None = None
) -> tuple[Account, Outcome]:
    """Open a customer with its unique names and opening balances, all or nothing, once; return it as it is now.

    Raises NameTaken, KeyReused, Busy or OutcomeUnknown.
    """
    properties = {what: value for what, value in wanted.properties.items() if value != ""}
    opened = accounts.open_account(
        table,
        owner,
        actor=actor,
        state=State.OPEN if wanted.state is None else wanted.state,
        names=unique_names(owner, properties),
        properties=properties,
        balances=wanted.balances,
        caller_key=caller_key,
    )
    with _made():
        now = accounts.get(table, owner, opened.id)
        return now, _outcome(table, wanted.balances, caller_key, replayed=opened.replayed)


def revise(
    table: Table, owner: int, account: int, wanted: Revision, *, actor: int, caller_key: CallerKey | None = None
) -> tuple[Account, Outcome]:
    """Change a customer's profile, unique names, state and balances, all or nothing, once; return it as it is now.

    A balance is set by an entry (ledger.md 3). Closing is for good, needs balances that owe and hold nothing, and
    leaves the names to others. Raises AccountNotFound, AccountClosed, NameTaken, NotSettled, KeyReused, Busy or
    OutcomeUnknown.
    """
    for crowding in table.tries():
        found = accounts.get(table, owner, account)
        properties = {what: value for what, value in {**found.properties, **wanted.properties}.items() if value != ""}
        state = None if wanted.state is found.state else wanted.state
        sets = [Change(owner, account, unit, Kind.SET, amount, actor) for unit, amount in wanted.balances.items()]
        key = table.mint()
        writes = [
            Write(revise_profile(table, found, properties, state), _why_not_revised),
            *_renaming(table, found, {} if state is State.CLOSED else properties),
            *(_setting(table, change, key, state) for change in sets),
        ]
        if state is not None:
            others = sorted(found.units - wanted.balances.keys())
            writes += [_entering(table, Change(owner, account, unit, Kind.SET, 0, actor), state) for unit in others]
        try:
            # The sets are among the other writes: a balance's state may change with it, in the same update, and its
            # balance-after is known without reading it back.
            changed = change_all(table, owner, [], caller_key, writes)
        except _Revised:
            table.pause(crowding)
            continue
        _flush(table, account, wanted.balances)
        with _made():
            now = accounts.get(table, owner, account) if changed.replayed else _revised(found, wanted, properties)
            return now, _outcome(table, wanted.balances, caller_key, replayed=changed.replayed)
    raise Busy


def close(
    table: Table, owner: int, account: int, *, actor: int, caller_key: CallerKey | None = None
) -> tuple[Account, Outcome]:
    """Close a customer for good, as `revise` does; one that is closed already stays as it is."""
    try:
        return revise(table, owner, account, Revision(state=State.CLOSED), actor=actor, caller_key=caller_key)
    except AccountClosed:
        return accounts.get(table, owner, account), Outcome({})


def top_up(
    table: Table, owner: int, account: int, package: Package, *, actor: int, caller_key: CallerKey | None = None
) -> Outcome:
    """Add every quantity of a package or none, once; each entry names the package as its reference.

    The package is of the actor's catalogue. A retired one adds nothing, but a top-up made before is answered again.
    Raises PackageNotFound, AccountNotFound, AccountClosed, KeyReused, Busy or OutcomeUnknown.
    """
    changes = [
        Change(owner, account, unit, Kind.TOP_UP, quantity, actor, package.identifier)
        for unit, quantity in sorted(package.quantities.items())
    ]

    def retired(_: Item | None) -> Declined | None:
        raise PackageNotFound

    is_active = Write(packages.is_active(table, actor, package.identifier), retired)
    # Only who saw it retired has the transaction look again: it judges the caller's key first.
    changed = change_all(table, owner, changes, caller_key, [] if package.active else [is_active])
    after = {change.unit: posted.after for change, posted in zip(changes, changed.entries, strict=True)}
    with _made():
        return _outcome(table, after, caller_key, replayed=changed.replayed)


def balances(table: Table, wanted: Iterable[tuple[Account, str]]) -> dict[tuple[int, str], int]:
    """Read what could be spent now of many balances, by (account, unit); a unit never used is left out."""
    pairs = [(account.id, unit) for account, unit in wanted if unit in account.units]
    calls = (pairs[first : first + _BALANCES_A_CALL] for first in range(0, len(pairs), _BALANCES_A_CALL))
    found = (balance for call in calls for balance in read_all(table, call))
    return {(each.account, each.unit): each.spendable(table.now_ms()) for each in found}


def balances_after(table: Table, account: Account, units: Collection[str], outcome: Outcome) -> dict[str, int]:
    """Read what is available in these balances after a change, or was then if it is replayed; nothing is left out.

    Raises OutcomeUnknown if the database does not answer.
    """
    others = [unit for unit in units if unit in account.units and unit not in outcome.after]
    with _made():
        if outcome.replayed_ms is None:
            found = {
                unit: amount for (_, unit), amount in balances(table, [(account, unit) for unit in others]).items()
            }
        else:
            posted = {unit: at(table, account.id, unit, outcome.replayed_ms) for unit in others}
            found = {unit: last.after for unit, last in posted.items() if last}
    return dict.fromkeys(units, 0) | found | {unit: outcome.after[unit] for unit in units if unit in outcome.after}


@contextmanager
def _made() -> Iterator[None]:
    """Read what a change left: if that fails, the change is made all the same, and Busy would deny it."""
    try:
        yield
    except Busy:
        raise OutcomeUnknown from None


def _outcome(table: Table, after: Mapping[str, int], caller_key: CallerKey | None, *, replayed: bool) -> Outcome:
    """Tell when a change was made that is replayed: as its claim was, by a moment."""
    claim = table.get(claim_key(caller_key.operator, caller_key.key)) if replayed and caller_key else None
    return Outcome(after, key_time_ms(claim["k"]["B"]) if claim else None)


def _revised(found: Account, wanted: Revision, properties: Mapping[str, str | int]) -> Account:
    state = found.state if wanted.state is None else wanted.state
    units = found.units | wanted.balances.keys()
    return replace(found, properties=properties, state=state, units=units, version=found.version + 1)


def _why_not_revised(profile: Item | None) -> Declined | None:
    if profile is None:
        return AccountNotFound()
    if int(profile["x"]["N"]) == State.CLOSED:
        return AccountClosed()
    raise _Revised


def _renaming(table: Table, found: Account, properties: Mapping[str, str | int]) -> list[Write]:
    """Write what moves an account's unique names from those it has to those that these properties claim."""
    has = unique_names(found.owner, found.properties)
    claims = unique_names(found.owner, properties)
    old = [name for name in has if name not in claims and accounts.leads_to(table, name, found.id)]
    new = [name for name in claims if name not in has]
    # An account's names move with its profile's version, which is judged first: the old ones are still as just read.
    return [
        *(Write(release(table, name, found.id), lambda _: None) for name in old),
        *(_taking(table, name, found) for name in new),
    ]


def _taking(table: Table, name: Name, found: Account) -> Write:
    put = {
        "TableName": table.name,
        "Item": look_up(name, found.owner, found.id),
        "ConditionExpression": "attribute_not_exists(pk)",
    }
    return Write({"Put": put}, lambda _: NameTaken(name.what))


def _entering(table: Table, change: Change, state: State) -> Write:
    """Write the update that puts a balance, left as it is, into a state. The change says which, and for whom."""
    provided = NOT_OWING if state is State.CLOSED else ""
    update = into_state(table, change.account, change.unit, state, provided)
    return Write(update, lambda item: _unsettled(table, change, item))


def _unsettled(table: Table, change: Change, item: Item | None) -> Declined | None:
    """Say why this balance cannot be closed, unless expired holds are all that was in the way."""
    if item is None:
        return None
    balance = Balance.read(change.account, change.unit, item)
    return None if balance.held and give_back(table, change, balance) else NotSettled()


def _setting(table: Table, change: Change, key: bytes, state: State | None) -> Write:
    """Write the update that sets a balance and, in the same stroke, puts it into a state if there is one."""
    update, clauses = appending(table, change, key)
    values = update["ExpressionAttributeValues"]
    if state is not None:
        update["UpdateExpression"] += ", x = :becomes"
        values[":becomes"] = {"N": str(int(state))}
    if state is State.CLOSED:
        nothing_held = "h = :zero"
        clauses.append(nothing_held)
        values[":zero"] = {"N": "0"}

    def refused(item: Item | None) -> Declined | None:
        unblock(table, change, item)
        is_held = item is not None and int(item["h"]["N"]) > 0
        return _unsettled(table, change, item) if state is State.CLOSED and is_held else None

    return Write({"Update": {**update, "ConditionExpression": " AND ".join(clauses)}}, refused)


def _flush(table: Table, account: int, units: Iterable[str]) -> None:
    """Flush those of these balances on whose designated number a set may have fallen. The change is made either way."""
    try:
        found = read_all(table, [(account, unit) for unit in units])
    except Busy:
        return
    for balance in found:
        if flush.is_due(balance.sequence, balance.sequence - balance.flushed):
            flush.flush_tail(table, balance)
