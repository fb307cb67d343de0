"""What every test stands on: a closed environment, and a table that lives for one test."""

# First, because project modules read their settings when they are imported.
from tests import environment, iam

environment.close()
iam.enforce()

import io
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from aws_lambda_powertools import Logger
from hypothesis import settings
from moto import mock_aws

from ledger.table import Table, open_table
from tests.clock import Clock
from tests.demo_ledger import demo_ledger, items
from tests.store import create_table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


# The handlers' own table, which they open when they are imported.
_clock = Clock()
object.__setattr__(open_table(), "now_ms", _clock.now)
object.__setattr__(open_table(), "sleep_ms", _clock.sleep)

# The same examples in every run, however slow the machine.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a longer proof be asked for."""
    parser.addoption("--schedules", type=int, default=10, help="how many seeds the simulation of the ledger tries")


@pytest.fixture(autouse=True)
def no_function_did_what_it_may_not() -> Iterator[None]:
    """Fail a test in which a function asked DynamoDB for what its policy does not grant, whatever became of that."""
    yield
    denied = iam.denied.copy()
    iam.denied.clear()
    assert not denied


@pytest.fixture
def schedules(request: pytest.FixtureRequest) -> range:
    """Give the seeds to simulate. A failure prints the one that repeats it."""
    return range(request.config.getoption("--schedules"))


@pytest.fixture
def dynamodb() -> "Iterator[DynamoDBClient]":
    """Give a client of an empty ledger table that only this test sees."""
    table = open_table()  # the handlers' own: a client costs more to make than most tests to run
    with mock_aws():
        create_table(table.client, table.name)
        table.recent.clear()
        yield table.client


@pytest.fixture
def ledger() -> Iterator[Table]:
    """Give the demo's ledger, to this test only, which may change it."""
    with demo_ledger() as table:
        yield table


@pytest.fixture(scope="module")
def shared_ledger() -> Iterator[Table]:
    """Give the demo's ledger to all tests of a module, none of which depends on what another left."""
    with demo_ledger() as table:
        yield table


@pytest.fixture(scope="module")
def unchanged(shared_ledger: Table) -> Iterator[Table]:
    """Give a ledger that must be after all tests of a module, to the last item, what it was before them."""
    before = items(shared_ledger)
    yield shared_ledger
    assert items(shared_ledger) == before


@pytest.fixture
def log(capfd: pytest.CaptureFixture[str]) -> Iterator[io.StringIO]:
    """Give all that is logged, by whomever, as the deployed functions write it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Logger().registered_formatter)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)
