"""Accounts: who holds balances, who owns whom, and the unique names that lead to them. Design: ledger.md 2.

An account lies in its owner's listing: a customer in its operator's, an operator in the house's (owner 0). Another
operator's account is therefore simply not found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self, cast

from ledger.claims import CallerKey, claim_item, standing
from ledger.counter import Balance, State, balance_key
from ledger.entry import Entry, Kind, pack
from ledger.errors import AccountClosed, AccountNotFound, Busy, NameTaken, NotSettled, OutcomeUnknown
from ledger.table import FAILED, Failure, Item, Table, answer_of, failure, profile_key, reading, single

HOUSE = 0
"""The owner of operators."""

LAST_ID = 10**12 - 1
LONGEST_NAME_BYTES = 1_024

_COUNTER = single("A#")


class Role(StrEnum):
    """What an account's credentials may do: an admin operates its customers, a user sees itself."""

    ADMIN = "admin"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Name:
    """A name that is unique in the whole table and leads to one account; `proof` is what shows it is theirs."""

    what: str
    pk: str
    proof: Item = field(default_factory=dict)


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
    username: str = "",
    names: Sequence[Name] = (),
    properties: Mapping[str, str | int] | None = None,
    balances: Mapping[str, int] | None = None,
    caller_key: CallerKey | None = None,
) -> Opened:
    """Open an account with its names and opening balances, all or nothing; ids count up from 1 unless one is given.

    Each opening balance, in its unit's smallest part, is entry 1 of its history. Raises NameTaken, KeyReused, Busy or
    OutcomeUnknown.
    """
    # Without a caller's key a key of our own is claimed: it tells our lost success from somebody else's.
    key = table.mint()
    caller_key = caller_key or CallerKey(owner, key.hex(), ("open account",))
    lost = False
    candidate = 0
    for crowding in table.tries():
        newest = _newest_id(table) if account is None else 0
        candidate = account or max(candidate, newest + 1)
        puts: list[Any] = [
            _new(table, {**single(f"A#{candidate}"), "o": {"N": str(owner)}}),
            _new(table, _profile(table, owner, candidate, role, username, properties or {}, balances or {})),
        ]
        puts += [_new(table, _look_up(name, owner, candidate)) for name in names]
        puts += [
            _new(table, _opening(table, candidate, unit, amount, actor).item())
            for unit, amount in (balances or {}).items()
        ]
        if account is None:
            puts.append(_count(table, newest, candidate))
        claim = claim_item(table, caller_key, key)
        claim["Item"]["r"] = {"N": str(candidate)}
        try:
            table.client.transact_write_items(TransactItems=[cast("Any", {"Put": claim}), *puts])
        except FAILED as error:
            why = failure(error)
            if why is Failure.CONDITION:
                reasons = answer_of(error)["CancellationReasons"]
                failed = [reason["Code"] == "ConditionalCheckFailed" for reason in reasons]
                if failed[0]:
                    found = standing(caller_key, reasons[0]["Item"])
                    return Opened(int(reasons[0]["Item"]["r"]["N"]), replayed=found != key)
                for name, taken in zip(names, failed[3:], strict=False):
                    if taken:
                        raise NameTaken(name.what) from error
                if failed[1]:
                    if account is not None:
                        raise NameTaken("account") from error
                    candidate += 1
                    continue
            lost = lost or why is Failure.UNKNOWN
            table.pause(crowding)
        else:
            return Opened(candidate, replayed=False)
    raise OutcomeUnknown if lost else Busy


def get(table: Table, owner: int, account: int) -> Account:
    """Read an account of this owner's, as it is now. Raises AccountNotFound."""
    item = table.get(profile_key(owner, account))
    if item is None:
        raise AccountNotFound
    return Account.read(owner, item)


