from collections.abc import Iterator

import pytest

from ledger.table import Table
from tests.demo_ledger import demo_ledger, items


@pytest.fixture(scope="module")
def shared_ledger() -> Iterator[Table]:
    """Give the demo's ledger to all tests of a module whose every test takes `unchanged`."""
    with demo_ledger() as table:
        yield table


@pytest.fixture(scope="module")
def unchanged(shared_ledger: Table) -> Iterator[Table]:
    """Give a ledger that must be after all tests of a module, to the last item, what it was before them."""
    before = items(shared_ledger)
    yield shared_ledger
    assert items(shared_ledger) == before
