"""What every test stands on: a closed environment, and a table that lives for one test."""

# First, because project modules read their settings when they are imported.
from tests import environment, iam

environment.close()
iam.enforce()

import io
import logging
from collections.abc import Callable, Iterator
from operator import call
from typing import TYPE_CHECKING

import pytest
from aws_lambda_powertools import Logger
from hypothesis import settings
from moto import mock_aws

from ledger.table import Table, open_table
from tests import clock
from tests.demo_ledger import demo_ledger, items
from tests.store import create_table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


# The handlers' own table, which they open when they are imported.
object.__setattr__(open_table(), "now_ms", lambda: clock.HANDLERS.now())
object.__setattr__(open_table(), "sleep_ms", clock.HANDLERS.sleep)
# What no answer waits for is not done here, unless a test is about it: another thread would be at no certain place.
object.__setattr__(open_table(), "aside", lambda _: None)

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


@pytest.fixture
def nothing_later(ledger: Table) -> Iterator[None]:
    """Have what no answer waits for done at once."""
    before = ledger.aside
    object.__setattr__(ledger, "aside", call)  # which leaves no frame for tests/iam.py to stop at
    yield
    object.__setattr__(ledger, "aside", before)


@pytest.fixture(scope="module")
def shared_ledger() -> Iterator[Table]:
    """Give the demo's ledger to all tests of a module, none of which depends on what another left."""
    with demo_ledger() as table:
        yield table


@pytest.fixture(scope="module")
def unchanged(shared_ledger: Table) -> Iterator[Table]:
    """Give a ledger that must be after all tests of a module, to the last item, what it was before them.

    But for the guesses that were counted: they are no part of what anybody asked for.
    """
    before = items(shared_ledger)
    yield shared_ledger
    assert [item for item in items(shared_ledger) if not item["pk"]["S"].startswith("F#")] == before


class _Failures(logging.Handler):
    """Keep what handlers log of exceptions that nobody expected."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[object] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen += [vars(record).get("frames")] if record.getMessage() == "failed" else []


@pytest.fixture(autouse=True)
def _nothing_fails(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that met an exception nobody expected, though it was answered, unless that is what it is about."""
    failures = _Failures()
    logging.getLogger("prepaid").addHandler(failures)
    yield
    logging.getLogger("prepaid").removeHandler(failures)
    assert "failing" in request.fixturenames or not failures.seen


@pytest.fixture
def failing(ledger: Table) -> Iterator[Callable[[Callable[[], Exception]], None]]:
    """Give what makes every call of the database from then on meet such an exception."""
    met: list[Callable[[], Exception]] = []

    def fail(**_: object) -> None:
        for make in met:
            raise make()

    ledger.client.meta.events.register("before-call.dynamodb", fail)
    yield met.append
    ledger.client.meta.events.unregister("before-call.dynamodb", fail)


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Turn on whatever makes Powertools log more."""
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    logger = logging.getLogger("prepaid")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    yield
    logger.setLevel(level)


@pytest.fixture
def log(capfd: pytest.CaptureFixture[str]) -> Iterator[io.StringIO]:
    """Give all that is logged, by whomever, as the deployed functions write it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Logger().registered_formatter)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)
