"""One engine, one table and one crew of writers for all engine tests; every test opens its own accounts."""

import secrets
from collections.abc import Callable, Iterator
from itertools import count

import boto3
import pytest

from ledger.opening import open_account
from ledger.table import Table
from tests import environment
from tests.engine import dynamodb_local
from tests.engine.books import OPERATOR
from tests.engine.writers import Writers
from tests.local import demo
from tests.store import create_table

WRITERS = 16


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all tests of the engine in one process of pytest-xdist: one engine and one crew are load enough."""
    for item in items:
        if item.get_closest_marker("engine"):
            item.add_marker(pytest.mark.xdist_group("engine"))


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """Run DynamoDB Local and give its endpoint."""
    if reason := dynamodb_local.missing():
        pytest.skip(reason)
    with dynamodb_local.running() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def tables(engine: str) -> Iterator[Callable[[], Table]]:
    """Give what makes a new, empty table."""
    client = boto3.client("dynamodb", endpoint_url=engine)
    numbers = count()

    def new_table() -> Table:
        table = Table(client, f"{environment.TABLE_NAME}-{next(numbers)}")
        create_table(client, table.name)
        return table

    yield new_table
    client.close()


@pytest.fixture(scope="session")
def table(tables: Callable[[], Table]) -> Table:
    """Give the table that the writers write to, with the demo's accounts: its admin is the operator here."""
    table = tables()
    demo.seed(table)
    return table


@pytest.fixture(scope="session")
def writers(engine: str, table: Table) -> Iterator[Writers]:
    with Writers(WRITERS, engine, table.name) as writers:
        yield writers


@pytest.fixture
def account(table: Table) -> int:
    """Open an account of the operator's, with no balance yet."""
    return open_account(table, OPERATOR, actor=OPERATOR).id


@pytest.fixture
def seed() -> int:
    """Choose what chance there is in a test. Pytest shows it when the test fails."""
    chosen = secrets.randbits(32)
    print(f"seed {chosen}")
    return chosen
