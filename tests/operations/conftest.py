from collections.abc import Iterator

import pytest

from ledger.table import Table
from tests.demo_ledger import demo_ledger, quick_passwords


@pytest.fixture
def ledger() -> Iterator[Table]:
    """Give the demo's ledger, to this test only, which may change it."""
    with quick_passwords(), demo_ledger() as table:
        yield table