def list_accounts(table: Table, owner: int, *, after: int = 0, limit: int) -> list[Account]:
    """Read up to `limit` of this owner's accounts, in the order of their ids, from the first id past `after`."""
    request: dict[str, Any] = {
        "TableName": table.name,
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {
            ":pk": profile_key(owner, after)["pk"],
            ":first": profile_key(owner, after + 1)["sk"],
            ":last": profile_key(owner, LAST_ID)["sk"],
        },
        "ConsistentRead": True,
    }
    found: list[Account] = []
    while len(found) < limit:
        with reading():
            answer = table.client.query(**request, Limit=limit - len(found))
        found += [Account.read(owner, item) for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            break
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return found


def find_username(table: Table, username: str) -> tuple[int, int]:
    """Find the owner and the id of the account with this user name. Raises AccountNotFound."""
    return find_name(table, f"U#{username}")


def find_name(table: Table, pk: str) -> tuple[int, int]:
    """Find the owner and the id of the account that a unique name leads to. Raises AccountNotFound.

    A name never leads elsewhere later, so what is found is remembered for a while.
    """

    def find() -> tuple[int, int]:
        if not _can_be_a_key(pk):
            raise AccountNotFound
        item = table.get(single(pk))
        if item is None:
            raise AccountNotFound
        return int(item["o"]["N"]), int(item["account"]["N"])

    return table.recall(pk, find)


NOT_OWING = "a >= :zero AND h = :zero"
"""For `set_state`: no balance is below zero, and none has credit on hold."""

EMPTY = "a = :zero AND h = :zero"
"""For `set_state`: every balance is zero, and none has credit on hold."""


def set_state(table: Table, owner: int, account: int, state: State, *, provided: str = "") -> None:
    """Open, suspend or close an account with all its balances, in one transaction. Closing is for good.

    `provided` is NOT_OWING or EMPTY, to have it refused otherwise. Raises AccountNotFound, AccountClosed, NotSettled or
    Busy.
    """
    for crowding in table.tries():
        found = get(table, owner, account)
        if found.state is State.CLOSED:
            if state is State.CLOSED:
                return
            raise AccountClosed
        values: Item = {":state": {"N": str(int(state))}, ":seen": {"N": str(int(found.state))}}
        # A unit opened meanwhile would miss the change of state.
        no_new_unit = "attribute_not_exists(u)"
        if found.units:
            no_new_unit = "u = :units"
            values[":units"] = {"SS": sorted(found.units)}
        profile: Any = {
            "TableName": table.name,
            "Key": profile_key(owner, account),
            "UpdateExpression": "SET x = :state",
            "ConditionExpression": f"x = :seen AND {no_new_unit}",
            "ExpressionAttributeValues": values,
        }
        zero: Item = {":zero": {"N": "0"}} if provided else {}
        units: list[Any] = [
            {
                "TableName": table.name,
                "Key": balance_key(account, unit),
                "UpdateExpression": "SET x = :state",
                "ConditionExpression": provided or "attribute_exists(pk)",
                "ExpressionAttributeValues": {":state": {"N": str(int(state))}} | zero,
            }
            for unit in sorted(found.units)
        ]
        try:
            table.client.transact_write_items(TransactItems=[{"Update": update} for update in [profile, *units]])
        except FAILED as error:
            if failure(error) is Failure.CONDITION:
                of_profile, *of_units = answer_of(error)["CancellationReasons"]
                if of_profile["Code"] == "None" and any(each["Code"] == "ConditionalCheckFailed" for each in of_units):
                    raise NotSettled from error
            table.pause(crowding)  # the profile, read again, tells what came of it
        else:
            return
    raise Busy


def _can_be_a_key(pk: str) -> bool:
    try:
        return len(pk.encode()) <= LONGEST_NAME_BYTES
    except UnicodeEncodeError:  # half a surrogate pair, which DynamoDB refuses
        return False


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
    username: str,
    properties: Mapping[str, str | int],
    balances: Mapping[str, int],
) -> Item:
    item = {
        **profile_key(owner, account),
        "x": {"N": str(int(State.OPEN))},
        "r": {"S": role.value},
        "n": {"S": username},
        "i": {"N": str(table.now_ms())},
        "v": {"N": "1"},
        "p": property_map(properties),
    }
    return item | {"u": {"SS": sorted(balances)}} if balances else item


def _look_up(name: Name, owner: int, account: int) -> Item:
    return {**single(name.pk), "account": {"N": str(account)}, "o": {"N": str(owner)}, **name.proof}


def _opening(table: Table, account: int, unit: str, amount: int, actor: int) -> Balance:
    entry = Entry(Kind.OPENING, amount, table.now_ms(), actor)
    return Balance(account, unit, available=amount, sequence=1, tail=[table.mint(), pack(entry)])
