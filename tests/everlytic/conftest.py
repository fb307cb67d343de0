from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from moto import mock_aws

from ledger.table import Table, open_table
from tests.demo_ledger import demo_ledger, items, quick_passwords
from tests.everlytic.books import open_rival, open_user
from tests.store import create_table


@pytest.fixture
def ledger() -> Iterator[Table]:
    """Give the demo's ledger, to this test only, which may change it."""
    with copied_ledger() as table:
        yield table


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Table]:
    """Give the demo's ledger, with RIVAL and USER in it, to a module's tests, which must leave it to the last item."""
    with copied_ledger() as table:
        open_rival(table)
        open_user(table)
        before = items(table)
        yield table
        assert items(table) == before


@contextmanager
def copied_ledger() -> Iterator[Table]:
    """Put the demo's items into a new table at once: a third of what it takes to open its accounts again."""
    puts: Any = [{"PutRequest": {"Item": item}} for item in demo_items()]
    table = open_table()
    with mock_aws():
        create_table(table.client, table.name)
        table.recent.clear()
        for first in range(0, len(puts), 25):
            table.client.batch_write_item(RequestItems={table.name: puts[first : first + 25]})
        yield table
        table.recent.clear()


@cache
def demo_items() -> list[dict[str, Any]]:
    with quick_passwords(), demo_ledger() as table:
        return items(table)
