from dataclasses import dataclass, field
from operator import call
from random import Random

import pytest

from ledger.accounts import HOUSE, Role
from ledger.opening import open_account
from ledger.table import Table
from tests.simulation.memory import Memory

OPERATOR = 100
ACCOUNT = 1


@dataclass
class Clock:
    """A clock that a test moves; sleeping moves it too."""

    ms: float = 1_767_225_600_000
    slept_ms: list[float] = field(default_factory=list)

    def sleep(self, ms: float) -> None:
        self.slept_ms.append(ms)
        self.ms += ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(clock: Clock) -> Table:
    """Give a ledger in memory in which customer 1 of operator 100 has 500 sms."""
    table = Table(
        Memory(),  # type: ignore[arg-type]  # the calls of the client that the ledger makes, and no others
        "ledger",
        now_ms=lambda: int(clock.ms),
        sleep_ms=clock.sleep,
        random_bits=Random(1).getrandbits,
        aside=call,
    )
    open_account(table, OPERATOR, actor=OPERATOR, account=ACCOUNT, balances={"sms": 500})
    return table


@pytest.fixture
def operator(table: Table) -> None:
    """Open the operator, too: nobody whose operator is unknown is let in."""
    open_account(table, HOUSE, actor=HOUSE, role=Role.ADMIN, account=OPERATOR)
