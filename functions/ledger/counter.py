"""The balance item: a counter, the tail of its own history, and the holds on its credit. Design: README.md, Items."""

from base64 import b32hexdecode, b32hexencode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Self

from ledger.entry import Posted, forward, unpack
from ledger.kinds import Kind
from ledger.table import Item, Table, balance_pk, hold_sk, reading

_HOLD_CHARACTERS = 16
_HOLD_RANDOM_BITS = 38
_HOLDS_A_CALL = 100


class State(IntEnum):
    """How far an account is open, in profiles and balances alike. The numbers are stored and compared."""

    OPEN = 0
    SUSPENDED = 1
    CLOSED = 2


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance item at one instant. `flushed`, `base` and `base_held` are as of the last entry in the pages.

    `holds` has what each hold that lies in this item still holds, which is nothing once all of it was captured. Others
    lie apart, in items of their own. All together they hold `held`.
    """

    account: int
    unit: str
    available: int = 0
    held: int = 0
    sequence: int = 0
    flushed: int = 0
    base: int = 0
    base_held: int = 0
    watermark_ms: int = 0
    latest_ms: int = 0
    tail: Sequence[bytes] = ()
    holds: Mapping[str, int] = field(default_factory=dict)
    state: int = State.OPEN
    floor: int = 0

    @classmethod
    def read(cls, account: int, unit: str, item: Item) -> Self:
        """Read a balance from its item."""
        return cls(
            account,
            unit,
            available=int(item["a"]["N"]),
            held=int(item["h"]["N"]),
            sequence=int(item["s"]["N"]),
            flushed=int(item["f"]["N"]),
            base=int(item["b"]["N"]),
            base_held=int(item["c"]["N"]),
            watermark_ms=int(item["w"]["N"]),
            latest_ms=int(item["l"]["N"]),
            tail=[part["B"] for part in item["t"]["L"]],
            holds={hold: int(left["N"]) for hold, left in item["o"]["M"].items()},
            state=int(item["x"]["N"]),
            floor=int(item["m"]["N"]),
        )

    def item(self) -> Item:
        """Write this balance as its item."""
        numbers = {
            "a": self.available,
            "h": self.held,
            "s": self.sequence,
            "f": self.flushed,
            "b": self.base,
            "c": self.base_held,
            "w": self.watermark_ms,
            "l": self.latest_ms,
            "x": self.state,
            "m": self.floor,
        }
        return {
            **balance_key(self.account, self.unit),
            "t": {"L": [{"B": part} for part in self.tail]},
            "o": {"M": {hold: {"N": str(left)} for hold, left in self.holds.items()}},
            **{name: {"N": str(number)} for name, number in numbers.items()},
        }

    def entries(self) -> Iterator[Posted]:
        """Walk the entries of the tail, oldest first."""
        return forward(self.tail, self.flushed, self.base, self.base_held)

    def newest(self) -> Posted:
        """Read the newest entry off the balance that it left. Only to know what a set did takes the ones before it."""
        key, packed = self.tail[-2:]
        entry = unpack(packed)
        if entry.kind is Kind.SET:
            *_, posted = self.entries()
            return posted
        return Posted(self.sequence, key, entry, self.available - entry.amount, self.available, self.held)

    def find(self, key: bytes) -> Posted | None:
        """Find the entry with this key in the tail."""
        if key not in self.tail[::2]:
            return None
        return next(posted for posted in self.entries() if posted.key == key)

    def is_full(self, cap: int) -> bool:
        """Say whether the tail has `cap` entries, so that it takes no change until it is flushed."""
        return len(self.tail) >= 2 * cap

    def spendable(self, now_ms: int) -> int:
        """How much could be spent now: what is available, and what expired holds in this item still hold."""
        return self.available + sum(left for hold, left in self.holds.items() if hold_expires_ms(hold) <= now_ms)

    @property
    def held_apart(self) -> int:
        """How much is held by holds in items of their own."""
        return self.held - sum(self.holds.values())


def name_hold(key: bytes, expires_ms: int) -> str:
    """Name the hold that the entry with this key opened.

    The name begins with when it expires, so names sort by that, and need not be looked up to tell. 38 random bits of
    the key tell apart the holds of one balance that expire within the same millisecond.
    """
    random = int.from_bytes(key) & (1 << _HOLD_RANDOM_BITS) - 1
    return b32hexencode((expires_ms << _HOLD_RANDOM_BITS | random).to_bytes(10)).decode()


def hold_expires_ms(hold: str) -> int:
    """Read off a hold's name when it expires. ValueError if that cannot be the name of a hold."""
    if len(hold) != _HOLD_CHARACTERS:
        raise ValueError("not the name of a hold")
    return int.from_bytes(b32hexdecode(hold)) >> _HOLD_RANDOM_BITS


def balance_key(account: int, unit: str) -> Item:
    """Name a balance item."""
    return {"pk": {"S": balance_pk(account, unit)}, "sk": {"S": "~"}}


def hold_key(account: int, unit: str, hold: str) -> Item:
    """Name the item of a hold that lies apart from its balance."""
    return {"pk": {"S": balance_pk(account, unit)}, "sk": {"S": hold_sk(hold)}}


def read(table: Table, account: int, unit: str) -> Balance:
    """Read a balance as it is now, strongly consistent; a unit never used yet is a balance of zero."""
    item = table.get(balance_key(account, unit))
    return Balance.read(account, unit, item) if item else Balance(account, unit)


def read_all(table: Table, wanted: Sequence[tuple[int, str]]) -> list[Balance]:
    """Read several balances, each (account, unit), each strongly consistent; a unit never used is a balance of zero."""
    keys = [balance_key(account, unit) for account, unit in wanted]
    found = {item["pk"]["S"]: item for item in table.get_all(keys)}
    return [
        Balance.read(account, unit, found[pk]) if (pk := balance_pk(account, unit)) in found else Balance(account, unit)
        for account, unit in wanted
    ]


def read_hold(table: Table, account: int, unit: str, hold: str) -> int | None:
    """Read what a hold that lies apart still holds. None: it does not lie there, or no more."""
    item = table.get(hold_key(account, unit, hold))
    return int(item["n"]["N"]) if item else None


def holds_apart(table: Table, account: int, unit: str, until_ms: int | None = None) -> Iterator[tuple[str, int]]:
    """Read the holds that lie apart, those that expire first first, each with what it still holds.

    With `until_ms`: only those that have expired by then.
    """
    request: dict[str, Any] = {
        "TableName": table.name,
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {
            ":pk": {"S": balance_pk(account, unit)},
            ":first": {"S": hold_sk("")},
            ":last": {"S": hold_sk("~" if until_ms is None else name_hold(b"\xff" * 16, until_ms))},
        },
        "ConsistentRead": True,
        "Limit": _HOLDS_A_CALL,
    }
    while True:
        with reading():
            answer = table.client.query(**request)
        for item in answer["Items"]:
            yield item["sk"]["S"].removeprefix(hold_sk("")), int(item["n"]["N"])
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
