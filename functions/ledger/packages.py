"""Packages: an operator's catalogue of what a top-up adds, each under an identifier of the operator's own.

What a package adds never changes once it is in the catalogue: entries name it as their reference, and a top-up asked
for again next year must find the balances that it changed. Its name, its price and whether it is active may change.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.entry import AMOUNT_LIMIT
from ledger.errors import Busy, NameTaken, OutcomeUnknown
from ledger.table import FAILED, Failure, Item, Table, failure, package_key, reading

LONGEST_IDENTIFIER_BYTES = 16
"""An entry has 24 bytes for the actor and the reference, and account ids go to 6 bytes."""

LONGEST_NAME = 100
MOST_QUANTITIES = 8

_PRICE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
_CURRENCY = re.compile(r"[A-Z]{3}")


class PackageNotFound(LookupError):
    """No such package in this operator's catalogue, or it is retired.

    Not among the ledger's errors: only who sells packages can meet it.
    """


@dataclass(frozen=True, slots=True)
class Package:
    """What a top-up adds to each unit, in its smallest part.

    `price`, a decimal number, and `currency`, of ISO 4217, are for people: nothing is ever charged by them.
    """

    identifier: str
    name: str
    quantities: Mapping[str, int]
    price: str = ""
    currency: str = ""
    active: bool = True

    @classmethod
    def read(cls, item: Item) -> "Package":
        """Read a package from its item."""
        return cls(
            identifier=item["sk"]["S"],
            name=item["n"]["S"],
            quantities={unit: int(quantity["N"]) for unit, quantity in item["q"]["M"].items()},
            price=item["p"]["S"],
            currency=item["c"]["S"],
            active=item["a"]["BOOL"],
        )

    def check(self) -> None:
        """Raise ValueError, with the field's name first, if this cannot be a package."""
        if not can_be_identifier(self.identifier):
            raise ValueError(f"identifier: 1 to {LONGEST_IDENTIFIER_BYTES} bytes of printable text")
        if not 1 <= len(self.name) <= LONGEST_NAME or not self.name.isprintable():
            raise ValueError(f"name: 1 to {LONGEST_NAME} printable characters")
        if not 1 <= len(self.quantities) <= MOST_QUANTITIES:
            raise ValueError(f"quantities: of 1 to {MOST_QUANTITIES} units")
        if not all(1 <= quantity <= AMOUNT_LIMIT for quantity in self.quantities.values()):
            raise ValueError(f"quantities: 1 to {AMOUNT_LIMIT}")
        if self.price and not _PRICE.fullmatch(self.price):
            raise ValueError("price: a decimal number")
        if bool(self.price) != bool(self.currency) or (self.currency and not _CURRENCY.fullmatch(self.currency)):
            raise ValueError("currency: three letters, if and only if there is a price")


def can_be_identifier(identifier: str) -> bool:
    """Say whether any package could have this identifier."""
    # What is printable can be encoded, too: half a surrogate pair is not.
    return identifier.isprintable() and 1 <= len(identifier.encode()) <= LONGEST_IDENTIFIER_BYTES


def put(table: Table, operator: int, package: Package) -> None:
    """Add a package to the catalogue, or revise all of it but its quantities.

    Raises ValueError, NameTaken if the identifier stands for other quantities already, Busy or OutcomeUnknown.
    """
    package.check()
    quantities: Item = {"M": {unit: {"N": str(quantity)} for unit, quantity in package.quantities.items()}}
    is_new = "attribute_not_exists(pk)"
    adds_the_same = "q = :quantities"
    try:
        table.client.put_item(
            TableName=table.name,
            Item={
                **package_key(operator, package.identifier),
                "n": {"S": package.name},
                "q": quantities,
                "p": {"S": package.price},
                "c": {"S": package.currency},
                "a": {"BOOL": package.active},
            },
            ConditionExpression=f"{is_new} OR {adds_the_same}",
            ExpressionAttributeValues={":quantities": quantities},
        )
    except FAILED as error:
        raise _judged(error, NameTaken("package identifier")) from error


def find(table: Table, operator: int, identifier: str) -> Package | None:
    """Look a package up, retired or not. Raises Busy if the database does not answer."""
    if not can_be_identifier(identifier):
        return None
    item = table.get(package_key(operator, identifier))
    return Package.read(item) if item else None


def get(table: Table, operator: int, identifier: str) -> Package:
    """Look a package up, retired or not. Raises PackageNotFound."""
    if (package := find(table, operator, identifier)) is None:
        raise PackageNotFound
    return package


def list_packages(table: Table, operator: int, *, after: str = "", limit: int) -> list[Package]:
    """Read up to `limit` packages, retired ones too, in the order of their identifiers' bytes, from past `after`."""
    request: dict[str, Any] = {
        "TableName": table.name,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": package_key(operator, "")["pk"]},
        "ConsistentRead": True,
    }
    if after:
        request["ExclusiveStartKey"] = package_key(operator, after)
    found: list[Package] = []
    while len(found) < limit:
        with reading():
            answer = table.client.query(**request, Limit=limit - len(found))
        found += [Package.read(item) for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            break
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return found


def retire(table: Table, operator: int, identifier: str) -> None:
    """Stop a package from being sold; `put` makes it active again. Raises PackageNotFound, Busy or OutcomeUnknown."""
    get(table, operator, identifier)  # nothing ever leaves the catalogue
    try:
        table.client.update_item(
            TableName=table.name,
            Key=package_key(operator, identifier),
            UpdateExpression="SET a = :no",
            ExpressionAttributeValues={":no": {"BOOL": False}},
        )
    except FAILED as error:
        raise _judged(error) from error


def is_active(table: Table, operator: int, identifier: str) -> Item:
    """Write the check that a package is being sold, for a transaction."""
    return {
        "ConditionCheck": {
            "TableName": table.name,
            "Key": package_key(operator, identifier),
            "ConditionExpression": "a = :yes",
            "ExpressionAttributeValues": {":yes": {"BOOL": True}},
        }
    }


def _judged(error: Exception, refused: Exception | None = None) -> Exception:
    """Say what a failed write comes to. It may be sent again safely, so it is not tried again here."""
    match failure(error):
        case Failure.CONDITION if refused:
            return refused
        case Failure.UNKNOWN:
            return OutcomeUnknown()
    return Busy()
