"""Customers: a profile and its unique names, revised together with its balances, all or nothing.

Every revision is one transaction, judged against the profile's version: two that race are made one after the other,
the second on top of what the first left, so neither is lost. Design: README.md, Commits.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ledger import accounts, flush, metrics, opening, packages
from ledger.accounts import Account, revise_profile, why_not_revised
from ledger.balance import give_back
from ledger.change import Change, appending
from ledger.claims import CallerKey
from ledger.commit import Plan, Write, commit
from ledger.counter import Balance, State, balance_key, read_all
from ledger.entry import key_time_ms
from ledger.errors import AccountClosed, Busy, NotSettled
from ledger.history import at
from ledger.kinds import Kind
from ledger.names import Takings, leads_to, release, unique_names
from ledger.packages import Package, PackageNotFound
from ledger.table import Item, Table, claim_key, made
from ledger.transfer import change_all, unblock
from ledger.update import Update, number


@dataclass(frozen=True, slots=True)
class Revision:
    """What a customer is to have; what is not mentioned stays as it is.

    An empty property is taken off the profile. `balances` are absolute, in each unit's smallest part, and not negative.
    `limits` are how far below zero spending may take a balance; one that is further down already can only not spend.
    """

    properties: Mapping[str, str | int] = field(default_factory=dict)
    balances: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
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


def create(
    table: Table, owner: int, wanted: Revision, *, actor: int, caller_key: CallerKey | None = None
) -> tuple[Account, Outcome]:
    """Open a customer with its unique names and opening balances, all or nothing, once; return it as it is now.

    Raises NameTaken, KeyReused, Busy or OutcomeUnknown.
    """
    properties = {what: value for what, value in wanted.properties.items() if value != ""}
    opened = opening.open_account(
        table,
        owner,
        actor=actor,
        state=State.OPEN if wanted.state is None else wanted.state,
        names=unique_names(owner, properties),
        properties=properties,
        balances=wanted.balances,
        caller_key=caller_key,
    )
    with made():
        now = accounts.get(table, owner, opened.id)
        return now, _outcome(table, wanted.balances, caller_key, replayed=opened.replayed)


def revise(
    table: Table, owner: int, account: int, wanted: Revision, *, actor: int, caller_key: CallerKey | None = None
) -> tuple[Account, Outcome]:
    """Change a customer's profile, names, state, balances and limits, all or nothing, once; return it as it is now.

    A balance is set by an entry. A unit never used is opened at zero on the way, and stays open. Closing
    is for good, needs balances that owe and hold nothing, and leaves the names to others. Raises AccountNotFound,
    AccountClosed, NameTaken, NotSettled, KeyReused, Busy or OutcomeUnknown.
    """
    revised: Account | None = None
    takings = Takings(table, owner)

    def plan(key: bytes) -> Plan:
        nonlocal revised
        found = accounts.get(table, owner, account)
        properties = {what: value for what, value in {**found.properties, **wanted.properties}.items() if value != ""}
        state = None if wanted.state is found.state else wanted.state
        units = wanted.balances.keys() | wanted.limits.keys() | (set() if state is None else found.units)
        revised = _revised(found, wanted, properties)
        # The sets are not `Change`s of transfer.py: a balance's state and limit may change in the same update, and its
        # balance-after is known without reading it back.
        writes = [
            Write(revise_profile(table, found, properties, state), why_not_revised),
            *_renaming(table, takings, found, {} if state is State.CLOSED else properties),
            *(_revising(table, found, unit, wanted, state, actor, key) for unit in sorted(units)),
        ]
        return Plan(writes, [(account, unit) for unit in wanted.balances])

    committed = commit(table, owner, plan, caller_key)
    if not committed.replayed:
        _settle(table, account, wanted.balances, committed.key)
    with made():
        now = accounts.get(table, owner, account) if committed.replayed or revised is None else revised
        return now, _outcome(table, wanted.balances, caller_key, replayed=committed.replayed)


def close(
    table: Table, owner: int, account: int, *, actor: int, caller_key: CallerKey | None = None
) -> tuple[Account, Outcome]:
    """Close a customer for good, as `revise` does; one that is closed already stays as it is."""
    try:
        return revise(table, owner, account, Revision(state=State.CLOSED), actor=actor, caller_key=caller_key)
    except AccountClosed:
        return accounts.get(table, owner, account), Outcome({})


def top_up(
    table: Table,
    owner: int,
    account: int,
    package: Package,
    *,
    actor: int,
    note: str = "",
    caller_key: CallerKey | None = None,
) -> Outcome:
    """Add every quantity of a package or none, once; each entry names the package as its reference.

    The package is of the actor's catalogue. A retired one adds nothing, but a top-up made before is answered again.
    Raises PackageNotFound, AccountNotFound, AccountClosed, KeyReused, Busy or OutcomeUnknown.
    """
    changes = [
        Change(owner, account, unit, Kind.TOP_UP, quantity, actor, package.identifier, note=note)
        for unit, quantity in sorted(package.quantities.items())
    ]

    def retired(_: Item | None) -> bool:
        raise PackageNotFound

    is_active = Write(packages.is_active(table, actor, package.identifier), retired)
    # Only who saw it retired has the transaction look again: it judges the caller's key first.
    changed = change_all(table, owner, changes, caller_key, [] if package.active else [is_active])
    after = {change.unit: posted.after for change, posted in zip(changes, changed.entries, strict=True)}
    with made():
        return _outcome(table, after, caller_key, replayed=changed.replayed)


def balances(table: Table, wanted: Iterable[tuple[Account, str]]) -> dict[tuple[int, str], int]:
    """Read what could be spent now of many balances, by (account, unit); a unit never used is left out."""
    found = read_all(table, [(account.id, unit) for account, unit in wanted if unit in account.units])
    return {(each.account, each.unit): each.spendable(table.now_ms()) for each in found}


def balances_after(table: Table, account: Account, units: Collection[str], outcome: Outcome) -> dict[str, int]:
    """Read what is available in these balances after a change, or was then if it is replayed; nothing is left out.

    Raises OutcomeUnknown if the database does not answer.
    """
    others = [unit for unit in units if unit in account.units and unit not in outcome.after]
    with made():
        if outcome.replayed_ms is None:
            found = {
                unit: amount for (_, unit), amount in balances(table, [(account, unit) for unit in others]).items()
            }
        else:
            posted = {unit: at(table, account.id, unit, outcome.replayed_ms) for unit in others}
            found = {unit: last.after for unit, last in posted.items() if last}
    return dict.fromkeys(units, 0) | found | {unit: outcome.after[unit] for unit in units if unit in outcome.after}


def _outcome(table: Table, after: Mapping[str, int], caller_key: CallerKey | None, *, replayed: bool) -> Outcome:
    """Tell when a change was made that is replayed: as its claim was, by a moment."""
    claim = table.get(claim_key(caller_key.operator, caller_key.key)) if replayed and caller_key else None
    return Outcome(after, key_time_ms(claim["k"]["B"]) if claim else None)


def _revised(found: Account, wanted: Revision, properties: Mapping[str, str | int]) -> Account:
    state = found.state if wanted.state is None else wanted.state
    units = found.units | wanted.balances.keys() | wanted.limits.keys()
    return replace(found, properties=properties, state=state, units=units, version=found.version + 1)


def _renaming(table: Table, takings: Takings, found: Account, properties: Mapping[str, str | int]) -> list[Write]:
    """Write what moves an account's unique names from those it has to those that these properties claim."""
    has = unique_names(found.owner, found.properties)
    claims = unique_names(found.owner, properties)
    old = [name for name in has if name not in claims and leads_to(table, name, found.id)]
    new = [name for name in claims if name not in has]
    # An account's names move with its profile's version, which is judged first: the old ones are still as just read.
    return [
        *(Write(release(table, name, found.id)) for name in old),
        *(takings.write(name, found.id) for name in new),
    ]


