"""The Ozeki endpoint's own handler in 16 processes at once, as Lambda would run it."""

import random
from functools import partial
from itertools import chain, count, repeat

import pytest

from ledger.names import Name
from ledger.opening import open_account
from ledger.table import Table, open_table
from tests.engine.books import OPERATOR, check
from tests.engine.losses import Died, LossyWire
from tests.engine.senders import Request, make_requests, send_all
from tests.engine.writers import Writers
from tests.ozeki.caller import ADMIN, Answer, ask

pytestmark = pytest.mark.engine

CHANGES = 5_000
KEYED = 500
KEYS = 10
LOST = 0.10
BUSY, OUTCOME_UNKNOWN = 7, 10

numbers = count(1)


@pytest.fixture
def customer(table: Table) -> tuple[int, str]:
    """Open an account of the demo's admin; give its id and its user name."""
    username = f"user-{next(numbers)}"
    names = [Name("username", f"U#{username}")]
    return open_account(table, OPERATOR, actor=OPERATOR, username=username, names=names).id, username


def add(username: str, amount: int, key: str | None = None) -> Answer:
    return ask({"action": "addcredits", **ADMIN, "useraccount": username, "add": str(amount)}, key)


def add_all(username: str, amounts: list[int]) -> list[Answer]:
    return [add(username, amount) for amount in amounts]


def add_under_keys(username: str, requests: list[Request], seed: str) -> list[int | None]:
    def balance_after(request: Request) -> int | None:
        try:
            answer = add(username, request.amount, request.key)
        except Died:
            return None
        assert answer.code in (None, BUSY, OUTCOME_UNKNOWN)
        return answer.balance

    with LossyWire(open_table().client, LOST, seed):
        return [balance_after(request) for request in requests]


def test_every_addcredits_counts_once_and_answers_with_its_own_balance(
    table: Table, writers: Writers, customer: tuple[int, str], seed: int
) -> None:
    account, username = customer
    amounts = random.Random(seed).choices(range(1, 1_000), k=CHANGES)

    shares = [amounts[writer :: writers.count] for writer in range(writers.count)]
    answers = list(chain(*writers.race(add_all, repeat(username), shares)))

    posted = check(table, account, amounts)
    assert sorted(answer.balance or 0 for answer in answers) == [entry.after for entry in posted]


def test_a_key_sent_by_all_at_once_is_answered_alike(table: Table, writers: Writers, customer: tuple[int, str]) -> None:
    account, username = customer
    for number in range(1, KEYS + 1):
        answers = writers.race(add, repeat(username), repeat(number), repeat(f"{username} {number}"))
        assert {answer.balance for answer in answers} == {number * (number + 1) // 2}
        assert sum(answer.replayed for answer in answers) == writers.count - 1
    check(table, account, range(1, KEYS + 1))


def test_with_a_tenth_of_all_calls_lost_each_key_counts_once_and_is_answered_alike(
    table: Table, writers: Writers, customer: tuple[int, str], seed: int
) -> None:
    account, username = customer
    chance = random.Random(seed)
    requests = make_requests(account, KEYED, chance)

    answers = send_all(writers, partial(add_under_keys, username), requests, chance)

    posted = check(table, account, [request.amount for request in requests])
    distinct = [set(answers[request]) for request in requests]
    assert all(len(balances) == 1 for balances in distinct)
    assert sorted(chain(*distinct)) == [entry.after for entry in posted]
