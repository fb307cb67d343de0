"""Accounts: who holds balances and who owns whom; reading, listing and revising their profiles.

Accounts are a tree: the house (0), its operators, their accounts, and those below them. An account lies in its owner's
listing, that of the account directly above it, and never changes hands. Another operator's account is therefore simply
not found. Design: README.md, Items.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from ledger.counter import State
from ledger.errors import AccountClosed, AccountNotFound
from ledger.table import Item, Table, profile_key, reading, single
from ledger.update import Update, number

HOUSE = 0
"""The owner of operators."""

MOST_LEVELS = 8
"""How deep below its operator an account may lie. Finding out whether a key shows it reads one item a level."""

LAST_ID = 10**12 - 1


class Role(StrEnum):
    """What an account's credentials may do: an admin operates its customers, a user sees itself and those below it."""

    ADMIN = "admin"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Account:
    """An account's profile. `properties` are a dialect's own; `version` counts the profile's revisions.

    `keys_reset_ms` is when its keys were reset, and 0 if they never were.
    """

    owner: int
    id: int
    role: Role
    state: State
    username: str
    units: frozenset[str]
    created_ms: int
    version: int
    properties: Mapping[str, str | int]
    keys_reset_ms: int

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
            keys_reset_ms=int(item["g"]["N"]) if "g" in item else 0,
        )


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


def operator_of(table: Table, account: Account) -> Account:
    """Read the operator above an account, at any depth: usually its owner. Raises AccountNotFound."""
    found = find(table, HOUSE, account.owner)
    if found is None:
        *_, operator = lineage(table, account.owner)
        found = get(table, HOUSE, operator)
    return found


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
    table: Table,
    found: Account,
    properties: Mapping[str, str | int] | None = None,
    state: State | None = None,
    username: str | None = None,
    keys_reset_ms: int | None = None,
) -> Item:
    """Write the update of an account's properties, state, user name and reset of its keys, as far as they are given.

    It is refused if the account was revised since it was read, or is closed.

    With a state it is refused, too, if a unit was opened since: that unit would miss the change of state.
    """
    nobody_revised = "v = :version"
    is_not_closed = "x < :closed"
    update = Update(
        table,
        profile_key(found.owner, found.id),
        sets=["v = v + :one"],
        clauses=[nobody_revised, is_not_closed],
        values={":one": number(1), ":version": number(found.version), ":closed": number(State.CLOSED)},
    )
    if properties is not None:
        update = update.also(sets=["p = :properties"], values={":properties": property_map(properties)})
    if username is not None:
        update = update.also(sets=["n = :username"], values={":username": {"S": username}})
    if keys_reset_ms is not None:
        update = update.also(sets=["g = :reset"], values={":reset": number(keys_reset_ms)})
    if state is not None:
        no_new_unit = "u = :units" if found.units else "attribute_not_exists(u)"
        units: Item = {":units": {"SS": sorted(found.units)}} if found.units else {}
        update = update.also(sets=["x = :state"], clauses=[no_new_unit], values={":state": number(state), **units})
    return {"Update": update.request()}


def why_not_revised(profile: Item | None) -> bool:
    """Say what a refused revision of this profile means; False: it was revised since, so it is to be read again."""
    if profile is None:
        raise AccountNotFound
    if int(profile["x"]["N"]) == State.CLOSED:
        raise AccountClosed
    return False


def property_map(properties: Mapping[str, str | int]) -> Item:
    """Write properties as an attribute."""
    return {
        "M": {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in properties.items()}
    }
