"""Notes: the long texts of a change, kept beside its entry because the tail has no room for them.

A note is written before its change, under the change's key; the entry's flag says that there is one. If the change is
then declined, or its process dies, the note is an orphan that nothing leads to. Design: README.md, Items.
"""

from collections.abc import Sequence

from ledger.entry import Posted
from ledger.table import FAILED, Failure, Item, Table, failure, single

LONGEST_BYTES = 2_048


def note_item(table: Table, key: bytes, text: str) -> Item:
    """Write the put of a note; the first one under a key stays. ValueError if the text is too long."""
    if len(text.encode()) > LONGEST_BYTES:
        raise ValueError(f"a note has at most {LONGEST_BYTES} bytes")
    return {
        "TableName": table.name,
        "Item": {**single(f"N#{key.hex()}"), "text": {"S": text}},
        "ConditionExpression": "attribute_not_exists(pk)",
    }


def write(table: Table, key: bytes, text: str) -> bool:
    """Keep a note under the key of a change to come. False: there was no answer, so the change should not go ahead."""
    try:
        table.client.put_item(**note_item(table, key, text))
    except FAILED as error:
        return failure(error) is Failure.CONDITION
    return True


def read(table: Table, posted: Sequence[Posted]) -> dict[bytes, str]:
    """Read the notes of these entries, by key. An entry without one is left out."""
    keys = {f"N#{each.key.hex()}": each.key for each in posted if each.entry.has_note}
    return {keys[item["pk"]["S"]]: item["text"]["S"] for item in table.get_all([single(pk) for pk in keys])}
