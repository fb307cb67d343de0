"""16 processes send the same idempotency key at once: one change, and the same answer for all of them."""

import random
from collections import Counter
from dataclasses import replace
from itertools import repeat

import pytest

from ledger.balance import change
from ledger.change import Change
from ledger.claims import CallerKey
from ledger.entry import Posted
from ledger.errors import KeyReused
from ledger.kinds import Kind
from ledger.table import Table, open_table
from tests.engine.books import OPERATOR, UNIT, check, first_time
from tests.engine.writers import Writers

pytestmark = pytest.mark.engine

KEYS = 20


def add(account: int, key: str, amount: int) -> Posted | None:
    """Add to the balance under this key; None if the key stands for something else."""
    wanted = Change(OPERATOR, account, UNIT, Kind.TOP_UP, amount, OPERATOR)
    caller_key = CallerKey(OPERATOR, key, ("add", account, UNIT, amount))
    try:
        return change(open_table(), wanted, caller_key)
    except KeyReused:
        return None


def add_all(account: int, requests: list[tuple[str, int]]) -> list[Posted | None]:
    return [add(account, key, amount) for key, amount in requests]


def test_a_key_sent_by_all_at_once_changes_the_balance_once_and_answers_all_alike(
    table: Table, writers: Writers, account: int, seed: int
) -> None:
    amounts = {f"{account}-{number}": number for number in range(1, KEYS + 1)}
    first: dict[str, Posted] = {}

    for key, amount in amounts.items():
        answers = [answer for answer in writers.race(add, repeat(account), repeat(key), repeat(amount)) if answer]
        # One of them made the change; the others met it. (A call that the SDK had to resend would blur that.)
        assert Counter(answer.replayed for answer in answers) == {False: 1, True: writers.count - 1}
        (first[key],) = set(first_time(answers))
    assert first_time(first.values()) == check(table, account, list(amounts.values()))

    # Once more, each process in an order of its own: by now most of these entries lie in pages.
    chance = random.Random(seed)
    orders = [chance.sample(list(amounts.items()), KEYS) for _ in range(writers.count)]
    for order, answers_again in zip(orders, writers.race(add_all, repeat(account), orders), strict=True):
        assert answers_again == [replace(first[key], replayed=True) for key, _ in order]
    check(table, account, list(amounts.values()))


def test_a_key_sent_at_once_with_different_contents_stands_for_one_of_them(
    table: Table, writers: Writers, account: int
) -> None:
    kept = []
    for number in range(KEYS):
        amounts = range(1, writers.count + 1)
        answers = writers.race(add, repeat(account), repeat(f"{account}-{number}"), amounts)
        (answer,) = filter(None, answers)
        kept.append(answer)
    assert kept == check(table, account, [answer.amount for answer in kept])
