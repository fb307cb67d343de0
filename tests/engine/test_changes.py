"""16 processes change one balance at once: nothing is lost, doubled, overdrawn or answered with another's balance."""

import random
from contextlib import suppress
from itertools import chain, repeat

import pytest

from ledger.accounts import get
from ledger.balance import change
from ledger.change import Change
from ledger.counter import balance_key
from ledger.entry import Posted
from ledger.errors import InsufficientCredit
from ledger.kinds import Kind
from ledger.table import Table, open_table
from tests.engine.books import OPERATOR, UNIT, check, first_time
from tests.engine.writers import Writers

pytestmark = pytest.mark.engine

CHANGES = 2_000  # test_ozeki_api.py makes 5,000
MOST_SPENDS = 200  # more than all processes together can make


def add(account: int, amount: int, unit: str = UNIT) -> Posted:
    return change(open_table(), Change(OPERATOR, account, unit, Kind.TOP_UP, amount, OPERATOR))


def spend(account: int, amount: int) -> Posted:
    return change(open_table(), Change(OPERATOR, account, UNIT, Kind.SPEND, -amount, OPERATOR))


def add_all(account: int, amounts: list[int]) -> list[Posted]:
    return [add(account, amount) for amount in amounts]


def spend_until_refused(account: int, amount: int) -> tuple[list[Posted], int]:
    spent: list[Posted] = []
    while len(spent) < MOST_SPENDS:
        try:
            spent.append(spend(account, amount))
        except InsufficientCredit as refused:
            return spent, refused.available
    raise AssertionError("never refused")


def spend_more_than_comes_in(account: int, times: int) -> list[Posted]:
    done: list[Posted] = []
    for _ in range(times):
        done.append(add(account, 5))
        with suppress(InsufficientCredit):
            done.append(spend(account, 7))
    return done


def test_every_change_counts_once_and_answers_with_its_own_balance(
    table: Table, writers: Writers, account: int, seed: int
) -> None:
    amounts = random.Random(seed).choices(range(1, 1_000), k=CHANGES)

    shares = [amounts[writer :: writers.count] for writer in range(writers.count)]
    answers = list(chain(*writers.race(add_all, repeat(account), shares)))

    assert len({answer.after for answer in answers}) == CHANGES
    assert first_time(answers) == check(table, account, amounts)
    assert not any(answer.replayed for answer in answers)


@pytest.mark.parametrize(("credit_limit", "possible", "left"), [(0, 142, 6), (200, 171, 3)])
def test_spends_stop_exactly_at_the_floor(
    table: Table, writers: Writers, account: int, credit_limit: int, possible: int, left: int
) -> None:
    change(table, Change(OPERATOR, account, UNIT, Kind.TOP_UP, 1_000, OPERATOR))
    _set_floor(table, account, -credit_limit)

    results = writers.race(spend_until_refused, repeat(account), repeat(7))

    spends = list(chain(*(spent for spent, _ in results)))
    assert len(spends) == possible
    assert {available for _, available in results} == {left}
    posted = check(table, account, [1_000] + [-7] * possible)
    assert first_time(spends) == posted[1:]


def test_spends_that_race_with_credits_never_pass_the_floor(table: Table, writers: Writers, account: int) -> None:
    answers = list(chain(*writers.race(spend_more_than_comes_in, repeat(account), repeat(25))))

    posted = check(table, account, [answer.amount for answer in answers])
    assert first_time(answers) == posted
    assert sum(entry.amount > 0 for entry in posted) == 25 * writers.count
    assert min(entry.after for entry in posted) >= 0


def test_the_first_use_of_a_unit_creates_its_balance_once(table: Table, writers: Writers, account: int) -> None:
    units = [f"unit-{number}" for number in range(10)]

    for unit in units:
        amounts = [2**writer for writer in range(writers.count)]
        answers = writers.race(add, repeat(account), amounts, repeat(unit))
        assert first_time(answers) == check(table, account, amounts, unit)

    assert get(table, OPERATOR, account).units == set(units)


def _set_floor(table: Table, account: int, floor: int) -> None:
    table.client.update_item(
        TableName=table.name,
        Key=balance_key(account, UNIT),
        UpdateExpression="SET m = :floor",
        ExpressionAttributeValues={":floor": {"N": str(floor)}},
    )
