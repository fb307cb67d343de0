"""Counts what a client's calls cost, whoever makes them."""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from botocore.model import OperationModel

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_UNIT_BYTES = 1024
_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
_ASK = "provide-client-params.dynamodb"
_COUNT = "after-call.dynamodb"


class Meter:
    """Counts a client's calls and write units for as long as it is entered.

    Writes cost what the engine says. It says nothing of a refused one, which costs by the item it met, nor anything
    true of a transaction, which costs AWS 2 units per item (each taken to be under 1 KB here), refused or not.
    """

    def __init__(self, client: "DynamoDBClient") -> None:
        self.calls = 0
        self.write_units = 0.0
        self._events = client.meta.events

    def _ask(self, params: dict[str, Any], model: OperationModel, **_: object) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"
        if model.name == "TransactWriteItems":
            self.write_units += 2 * len(params["TransactItems"])

    def _count(self, parsed: dict[str, Any], model: OperationModel, **_: object) -> None:
        self.calls += 1 + parsed["ResponseMetadata"].get("RetryAttempts", 0)
        if model.name in _WRITES:
            refused = -(-_size({"M": parsed.get("Item", {})}) // _UNIT_BYTES)
            self.write_units += parsed.get("ConsumedCapacity", {"CapacityUnits": refused})["CapacityUnits"]

    def __enter__(self) -> Self:
        self._events.register(_ASK, self._ask)
        self._events.register(_COUNT, self._count)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._events.unregister(_ASK, self._ask)
        self._events.unregister(_COUNT, self._count)


def _size(value: dict[str, Any]) -> int:
    """Estimate a value's bytes as AWS does (Developer Guide, "DynamoDB Item sizes and formats")."""
    match value:
        case {"M": dict(parts)}:
            return 3 + sum(len(name) + 1 + _size(part) for name, part in parts.items())
        case {"L": list(parts)}:
            return 3 + sum(1 + _size(part) for part in parts)
        case {"N": str(digits)}:
            return len(digits) // 2 + 2
        case {"S": text} | {"B": text}:
            return len(text)
    raise NotImplementedError(f"the size of {value}")
