from collections.abc import Iterator

import pytest

from ledger.table import Table
from tests.demo_ledger import demo_ledger, items
from tests.everlytic.books import open_rival, open_user


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Table]:
    """Give the demo's ledger, with RIVAL and USER in it, to a module's tests, which must leave it to the last item."""
    with demo_ledger() as table:
        open_rival(table)
        open_user(table)
        before = items(table)
        yield table
        assert items(table) == before
