from collections.abc import Iterator

import pytest

from ledger.table import Table
from tests.demo_ledger import demo_ledger, items


@pytest.fixture(scope="module")
def kept() -> Iterator[Table]:
    """Give the demo's ledger to all tests of a module that judge by what they find, and by what they leave."""
    with demo_ledger() as table:
        yield table


@pytest.fixture(scope="module")
def unchanged() -> Iterator[Table]:
    """Give the demo's ledger to all tests of a module, which must leave it, to the last item, as it was."""
    with demo_ledger() as table:
        before = items(table)
        yield table
        assert items(table) == before
