"""Accounts: who holds balances, who owns whom, and the unique names that lead to them. Design: ledger.md 2.

Accounts are a tree: the house (0), its operators, their accounts, and those below them. An account lies in its owner's
listing, that of the account directly above it, and never changes hands. Another operator's account is therefore simply
not found.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, cast

from ledger import metrics
from ledger.claims import CallerKey, claim_item, is_refused, is_undecided, standing
from ledger.counter import Balance, State
from ledger.entry import Entry, Kind, pack
from ledger.errors import AccountNotFound, Busy, NameTaken, OutcomeUnknown, unless_lost
from ledger.metrics import Metric
from ledger.names import Name, look_up
from ledger.table import FAILED, Failure, Item, Table, answer_of, failure, profile_key, reading, single, was_resent

HOUSE = 0
"""The owner of operators."""

MOST_LEVELS = 8
"""How deep below its operator an account may lie. Finding out whether a key shows it reads one item a level."""

LAST_ID = 10**12 - 1

_COUNTER = single("A#")


class Role(StrEnum):
    """What an account's credentials may do: an admin operates its customers, a user sees itself and those below it."""

    ADMIN = "admin"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Account:
    """An account's profile. `properties` are a dialect's own; `version` counts the profile's revisions."""

    owner: int
    id: int
    role: Role
    state: State
    username: str
    units: frozenset[str]
    created_ms: int
    version: int
    properties: Mapping[str, str | int]

    @classmethod
    def read(cls, owner: int, item: Item) -> Self:
        """Read an account from its profile item."""
        return cls(
            owner=owner,
            id=int(item["sk"]["S"][2:]),
            role=Role(item["r"]["S"]),
            state=State(int(item["x"]["N"])),
            username=item["n"]["S"],
            units=frozenset(item["u"]["SS"] if "u" in item else ()),
            created_ms=int(item["i"]["N"]),
            version=int(item["v"]["N"]),
            properties={
                name: int(value["N"]) if "N" in value else value["S"] for name, value in item["p"]["M"].items()
            },
        )


@dataclass(frozen=True, slots=True)
class Payer:
    """An account that pays another's opening balance, in the same commit: a transfer, and not credit from nowhere.

    `pay` makes its side, for the new account's id and the key that both sides carry. `refused` raises why the balance
    it met (None: there is none) could not pay, or returns to have it all tried again.
    """

    account: int
    pay: Callable[[int, bytes], Item]
    refused: Callable[[Item | None], None]


@dataclass(frozen=True, slots=True)
class Opened:
    """The account that was opened, by this request or, if `replayed`, by an earlier one under the same key."""

    id: int
    replayed: bool


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
    caller_key: CallerKey | None = None,
) -> Opened:
    """Open an account with its names and opening balances, all or nothing; ids count up from 1 unless one is given.

    Each opening balance, in its unit's smallest part, is entry 1 of its history; `paid_by` can pay one. Raises
    NameTaken, KeyReused, what the payer raises, Busy or OutcomeUnknown.
    """
    # Without a caller's key a key of our own is claimed: it tells our lost success from somebody else's.
    key = table.mint()
    caller_key = caller_key or CallerKey(owner, key.hex(), ("open account",))

    def opened(number: int, *, replayed: bool) -> Opened:
        if paid_by is None and not replayed:
            for unit, amount in (balances or {}).items():
                if amount:
                    metrics.count(Metric.CREDITS_ADDED, unit, amount)
        return Opened(number, replayed)

    lost = False
    candidate = 0
    for crowding in table.tries():
        try:
            newest = _newest_id(table) if account is None else 0
        except Busy:  # an unanswered look is one more lost try: an earlier one may have opened the account
            table.pause(crowding)
            continue
        candidate = account or max(candidate, newest + 1)
        if paid_by and candidate == paid_by.account:
            candidate += 1  # taken, and no transaction can write one balance twice to find that out
        puts: list[Any] = [
            _new(table, {**single(f"A#{candidate}"), "o": {"N": str(owner)}}),
            _new(table, _profile(table, owner, candidate, role, state, username, properties or {}, balances or {})),
        ]
        puts += [_new(table, look_up(name, owner, candidate)) for name in names]
        puts += [
            _new(table, _opening(table, key, candidate, unit, amount, actor, state, paid_by).item())
            for unit, amount in (balances or {}).items()
        ]
        if account is None:
            puts.append(_count(table, newest, candidate))
        if paid_by:
            puts.append(paid_by.pay(candidate, key))
        claim = claim_item(table, caller_key, key)
        claim["Item"]["r"] = {"N": str(candidate)}
        try:
            table.client.transact_write_items(TransactItems=[cast("Any", {"Put": claim}), *puts])
        except FAILED as error:
            why, answer = failure(error), answer_of(error)
            lost = lost or why is Failure.UNKNOWN or was_resent(answer)
            if why is Failure.CONDITION:
                of_claim, *reasons = answer["CancellationReasons"]
                if is_refused(of_claim):
                    stands = standing(caller_key, of_claim["Item"])
                    return opened(int(of_claim["Item"]["r"]["N"]), replayed=stands != key)
                if not is_undecided(of_claim):
                    with suppress(Busy), unless_lost(lost):  # as in transfer.change_all
                        for name, reason in zip(names, reasons[2:], strict=False):
                            if is_refused(reason):
                                raise NameTaken(name.what) from error
                        if paid_by and is_refused(reasons[-1]):
                            paid_by.refused(reasons[-1].get("Item"))
                        if is_refused(reasons[0]) and account is not None:
                            raise NameTaken("account") from error
                    if is_refused(reasons[0]):
                        candidate += 1
                        continue
            table.pause(crowding)
        else:
            return opened(candidate, replayed=False)
    raise OutcomeUnknown if lost else Busy


