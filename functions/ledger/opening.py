"""Opening: an account with its id, unique names and opening balances, or one more balance, in one commit each.

Design: README.md, Commits.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger import metrics
from ledger.accounts import Role, property_map
from ledger.claims import CallerKey
from ledger.commit import Plan, Write, commit, commit_unclaimed, put_new
from ledger.counter import Balance, State, balance_key
from ledger.entry import Entry, pack
from ledger.errors import AccountClosed, AccountNotFound, Busy, NameTaken, OutcomeUnknown
from ledger.kinds import Kind
from ledger.metrics import Metric
from ledger.names import Name, Takings
from ledger.table import Item, Table, profile_key, single
from ledger.update import number

_COUNTER = single("A#")


@dataclass(frozen=True, slots=True)
class Payer:
    """An account that pays another's opening balance, in the same commit: a transfer, and not credit from nowhere.

    `pay` makes its side, for the new account's id and the key that both sides carry.
    """

    account: int
    unit: str
    pay: Callable[[int, bytes], Write]


@dataclass(frozen=True, slots=True)
class Opened:
    """The account that was opened, by this request or, if `replayed`, by an earlier one under the same key."""

    id: int
    replayed: bool


class _Exists(Exception):
    """The balance to be opened is there already."""


def open_account(
    table: Table,
    owner: int,
    *,
    actor: int,
    role: Role = Role.USER,
    account: int | None = None,
    state: State = State.OPEN,
    username: str = "",
    names: Sequence[Name] = (),
    properties: Mapping[str, str | int] | None = None,
    balances: Mapping[str, int] | None = None,
    paid_by: Payer | None = None,
    also: Callable[[int, bytes], Iterable[Write]] | None = None,
    caller_key: CallerKey | None = None,
) -> Opened:
    """Open an account with its names and opening balances, all or nothing; ids count up from 1 unless one is given.

    Each opening balance, in its unit's smallest part, is entry 1 of its history; `paid_by` can pay one. `also` gives
    what else is written with it, for its id and the server's key of the commit. Raises NameTaken, KeyReused, what the
    payer raises, Busy or OutcomeUnknown.
    """
    balances = balances or {}
    candidate = account or 1
    takings = Takings(table, owner)

    def is_taken(_: Item | None) -> bool:
        nonlocal candidate
        if account is not None:
            raise NameTaken("account")
        candidate += 1
        return True

    def plan(key: bytes) -> Plan:
        nonlocal candidate
        newest = _newest_id(table) if account is None else 0
        candidate = max(candidate, newest + 1) if account is None else account
        if paid_by and candidate == paid_by.account:
            candidate += 1  # taken, and no commit can write one balance twice to find that out
        profile = _profile(table, owner, candidate, role, state, username, properties or {}, balances)
        openings = [
            _opening(table, key, candidate, unit, amount, actor, state, paid_by) for unit, amount in balances.items()
        ]
        writes = [takings.write(name, candidate) for name in names]
        if paid_by:
            writes.append(paid_by.pay(candidate, key))
        writes.append(put_new(table, {**single(f"A#{candidate}"), "o": number(owner)}, is_taken))
        writes += [put_new(table, item) for item in (profile, *(opening.item() for opening in openings))]
        writes += also(candidate, key) if also else ()
        if account is None:
            writes.append(Write(_count(table, newest, candidate)))
        sides = [(candidate, unit) for unit in balances] + ([(paid_by.account, paid_by.unit)] if paid_by else [])
        return Plan(writes, sides, result=candidate)

    committed = commit(table, owner, plan, caller_key)
    if paid_by is None and not committed.replayed:
        for unit, amount in balances.items():
            if amount:
                metrics.count(Metric.CREDITS_ADDED, unit, amount)
    if committed.result is None:
        raise RuntimeError("a claim on an opening that names no account")
    return Opened(committed.result, committed.replayed)


def open_balance(table: Table, owner: int, account: int, unit: str) -> None:
    """Create a unit's balance at zero and note the unit on the profile, both or neither; fine if it exists already.

    Raises AccountNotFound, AccountClosed or Busy. Closing flips the profile first, so no balance slips past it.
    """
    state = State.OPEN

    def not_in_this_state(profile: Item | None) -> bool:
        nonlocal state
        if profile is None:
            raise AccountNotFound
        state = State(int(profile["x"]["N"]))
        if state is State.CLOSED:
            if table.get(balance_key(account, unit)) is None:
                raise AccountClosed
            raise _Exists  # it was opened, and perhaps changed, before the account was closed
        return True

    def exists(_: Item | None) -> bool:
        raise _Exists

    def plan() -> list[Write]:
        noting: Item = {
            "TableName": table.name,
            "Key": profile_key(owner, account),
            "UpdateExpression": "ADD u :unit",
            "ConditionExpression": "x = :state",
            "ExpressionAttributeValues": {":unit": {"SS": [unit]}, ":state": number(state)},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        balance = put_new(table, Balance(account, unit, state=state).item(), exists)
        return [Write({"Update": noting}, not_in_this_state), balance]

    try:
        commit_unclaimed(table, plan)
    except _Exists:
        return
    except OutcomeUnknown:  # a balance of zero, opened or not, is no change of any credit
        raise Busy from None


def _newest_id(table: Table) -> int:
    item = table.get(_COUNTER)
    return int(item["n"]["N"]) if item else 0


def _count(table: Table, newest: int, candidate: int) -> Item:
    """Move the counter of ids on, if it is still where it was seen."""
    item = {**_COUNTER, "n": {"N": str(candidate)}}
    put: Item = {"TableName": table.name, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
    if newest:
        put["ConditionExpression"] = "n = :newest"
        put["ExpressionAttributeValues"] = {":newest": {"N": str(newest)}}
    return {"Put": put}


def _profile(
    table: Table,
    owner: int,
    account: int,
    role: Role,
    state: State,
    username: str,
    properties: Mapping[str, str | int],
    balances: Mapping[str, int],
) -> Item:
    item = {
        **profile_key(owner, account),
        "x": {"N": str(int(state))},
        "r": {"S": role.value},
        "n": {"S": username},
        "i": {"N": str(table.now_ms())},
        "v": {"N": "1"},
        "p": property_map(properties),
    }
    return item | {"u": {"SS": sorted(balances)}} if balances else item


def _opening(
    table: Table, key: bytes, account: int, unit: str, amount: int, actor: int, state: State, paid_by: Payer | None
) -> Balance:
    """Make an opening balance, whose one entry says where it is from."""
    kind, reference = (Kind.TRANSFER_IN, str(paid_by.account)) if paid_by else (Kind.OPENING, "")
    entry = Entry(kind, amount, table.now_ms(), actor, reference, claimed=True)
    return Balance(account, unit, available=amount, sequence=1, tail=[key, pack(entry)], state=state)
