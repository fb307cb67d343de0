"""Names that are unique in the whole table and lead to one account: user names, tokens, hashed keys, e-mail addresses.

A name is taken, moved and given up in the same transaction as what it stands for. Design: README.md, Items.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.errors import AccountNotFound, NameTaken
from ledger.table import Item, Table, single

LONGEST_NAME_BYTES = 1_024

UNIQUE = {"email": "M", "unique_id": "I"}
"""The properties that tell the open accounts of one owner apart, each with the letter of its look-ups."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name that is unique in the whole table and leads to one account; `proof` is what shows it is theirs."""

    what: str
    pk: str
    proof: Item = field(default_factory=dict)


def find_username(table: Table, username: str) -> tuple[int, int]:
    """Find the owner and the id of the account with this user name. Raises AccountNotFound."""
    return find_name(table, f"U#{username}")


def find_name(table: Table, pk: str) -> tuple[int, int]:
    """Find the owner and the id of the account that a unique name leads to. Raises AccountNotFound.

    What is found is remembered for a while: this is for names that never lead elsewhere later, as those of UNIQUE do.
    """

    def find() -> tuple[int, int]:
        if not _can_be_a_key(pk):
            raise AccountNotFound
        item = table.get(single(pk))
        if item is None:
            raise AccountNotFound
        return int(item["o"]["N"]), int(item["account"]["N"])

    return table.recall(pk, find)


def unique_names(owner: int, properties: Mapping[str, str | int]) -> list[Name]:
    """Give the names that these properties claim among their owner's accounts. An e-mail's case makes no difference."""
    claimed = {what: str(properties.get(what, "")) for what in UNIQUE}
    claimed["email"] = claimed["email"].lower()
    return [Name(what, f"{UNIQUE[what]}#{owner}#{value}") for what, value in claimed.items() if value]


def look_up(name: Name, owner: int, account: int) -> Item:
    """Write the item that leads from a unique name to its account."""
    return {**single(name.pk), "account": {"N": str(account)}, "o": {"N": str(owner)}, **name.proof}


def take(table: Table, name: Name, owner: int, account: int) -> Item:
    """Write the put that takes a unique name for an account, if nobody has it."""
    item = look_up(name, owner, account)
    return {"Put": {"TableName": table.name, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}


def taken(name: Name, _: Item | None) -> bool:
    """Say what it means that a name could not be taken: raises NameTaken."""
    raise NameTaken(name.what)


def leads_to(table: Table, name: Name, account: int) -> bool:
    """Say whether a unique name is this account's."""
    item = table.get(single(name.pk))
    return item is not None and int(item["account"]["N"]) == account


def release(table: Table, name: Name, account: int) -> Item:
    """Write the delete that gives up an account's unique name."""
    return {
        "Delete": {
            "TableName": table.name,
            "Key": single(name.pk),
            "ConditionExpression": "account = :account",
            "ExpressionAttributeValues": {":account": {"N": str(account)}},
        }
    }


def _can_be_a_key(pk: str) -> bool:
    try:
        return len(pk.encode()) <= LONGEST_NAME_BYTES
    except UnicodeEncodeError:  # half a surrogate pair, which DynamoDB refuses
        return False
