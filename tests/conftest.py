"""What every test stands on: a closed environment, and a table that lives for one test."""

# First, because project modules read their settings when they are imported.
from tests import environment

environment.close()

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from ledger.table import open_table
from tests.store import create_table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a longer proof be asked for."""
    parser.addoption("--schedules", type=int, default=10, help="how many seeds the simulation of the ledger tries")


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
