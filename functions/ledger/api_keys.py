"""API keys that an operator issues: each good for some scopes, on all of its accounts or on a subtree of them.

Only a key's hash is kept, in its look-up; its operator's listing says what there is. Whoever a key let in is
remembered for Table.recall's half a minute, so that is how long a revoked one may still work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.claims import CallerKey
from ledger.commit import Plan, Write, commit, commit_unclaimed
from ledger.credentials import Caller, api_key
from ledger.kinds import Scope
from ledger.names import look_up
from ledger.table import Item, Table, issued_key, made, reading
from ledger.update import Update, number


class ApiKeyNotFound(LookupError):
    """No such key was issued by this operator. Not among the ledger's errors: only who issues keys can meet it."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An issued key, without its secret. `subtree` is the account it shows with all below it; None shows all."""

    id: str
    name: str
    scopes: frozenset[Scope]
    subtree: int | None
    created_ms: int
    revoked_ms: int | None

    @classmethod
    def read(cls, item: Item) -> "ApiKey":
        """Read a key from its item in the listing."""
        return cls(
            id=item["sk"]["S"][2:],
            name=item["n"]["S"],
            scopes=frozenset(map(Scope, item["scopes"]["SS"])),
            subtree=int(item["subtree"]["N"]) if "subtree" in item else None,
            created_ms=int(item["i"]["N"]),
            revoked_ms=int(item["z"]["N"]) if "z" in item else None,
        )


def issue(
    table: Table,
    operator: Caller,
    secret: str,
    *,
    name: str,
    scopes: frozenset[Scope],
    subtree: int | None,
    caller_key: CallerKey,
) -> tuple[ApiKey, bool]:
    """Let this secret in, for these scopes, and list it, both or neither, once.

    Returns the key and whether an earlier request under the same caller's key issued it, in which case the secret is
    that request's and not this one. Raises KeyReused, Busy or OutcomeUnknown.
    """
    good_for: Item = {"scopes": {"SS": sorted(scopes)}}
    if subtree is not None:
        good_for["subtree"] = number(subtree)
    lets_in = look_up(api_key(secret), operator.owner, operator.account) | good_for
    about: Item = {**good_for, "n": {"S": name}, "i": number(table.now_ms()), "lookup": lets_in["pk"]}

    def plan(key: bytes) -> Plan:
        listed = {**issued_key(operator.account, key.hex()), **about}
        is_new = "attribute_not_exists(pk)"
        return Plan(
            [
                Write({"Put": {"TableName": table.name, "Item": lets_in, "ConditionExpression": is_new}}),
                Write({"Put": {"TableName": table.name, "Item": listed}}),
            ]
        )

    committed = commit(table, operator.account, plan, caller_key)
    if not committed.replayed:
        return ApiKey.read({**issued_key(operator.account, committed.key.hex()), **about}), False
    with made():
        return ApiKey.read(_listed(table, operator.account, committed.key.hex())), True


def list_keys(table: Table, operator: int, *, after: str = "", limit: int) -> Sequence[ApiKey]:
    """Read up to `limit` of the keys that an operator issued, revoked ones too, oldest first, from past the id `after`.

    Raises Busy if the database does not answer.
    """
    request: dict[str, Any] = {
        "TableName": table.name,
        # Keys are the last thing in this partition: accounts, C#, sort before them.
        "KeyConditionExpression": "pk = :pk AND sk > :after",
        "ExpressionAttributeValues": {
            ":pk": issued_key(operator, after)["pk"],
            ":after": issued_key(operator, after)["sk"],
        },
        "ConsistentRead": True,
    }
    found: list[ApiKey] = []
    while len(found) < limit:
        with reading():
            answer = table.client.query(**request, Limit=limit - len(found))
        found += map(ApiKey.read, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            break
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return found


def revoke(table: Table, operator: int, key_id: str) -> None:
    """Take an issued key out of use for good; one that was revoked already stays so.

    Raises ApiKeyNotFound, Busy or OutcomeUnknown.
    """
    listed = _listed(table, operator, key_id)
    lookup = {"pk": listed["lookup"], "sk": {"S": "."}}
    revoked = Update(
        table,
        issued_key(operator, key_id),
        sets=["z = if_not_exists(z, :now)"],
        values={":now": number(table.now_ms())},
    )
    writes = [
        Write({"Delete": {"TableName": table.name, "Key": lookup}}),
        Write({"Update": revoked.request()}),
    ]
    commit_unclaimed(table, lambda: writes)


def _listed(table: Table, operator: int, key_id: str) -> Item:
    item = table.get(issued_key(operator, key_id))
    if item is None:
        raise ApiKeyNotFound
    return item
