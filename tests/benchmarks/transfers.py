"""One main account that feeds many sub-accounts: transfers a second, and tries each of them takes.

DynamoDB Local makes transactions wait for each other, and so shows hardly any conflict; AWS refuses one of two that
meet. So a share of all tries is refused here, before it is sent, as AWS would refuse it.
"""

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import repeat
from statistics import median
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from ledger import accounts
from ledger.accounts import HOUSE, Account, Role
from ledger.errors import Busy
from ledger.opening import open_account
from ledger.table import Table, open_table
from ledger.transfer import transfer
from tests.benchmarks.goals import Goal, show
from tests.benchmarks.meter import Meter
from tests.engine.writers import Writers

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CREWS = (1, 16)
CHILDREN = 50
CONFLICTS = (0, 0.1)
UNIT = "EUR"
PLENTY = 10**12
WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class Tally:
    """What one writer did in one measurement."""

    transfers: int
    busy: int
    tries: int
    calls: int
    write_units: float
    seconds: float


class Figures:
    """One measurement a round: of all writers together, by transfer or by second."""

    def __init__(self) -> None:
        self.tries: list[float] = []
        self.calls: list[float] = []
        self.write_units: list[float] = []
        self.rates: list[float] = []
        self.busy = 0

    def add(self, tallies: list[Tally]) -> None:
        transfers = sum(tally.transfers for tally in tallies)
        self.tries.append(sum(tally.tries for tally in tallies) / transfers)
        self.calls.append(sum(tally.calls for tally in tallies) / transfers)
        self.write_units.append(sum(tally.write_units for tally in tallies) / transfers)
        self.rates.append(sum(tally.transfers / tally.seconds for tally in tallies))
        self.busy += sum(tally.busy for tally in tallies)


def report(endpoint: str, table_name: str, seconds: float, rounds: int) -> None:
    """Measure by turns and print the medians."""
    figures: dict[tuple[int, float], Figures] = defaultdict(Figures)
    family = _open_family(open_table())
    with ExitStack() as stack:
        crews = [stack.enter_context(Writers(count, endpoint, table_name)) for count in CREWS]
        for crew in crews:
            crew.race(measure, repeat(family), repeat(0), repeat(WARM_UP_S))
        for _ in range(rounds):
            for crew in crews:
                for conflicts in CONFLICTS:
                    tallies = crew.race(measure, repeat(family), repeat(conflicts), repeat(seconds))
                    figures[crew.count, conflicts].add(tallies)

    print(f"\nFrom one account to {CHILDREN}")
    print(f"{'writers':>7} {'refused':>8} {'tries':>6} {'calls':>6} {'units':>6} {'transfers/s':>12} {'busy':>5}")
    for (count, conflicts), each in figures.items():
        print(
            f"{count:>7} {conflicts:>8.0%} {median(each.tries):6.2f} {median(each.calls):6.2f}"
            f" {median(each.write_units):6.2f} {median(each.rates):12.0f} {each.busy:>5}"
        )
    most, tenth = max(CREWS), CONFLICTS[-1]
    show(
        Goal("tries a transfer, a tenth refused", "<=", 1.25, median(figures[most, tenth].tries)),
        Goal("speed of 16 writers, of one", ">=", 0.8, _times(figures[most, 0], figures[1, 0])),
        Goal("speed with a tenth refused, of with none", ">=", 0.6, _times(figures[most, tenth], figures[most, 0])),
        Goal("transfers given up as busy", "<=", 0, sum(each.busy for each in figures.values())),
    )


def measure(family: tuple[Account, list[Account]], conflicts: float, seconds: float) -> Tally:
    """Move 1 from the parent to one child after another, in an order of this writer's own, for so long."""
    table = open_table()
    parent, children = family
    transfers = busy = 0
    started = time.monotonic()
    with Meter(table.client) as meter, _refusing(table.client, conflicts) as tries:
        while (took := time.monotonic() - started) < seconds or not transfers:
            try:
                transfer(table, parent.id, parent, random.choice(children), UNIT, 1)
                transfers += 1
            except Busy:
                busy += 1
    return Tally(transfers, busy, len(tries), meter.calls, meter.write_units, took)


@contextmanager
def _refusing(client: "DynamoDBClient", share: float) -> Iterator[list[bool]]:
    """Refuse this share of a client's transactions before they are sent; list all tries, and whether each was."""
    tries: list[bool] = []

    def answer(**_: object) -> Any:
        tries.append(random.random() < share)
        if not tries[-1]:
            return None
        refusal: dict[str, Any] = {
            "Error": {"Code": "TransactionCanceledException", "Message": "another transaction is passing"},
            "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}, {"Code": "None"}],
            "ResponseMetadata": {"RetryAttempts": 0},
        }
        return AWSResponse(client.meta.endpoint_url, 400, HTTPHeaders(), None), refusal

    event = "before-call.dynamodb.TransactWriteItems"
    client.meta.events.register(event, answer)
    try:
        yield tries
    finally:
        client.meta.events.unregister(event, answer)


def _open_family(table: Table) -> tuple[Account, list[Account]]:
    opened = open_account(table, HOUSE, actor=HOUSE, role=Role.ADMIN, balances={UNIT: PLENTY}).id
    children = [open_account(table, opened, actor=opened, balances={UNIT: 0}).id for _ in range(CHILDREN)]
    return accounts.get(table, HOUSE, opened), [accounts.get(table, opened, child) for child in children]


def _times(one: Figures, other: Figures) -> float:
    return median(mine / its for mine, its in zip(one.rates, other.rates, strict=True))
