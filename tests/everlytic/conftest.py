from collections.abc import Iterator

import pytest

from ledger.table import Table
from tests.demo_ledger import demo_ledger, items, quick_passwords
from tests.everlytic.books import open_rival, open_user


@pytest.fixture
def ledger() -> Iterator[Table]:
    """Give the demo's ledger, to this test only, which may change it."""
    with quick_passwords(), demo_ledger() as table:
        yield table


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Table]:
    """Give the demo's ledger, with RIVAL and USER in it, to a module's tests, which must leave it to the last item."""
    with quick_passwords(), demo_ledger() as table:
        open_rival(table)
        open_user(table)
        before = items(table)
        yield table
        assert items(table) == before
