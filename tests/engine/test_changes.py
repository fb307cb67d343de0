"""16 processes change one balance at once: nothing is lost, doubled, overdrawn or answered with another's balance."""

import random
from itertools import chain, repeat

import pytest

from ledger.accounts import get
from ledger.balance import Change, change
from ledger.counter import balance_key
from ledger.entry import Kind, Posted
from ledger.errors import InsufficientCredit
from ledger.table import Table, open_table
from tests.engine.books import OPERATOR, UNIT, check, first_time
from tests.engine.writers import Writers

pytestmark = pytest.mark.engine

CHANGES = 5_000


def add_all(account: int, unit: str, amounts: list[int]) -> list[Posted]:
    return [change(open_table(), Change(OPERATOR, account, unit, Kind.TOP_UP, amount, OPERATOR)) for amount in amounts]


def spend_until_refused(account: int, amount: int) -> tuple[list[Posted], int]:
    spent: list[Posted] = []
    while True:
        try:
            spent.append(change(open_table(), Change(OPERATOR, account, UNIT, Kind.SPEND, -amount, OPERATOR)))
        except InsufficientCredit as refused:
            return spent, refused.available


def test_every_change_counts_once_and_answers_with_its_own_balance(
    table: Table, writers: Writers, account: int, seed: int
) -> None:
    amounts = random.Random(seed).choices(range(1, 1_000), k=CHANGES)

    shares = [amounts[writer :: writers.count] for writer in range(writers.count)]
    answers = list(chain(*writers.race(add_all, repeat(account), repeat(UNIT), shares)))

    assert len({answer.after for answer in answers}) == CHANGES
    assert first_time(answers) == check(table, account, amounts)
    assert not any(answer.replayed for answer in answers)


@pytest.mark.parametrize("credit_limit", [0, 200])
def test_spends_stop_exactly_at_the_floor(table: Table, writers: Writers, account: int, credit_limit: int) -> None:
    opening, each, left = 300, 7, (300 + credit_limit) % 7
    assert left, "otherwise this test would not see a spend that takes the rest and more"
    change(table, Change(OPERATOR, account, UNIT, Kind.TOP_UP, opening, OPERATOR))
    _set_floor(table, account, -credit_limit)

    results = writers.race(spend_until_refused, repeat(account), repeat(each))

    spends = list(chain(*(spent for spent, _ in results)))
    assert len(spends) == (opening + credit_limit) // each
    assert {available for _, available in results} == {left}
    posted = check(table, account, [opening] + [-each] * len(spends))
    assert first_time(spends) == posted[1:]
    assert min(entry.after for entry in posted) == left - credit_limit


def test_the_first_use_of_a_unit_creates_its_balance_once(table: Table, writers: Writers, account: int) -> None:
    units = [f"unit-{number}" for number in range(10)]

    for unit in units:
        amounts = [2**writer for writer in range(writers.count)]
        answers = writers.race(add_all, repeat(account), repeat(unit), [[amount] for amount in amounts])
        assert first_time(chain(*answers)) == check(table, account, amounts, unit)

    assert get(table, OPERATOR, account).units == set(units)


def _set_floor(table: Table, account: int, floor: int) -> None:
    table.client.update_item(
        TableName=table.name,
        Key=balance_key(account, UNIT),
        UpdateExpression="SET m = :floor",
        ExpressionAttributeValues={":floor": {"N": str(floor)}},
    )