def _revising(
    table: Table, found: Account, unit: str, wanted: Revision, state: State | None, actor: int, key: bytes
) -> Write:
    """Write the one update of a balance: its credit by an entry, its state and its limit, as far as they are wanted."""
    change = Change(found.owner, found.id, unit, Kind.SET, wanted.balances.get(unit, 0), actor)
    is_set = unit in wanted.balances
    if is_set:
        update = appending(table, change, key, claimed=True)
    else:
        exists = "attribute_exists(pk)"
        update = Update(table, balance_key(found.id, unit), clauses=[exists])
    if state is not None:
        update = update.also(sets=["x = :becomes"], values={":becomes": number(state)})
    if unit in wanted.limits:
        update = update.also(sets=["m = :floor"], values={":floor": number(-wanted.limits[unit])})
    if state is State.CLOSED:
        nothing_held = "h = :zero"
        nothing_owed = "a >= :zero"
        update = update.also(
            clauses=[nothing_held] if is_set else [nothing_held, nothing_owed], values={":zero": number(0)}
        )

    def refused(item: Item | None) -> bool:
        if item is None or is_set:
            unblock(table, change, item)
        if item is not None and state is State.CLOSED:
            balance = Balance.read(found.id, unit, item)
            can_be_given_back = balance.held and give_back(table, change, balance)
            is_settled = is_set and not balance.held
            if not (can_be_given_back or is_settled):
                raise NotSettled
        return False

    return Write({"Update": update.request()}, refused)


def _settle(table: Table, account: int, units: Iterable[str], key: bytes) -> None:
    """Count what the sets under this key did, and flush where one may have fallen on the designated number.

    They are made either way.
    """
    try:
        found = read_all(table, [(account, unit) for unit in units])
    except Busy:
        return
    for balance in found:
        if posted := balance.find(key):
            metrics.count_entry(balance.unit, posted)
        flush.flush_if_due(table, balance, balance.sequence)
