"""The balance item: a counter, and the tail of its own history. Design: ledger.md 2."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

from ledger.entry import Posted, forward
from ledger.table import Item, Table, balance_pk, reading


class State(IntEnum):
    """How far an account is open, in profiles and balances alike. The numbers are stored and compared."""

    OPEN = 0
    SUSPENDED = 1
    CLOSED = 2


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance item at one instant. `flushed`, `base` and `base_held` are as of the last entry in the pages."""

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
            **{name: {"N": str(number)} for name, number in numbers.items()},
        }

    def entries(self) -> Iterator[Posted]:
        """Walk the entries of the tail, oldest first."""
        return forward(self.tail, self.flushed, self.base, self.base_held)

    def find(self, key: bytes) -> Posted | None:
        """Find the entry with this key in the tail."""
        if key not in self.tail[::2]:
            return None
        return next(posted for posted in self.entries() if posted.key == key)


def balance_key(account: int, unit: str) -> Item:
    """Name a balance item."""
    return {"pk": {"S": balance_pk(account, unit)}, "sk": {"S": "~"}}


def read(table: Table, account: int, unit: str) -> Balance:
    """Read a balance as it is now, strongly consistent; a unit never used yet is a balance of zero."""
    item = table.get(balance_key(account, unit))
    return Balance.read(account, unit, item) if item else Balance(account, unit)


def read_all(table: Table, wanted: Sequence[tuple[int, str]]) -> list[Balance]:
    """Read several balances, each (account, unit), each strongly consistent, in one call unless DynamoDB splits it."""
    found: dict[str, Item] = {}
    keys: Sequence[Any] = [balance_key(account, unit) for account, unit in wanted]
    while keys:
        with reading():
            answer = table.client.batch_get_item(RequestItems={table.name: {"Keys": keys, "ConsistentRead": True}})
        found |= {item["pk"]["S"]: item for item in answer["Responses"][table.name]}
        keys = answer["UnprocessedKeys"].get(table.name, {"Keys": []})["Keys"]
    return [
        Balance.read(account, unit, found[pk]) if (pk := balance_pk(account, unit)) in found else Balance(account, unit)
        for account, unit in wanted
    ]
