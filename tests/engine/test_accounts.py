"""Processes open accounts at once: every id is given once and none is skipped, and a name has one owner."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain, repeat

import pytest

from ledger.accounts import get
from ledger.claims import CallerKey
from ledger.errors import Busy, NameTaken, OutcomeUnknown
from ledger.names import Name, find_username
from ledger.opening import open_account
from ledger.table import Table, open_table
from tests.engine.books import OPERATOR
from tests.engine.losses import Died, LossyWire, table_without_sdk_retries
from tests.engine.writers import Writers

pytestmark = pytest.mark.engine

OPENERS = 8
ACCOUNTS_EACH = 6
USERNAMES = 10


def open_some(table_name: str, keys: list[str], lost: float, seed: str) -> list[int]:
    """Open an account for each key, sending each until it is answered."""
    table = replace(table_without_sdk_retries(), name=table_name)

    def open_one(key: str) -> int:
        while True:
            try:
                caller_key = CallerKey(OPERATOR, key, ("open",))
                return open_account(table, OPERATOR, actor=OPERATOR, caller_key=caller_key).id
            except (Busy, OutcomeUnknown, Died):
                continue

    with LossyWire(table.client, lost, seed):
        return [open_one(key) for key in keys]


def open_named(username: str) -> int | None:
    try:
        names = [Name("username", f"U#{username}")]
        return open_account(open_table(), OPERATOR, actor=OPERATOR, username=username, names=names).id
    except NameTaken:
        return None


@pytest.mark.parametrize("lost", [0, 0.3])
def test_ids_count_up_from_1_without_a_gap(
    tables: Callable[[], Table], writers: Writers, seed: int, lost: float
) -> None:
    table = tables()
    keys = [[f"{opener}-{number}" for number in range(ACCOUNTS_EACH)] for opener in range(OPENERS)]
    keys += [[]] * (writers.count - OPENERS)
    seeds = [f"{seed}/{writer}" for writer in range(writers.count)]

    ids = list(chain(*writers.race(open_some, repeat(table.name), keys, repeat(lost), seeds)))

    assert sorted(ids) == list(range(1, OPENERS * ACCOUNTS_EACH + 1))
    assert [get(table, OPERATOR, account).id for account in ids] == ids


def test_a_username_asked_for_by_all_at_once_is_given_once(table: Table, writers: Writers) -> None:
    for number in range(USERNAMES):
        username = f"wanted-{number}"
        (account,) = (account for account in writers.race(open_named, repeat(username)) if account is not None)
        assert find_username(table, username) == (OPERATOR, account)
