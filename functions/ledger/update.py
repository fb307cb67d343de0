"""A conditional update of one item, built from parts and written out once. Nobody edits another's expression text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from ledger.table import Item, Table


@dataclass(frozen=True, slots=True)
class Update:
    """What to set and to remove in one item, if every clause holds; a refusal brings the item that stood there."""

    table: Table
    key: Item
    sets: Sequence[str] = ()
    removes: Sequence[str] = ()
    clauses: Sequence[str] = ()
    values: Item = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def also(
        self,
        *,
        sets: Sequence[str] = (),
        removes: Sequence[str] = (),
        clauses: Sequence[str] = (),
        values: Item | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Self:
        """Add parts to all of this, in the same update."""
        return replace(
            self,
            sets=[*self.sets, *sets],
            removes=[*self.removes, *removes],
            clauses=[*self.clauses, *clauses],
            values={**self.values, **(values or {})},
            names={**self.names, **(names or {})},
        )

    def request(self) -> dict[str, Any]:
        """Write the request of an update, alone or in a transaction; with nothing to do in it, that of a delete."""
        parts = [("SET ", self.sets), ("REMOVE ", self.removes)]
        request: dict[str, Any] = {
            "TableName": self.table.name,
            "Key": self.key,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if expression := " ".join(verb + ", ".join(each) for verb, each in parts if each):
            request["UpdateExpression"] = expression
        if self.clauses:
            request["ConditionExpression"] = " AND ".join(self.clauses)
        if self.values:
            request["ExpressionAttributeValues"] = self.values
        if self.names:
            request["ExpressionAttributeNames"] = self.names
        return request


def number(value: int) -> Item:
    """Write a number as an attribute."""
    return {"N": str(int(value))}