def find(table: Table, owner: int, account: int) -> Account | None:
    """Read an account of this owner's, as it is now, if it is this owner's."""
    item = table.get(profile_key(owner, account))
    return Account.read(owner, item) if item else None


def get(table: Table, owner: int, account: int) -> Account:
    """Read an account of this owner's, as it is now. Raises AccountNotFound."""
    found = find(table, owner, account)
    if found is None:
        raise AccountNotFound
    return found


def owner_of(table: Table, account: int) -> int:
    """Find whose listing an account is in. Raises AccountNotFound.

    Remembered for a while, as it never changes: a fact about the account, and nobody's leave to see it.
    """

    def look_it_up() -> int:
        item = table.get(single(f"A#{account}"))
        if item is None:
            raise AccountNotFound
        return int(item["o"]["N"])

    return table.recall(("owner", account), look_it_up)


def lineage(table: Table, account: int) -> Iterator[int]:
    """Walk up the tree from an account: itself, its owner, and so on to the operator. Raises AccountNotFound."""
    for _ in range(MOST_LEVELS + 1):
        yield account
        account = owner_of(table, account)
        if account == HOUSE:
            return


def list_accounts(table: Table, owner: int, *, after: int = 0, limit: int, descending: bool = False) -> list[Account]:
    """Read up to `limit` of this owner's accounts, in the order of their ids, from the first id past `after`."""
    request = _listing(table, owner, after, descending=descending)
    found: list[Account] = []
    while len(found) < limit:
        with reading():
            answer = table.client.query(**request, Limit=limit - len(found))
        found += [Account.read(owner, item) for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            break
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return found


def skip_accounts(table: Table, owner: int, count: int, *, descending: bool = False) -> int | None:
    """Find the id of the account at place `count`, from 1, of `list_accounts`; None if there are not so many.

    What it passes over is read, and paid for, but not sent.
    """
    request = _listing(table, owner, 0, descending=descending) | {"Select": "COUNT"}
    while True:
        with reading():
            answer = table.client.query(**request, Limit=count)
        count -= answer["Count"]
        if "LastEvaluatedKey" not in answer:
            return None
        if not count:
            return int(answer["LastEvaluatedKey"]["sk"]["S"][2:])
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _listing(table: Table, owner: int, after: int, *, descending: bool) -> dict[str, Any]:
    first, last = (1, (after or LAST_ID + 1) - 1) if descending else (after + 1, LAST_ID)
    return {
        "TableName": table.name,
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {
            ":pk": profile_key(owner, first)["pk"],
            ":first": profile_key(owner, first)["sk"],
            ":last": profile_key(owner, last)["sk"],
        },
        "ConsistentRead": True,
        "ScanIndexForward": not descending,
    }


def revise_profile(
    table: Table, found: Account, properties: Mapping[str, str | int] | None = None, state: State | None = None
) -> Item:
    """Write the update that gives an account these properties and this state, unless it was revised since or is closed.

    With a state it is refused, too, if a unit was opened since: that unit would miss the change of state.
    """
    sets = ["v = v + :one"]
    nobody_revised = "v = :version"
    is_not_closed = "x < :closed"
    clauses = [nobody_revised, is_not_closed]
    values: Item = {
        ":one": {"N": "1"},
        ":version": {"N": str(found.version)},
        ":closed": {"N": str(int(State.CLOSED))},
    }
    if properties is not None:
        sets.append("p = :properties")
        values[":properties"] = property_map(properties)
    if state is not None:
        sets.append("x = :state")
        values[":state"] = {"N": str(int(state))}
        no_new_unit = "attribute_not_exists(u)"
        if found.units:
            no_new_unit = "u = :units"
            values[":units"] = {"SS": sorted(found.units)}
        clauses.append(no_new_unit)
    return {
        "Update": {
            "TableName": table.name,
            "Key": profile_key(found.owner, found.id),
            "UpdateExpression": "SET " + ", ".join(sets),
            "ConditionExpression": " AND ".join(clauses),
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


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


def _new(table: Table, item: Item) -> Item:
    return {"Put": {"TableName": table.name, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}


def property_map(properties: Mapping[str, str | int]) -> Item:
    """Write properties as an attribute."""
    return {
        "M": {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in properties.items()}
    }


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
    kind, reference = (Kind.TRANSFER_IN, str(paid_by.account)) if paid_by else (Kind.OPENING, "")
    entry = Entry(kind, amount, table.now_ms(), actor, reference)
    return Balance(account, unit, available=amount, sequence=1, tail=[key, pack(entry)], state=state)
