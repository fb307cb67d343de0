"""16 processes capture one hold at once, credit by credit: each counts once, and none fights another for it."""

import random
from collections import defaultdict
from dataclasses import replace
from itertools import chain, repeat

import pytest

from ledger import holds
from ledger.balance import change
from ledger.change import MOST_INLINE, Change
from ledger.claims import CallerKey
from ledger.counter import read
from ledger.entry import Posted
from ledger.errors import HoldNotFound, HoldTooSmall
from ledger.kinds import Kind
from ledger.table import Table, open_table
from tests.engine.books import OPERATOR, UNIT, check, first_time
from tests.engine.writers import Writers

pytestmark = pytest.mark.engine

RESERVED = 10_000
CAPTURED = 9_700
SENT_TWICE = 0.02
LIFE_MS = 3_600_000


def capture_one(account: int, hold: str, key: str | None) -> Posted:
    caller_key = CallerKey(OPERATOR, key, ("capture", account, UNIT, hold, 1)) if key else None
    return holds.capture(open_table(), OPERATOR, account, UNIT, hold, 1, actor=OPERATOR, caller_key=caller_key)


def capture_under_keys(account: int, hold: str, keys: list[str]) -> list[Posted]:
    return [capture_one(account, hold, key) for key in keys]


def capture_until_refused(account: int, hold: str) -> int:
    """Capture as often as there is something left; return how often."""
    count = 0
    while True:
        try:
            capture_one(account, hold, None)
        except (HoldTooSmall, HoldNotFound):
            return count
        count += 1


def reserve(table: Table, account: int, amount: int) -> holds.Reserved:
    return holds.reserve(table, OPERATOR, account, UNIT, amount, lives_ms=LIFE_MS, actor=OPERATOR)


def test_every_capture_counts_once_and_the_rest_is_released(
    table: Table, writers: Writers, account: int, seed: int
) -> None:
    chance = random.Random(seed)
    change(table, Change(OPERATOR, account, UNIT, Kind.TOP_UP, 2 * RESERVED, OPERATOR))
    opened = reserve(table, account, RESERVED)
    keys = [f"{account}/{chance.getrandbits(64):x}" for _ in range(CAPTURED)]
    sent = keys + chance.sample(keys, int(SENT_TWICE * CAPTURED))
    chance.shuffle(sent)
    shares = [sent[writer :: writers.count] for writer in range(writers.count)]

    given = chain(*writers.race(capture_under_keys, repeat(account), repeat(opened.hold), shares))
    answers: defaultdict[str, set[Posted]] = defaultdict(set)
    for key, answer in zip(chain(*shares), given, strict=True):
        answers[key].add(replace(answer, replayed=False))
    released = holds.release(table, OPERATOR, account, UNIT, opened.hold, actor=OPERATOR)

    posted = check(table, account, [2 * RESERVED, -RESERVED] + [0] * CAPTURED + [RESERVED - CAPTURED])
    assert all(len(each) == 1 for each in answers.values()), "one answer per key"
    assert first_time(chain(*answers.values())) == posted[2:-1]
    assert [each.held for each in posted[1:]] == [*range(RESERVED, RESERVED - CAPTURED - 1, -1), 0]
    assert (released.after, released.held) == (2 * RESERVED - CAPTURED, 0)


@pytest.mark.parametrize("others", [0, MOST_INLINE])
def test_captures_stop_exactly_at_what_is_held(table: Table, writers: Writers, account: int, others: int) -> None:
    change(table, Change(OPERATOR, account, UNIT, Kind.TOP_UP, 1_000, OPERATOR))
    for _ in range(others):
        reserve(table, account, 1)
    opened = reserve(table, account, 300)
    assert sum(writers.race(capture_until_refused, repeat(account), repeat(opened.hold))) == 300
    check(table, account, [1_000, *[-1] * others, -300, *[0] * 300])
    assert read(table, account, UNIT).held == others
