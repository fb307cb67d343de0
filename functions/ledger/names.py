"""Names that are unique in the whole table and lead to one account: user names, tokens, hashed keys, e-mail addresses.

A name is taken, moved and given up in the same transaction as what it stands for. A user name or token that an account
gave up stays its own until that account is closed: whoever still writes the old name never reaches another's credit.
Design: README.md, Items.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from unicodedata import normalize

from ledger import accounts
from ledger.commit import Write
from ledger.counter import State
from ledger.errors import AccountNotFound, NameTaken
from ledger.table import Item, Table, single
from ledger.update import number

LONGEST_NAME_BYTES = 1_024

LONGEST_USERNAME = 16
"""Characters, composed; as Ozeki's page says."""

_LONGEST_DECOMPOSED = 4 * LONGEST_USERNAME  # no character comes apart into more

UNIQUE = {"email": "M", "unique_id": "I"}
"""The properties that tell the open accounts of one owner apart, each with the letter of its look-ups."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name that is unique in the whole table and leads to one account; `proof` is what shows it is theirs."""

    what: str
    pk: str
    proof: Item = field(default_factory=dict)


def composed(username: str) -> str:
    """Write a user name in Unicode's composed form (NFC), unless it is longer than any can be."""
    # Composing takes time by the square of the length: seconds for what a body can hold.
    return normalize("NFC", username) if len(username) <= _LONGEST_DECOMPOSED else username


def username_pk(username: str) -> str:
    """Name the look-up of a user name: one, however it is composed and whatever its case."""
    return f"U#{composed(composed(username).casefold())}"


def token(text: str) -> Name:
    """Make the look-up of a token, by which a dialect names an account."""
    return Name("token", f"T#{text}")


def find_username(table: Table, username: str) -> tuple[int, int]:
    """Find the owner and the id of the account with this user name. Raises AccountNotFound."""
    return find_name(table, username_pk(username))


def find_name(table: Table, pk: str) -> tuple[int, int]:
    """Find the owner and the id of the account that a user name or a token leads to. Raises AccountNotFound.

    What is found is remembered for a while: such a name leads elsewhere only once its account is closed, and then what
    is remembered takes no change any more.
    """

    def find() -> tuple[int, int]:
        if not _can_be_a_key(pk):
            raise AccountNotFound
        item = table.get(single(pk))
        if item is None or "z" in item:
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


class Takings:
    """How the names of one commit can be taken, as its tries have learned: new, or from an account that is closed."""

    def __init__(self, table: Table, owner: int) -> None:
        self._table = table
        self._owner = owner
        self._closed: dict[str, int] = {}

    def write(self, name: Name, account: int) -> Write:
        """Write the put that takes a name for an account of the owner's, refused with NameTaken."""
        is_free = "attribute_not_exists(pk) OR account = :account"
        values: Item = {":account": number(account)}
        if name.pk in self._closed:
            is_free += " OR account = :closed"
            values[":closed"] = number(self._closed[name.pk])
        put: Item = {
            "TableName": self._table.name,
            "Item": look_up(name, self._owner, account),
            "ConditionExpression": is_free,
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        return Write({"Put": put}, partial(self._refused, name))

    def _refused(self, name: Name, stands: Item | None) -> bool:
        """Learn that whoever has the name is closed, and that for good; otherwise it is taken."""
        # Those of UNIQUE were given up when their account was closed.
        if stands and name.what not in UNIQUE and int(stands["o"]["N"]) == self._owner:
            holder = accounts.find(self._table, self._owner, int(stands["account"]["N"]))
            if holder and holder.state is State.CLOSED and self._closed.get(name.pk) != holder.id:
                self._closed[name.pk] = holder.id
                return True
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


def give_up(table: Table, name: Name, owner: int, account: int) -> Write:
    """Write the put by which an account's user name or token leads nowhere, though to nobody else either."""
    has_it = "account = :account"
    gone = {**look_up(Name(name.what, name.pk), owner, account), "z": number(table.now_ms())}
    put: Item = {
        "TableName": table.name,
        "Item": gone,
        "ConditionExpression": has_it,
        "ExpressionAttributeValues": {":account": number(account)},
    }
    return Write({"Put": put})


def _can_be_a_key(pk: str) -> bool:
    try:
        return len(pk.encode()) <= LONGEST_NAME_BYTES
    except UnicodeEncodeError:  # half a surrogate pair, which DynamoDB refuses
        return False
