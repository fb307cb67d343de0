"""What must be true of a balance and its history, whatever its writers went through."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ledger.counter import balance_key
from ledger.entry import Posted
from ledger.history import entries, reconcile
from ledger.table import Table
from tests.local import demo

OPERATOR = demo.ADMIN
UNIT = "sms"


def history(table: Table, account: int, unit: str = UNIT) -> list[Posted]:
    """Read the whole history, oldest first."""
    return entries(table, account, unit, limit=1_000_000)[::-1]


def check(table: Table, account: int, amounts: Sequence[int], unit: str = UNIT) -> list[Posted]:
    """Demand that exactly these amounts, in whatever order, made up this balance; return the history."""
    item = table.client.get_item(TableName=table.name, Key=balance_key(account, unit), ConsistentRead=True)["Item"]
    posted = history(table, account, unit)
    assert int(item["a"]["N"]) == sum(amounts), "the sum"
    assert [each.sequence for each in posted] == list(range(1, len(amounts) + 1)), "a gapless sequence"
    assert sorted(each.entry.amount for each in posted) == sorted(amounts), "each amount once"
    assert len({each.key for each in posted}) == len(amounts), "no key twice"
    assert reconcile(table, account, unit).problems == []
    return posted


def first_time(answers: Iterable[Posted]) -> list[Posted]:
    """Give answers in the order they happened, without the mark that some were repeated."""
    return sorted((replace(answer, replayed=False) for answer in answers), key=lambda answer: answer.sequence)
