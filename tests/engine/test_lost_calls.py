"""A tenth of all DynamoDB calls is lost, before or after they took effect, or arrives late, or kills its sender.

Callers send again under their key what was not answered. Every request counts once and every answer to it is the same.
"""

import random
from functools import partial
from itertools import chain

import pytest

from ledger.balance import change
from ledger.change import Change
from ledger.claims import CallerKey
from ledger.entry import Posted
from ledger.errors import Busy, OutcomeUnknown
from ledger.kinds import Kind
from ledger.table import Table, open_table
from tests.engine.books import OPERATOR, UNIT, check, first_time
from tests.engine.losses import Died, LossyWire, table_without_sdk_retries
from tests.engine.senders import Request, make_requests, send_all
from tests.engine.writers import Writers

pytestmark = pytest.mark.engine

LOST = 0.10
REQUESTS = 5_000
KEYLESS = 500


def add_under_keys(account: int, requests: list[Request], seed: str) -> list[Posted | None]:
    table = table_without_sdk_retries()

    def add(request: Request) -> Posted | None:
        wanted = Change(OPERATOR, account, UNIT, Kind.TOP_UP, request.amount, OPERATOR)
        key = CallerKey(OPERATOR, request.key, ("add", account, UNIT, request.amount))
        try:
            return change(table, wanted, key)
        except (Busy, OutcomeUnknown, Died):
            return None

    with LossyWire(table.client, LOST, seed):
        return [add(request) for request in requests]


def add_without_keys(account: int, amounts: list[int], seed: str) -> list[Posted]:
    """Lose calls on the SDK's own client: it resends them, and the ledger sees one call that was made twice."""
    table = open_table()
    # Long enough for others to move the entry of a call, whose answer was lost, out of the tail into a page.
    with LossyWire(table.client, LOST, seed, deadly=False, timeout_s=1):
        return [change(table, Change(OPERATOR, account, UNIT, Kind.TOP_UP, amount, OPERATOR)) for amount in amounts]


def test_requests_sent_again_under_their_key_count_once_and_are_answered_alike(
    table: Table, writers: Writers, account: int, seed: int
) -> None:
    chance = random.Random(seed)
    requests = make_requests(account, REQUESTS, chance)

    answers = send_all(writers, partial(add_under_keys, account), requests, chance)

    # One answer per key, equal to what the history says; so no two keys share one.
    distinct = [set(first_time(answers[request])) for request in requests]
    assert all(len(answer) == 1 for answer in distinct)
    assert first_time(chain(*distinct)) == check(table, account, [request.amount for request in requests])


def test_calls_resent_by_the_sdk_count_once(table: Table, writers: Writers, account: int, seed: int) -> None:
    chance = random.Random(seed)
    amounts = chance.choices(range(1, 1_000), k=KEYLESS)
    shares = [amounts[writer :: writers.count] for writer in range(writers.count)]
    seeds = [f"{seed}/{writer}" for writer in range(writers.count)]

    answers = list(chain(*writers.race(add_without_keys, [account] * writers.count, shares, seeds)))

    assert first_time(answers) == check(table, account, amounts)
    assert not any(answer.replayed for answer in answers), "an SDK's own resend is not a replay"
