"""Claims: what a caller's idempotency key stands for, decided once and kept for good.

A claim maps the caller's key, within one operator, to a key of ours and to a digest of what was asked. The change is
then made under our key, so the caller's own clock and spelling never matter. Design: README.md, Retries.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from ledger.errors import Busy, KeyReused
from ledger.table import FAILED, Failure, Item, Table, answer_of, claim_key, failure

# A claim's key may be applied until APPLY_MS. From RENEW_MS on it may be exchanged. Functions live 15 s, so in the gap
# between the two everything in flight ends, and what is not in the history by then never will be.
APPLY_MS = 10 * 60_000
RENEW_MS = 11 * 60_000
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class CallerKey:
    """A caller's idempotency key, whose it is, and the request it stands for.

    `operator` is the scope of the key: the operator or, for a credential of a subtree, the account at its top.
    `content` is the canonical form of what was asked: operation, accounts in order, units, requested amount or target,
    package, reference, note. Never raw bytes, credentials, or anything derived from what the ledger happens to hold.
    """

    operator: int
    key: str
    content: tuple[str | int, ...]

    def digest(self) -> bytes:
        """Condense the content for comparison."""
        return sha256(json.dumps(self.content, separators=(",", ":")).encode()).digest()


def claim_item(
    table: Table, caller_key: CallerKey, key: bytes, sides: Sequence[tuple[int, str]] = (), result: int | None = None
) -> Item:
    """Write the put that claims a caller's key for `key` if nobody has, and otherwise tells what stands.

    `sides` are the balances that get an entry in the same commit: a restore to a point in time may cut a commit, and
    then only the claim can tell what is missing. `result` is a number to be answered again.
    """
    item: Item = {
        **claim_key(caller_key.operator, caller_key.key),
        "d": {"B": caller_key.digest()},
        "k": {"B": key},
    }
    if sides:
        item["b"] = {"SS": sorted({f"{account}#{unit}" for account, unit in sides})}
    if result is not None:
        item["r"] = {"N": str(result)}
    return {
        "TableName": table.name,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def stands(table: Table, caller_key: CallerKey) -> bool:
    """Say whether a caller's key stands for this request already, so that it is owed its first answer. Raises Busy."""
    item = table.get(claim_key(caller_key.operator, caller_key.key))
    return item is not None and bool(item["d"]["B"] == caller_key.digest())


def take(table: Table, caller_key: CallerKey) -> bytes:
    """Claim a caller's key for ours, or find what it stands for. Raises KeyReused if that is another request."""
    key = table.mint()
    for crowding in table.tries():
        try:
            table.client.put_item(**claim_item(table, caller_key, key))
        except FAILED as error:
            if failure(error) is Failure.CONDITION:
                return standing(caller_key, answer_of(error)["Item"])
            table.pause(crowding)
        else:
            return key
    raise Busy


def standing(caller_key: CallerKey, item: Item) -> bytes:
    """Read our key off a claim that stands. Raises KeyReused if it stands for something else."""
    if item["d"]["B"] != caller_key.digest():
        raise KeyReused
    key: bytes = item["k"]["B"]
    return key


def renew(table: Table, caller_key: CallerKey, old: bytes) -> None:
    """Exchange a claim's key, past its use and never applied, for a new one, unless another request just did."""
    nobody_renewed = "k = :old"
    try:
        table.client.update_item(
            TableName=table.name,
            Key=claim_key(caller_key.operator, caller_key.key),
            UpdateExpression="SET k = :new",
            ConditionExpression=nobody_renewed,
            ExpressionAttributeValues={":old": {"B": old}, ":new": {"B": table.mint()}},
        )
    except FAILED as error:
        failure(error)  # lost the race, or unknown: either way the next look at the claim tells
