"""Parallel writers on one balance: calls, write units and changes a second of each way."""

from collections import defaultdict
from contextlib import ExitStack
from itertools import repeat
from statistics import median

from ledger.table import open_table
from tests.benchmarks.goals import Goal, show
from tests.benchmarks.ways import BARE, LEDGER, TRANSACTION, WAYS, Tally, Way, measure
from tests.engine.writers import Writers

CREWS = (1, 4, 16)
WARM_UP_S = 1.0


class Figures:
    """One way's measurements with so many writers, one a round."""

    def __init__(self) -> None:
        self.calls: list[float] = []
        self.write_units: list[float] = []
        self.rates: list[float] = []

    def add(self, tallies: list[Tally]) -> None:
        changes = sum(tally.changes for tally in tallies)
        self.calls.append(sum(tally.calls for tally in tallies) / changes)
        self.write_units.append(sum(tally.write_units for tally in tallies) / changes)
        self.rates.append(sum(tally.changes / tally.seconds for tally in tallies))

    def times(self, other: "Figures") -> float:
        """Say how many times as fast as another way this is: a median of ratios, each within one round."""
        return median(mine / its for mine, its in zip(self.rates, other.rates, strict=True))


def report(endpoint: str, table_name: str, seconds: float, rounds: int) -> None:
    """Measure all ways by turns, so that whatever else the machine does weighs on all of them; print the medians."""
    figures: dict[tuple[int, Way], Figures] = defaultdict(Figures)
    with ExitStack() as stack:
        crews = [stack.enter_context(Writers(count, endpoint, table_name)) for count in CREWS]
        for crew in crews:
            for way in WAYS:
                _measure(crew, way, WARM_UP_S)
        for _ in range(rounds):
            for crew in crews:
                for way in WAYS:
                    figures[crew.count, way].add(_measure(crew, way, seconds))

    print(f"{'writers':>7}  {'way':32} {'calls':>6} {'units':>6} {'changes/s':>10} {'of bare':>8} {'of trans.':>9}")
    for (count, way), each in figures.items():
        of_bare, of_transaction = (each.times(figures[count, other]) for other in (BARE, TRANSACTION))
        print(
            f"{count:>7}  {way.name:32} {median(each.calls):6.2f} {median(each.write_units):6.2f}"
            f" {median(each.rates):10.0f} {of_bare:7.2f}x {of_transaction:8.2f}x"
        )
    ledger = {count: figures[count, LEDGER] for count in CREWS}
    show(
        *(Goal(f"calls a change, {count} writers", "<=", 1.25, median(ledger[count].calls)) for count in CREWS),
        Goal("write units a change, 1 writer", "<=", 1.3, median(ledger[1].write_units)),
        Goal("speed of a bare update, 4 writers", ">=", 0.6, ledger[4].times(figures[4, BARE])),
        Goal("speed of a transaction, 16 writers", ">=", 1.5, ledger[16].times(figures[16, TRANSACTION])),
    )


def _measure(crew: Writers, way: Way, seconds: float) -> list[Tally]:
    account = way.open(open_table())
    return crew.race(measure, repeat(way), repeat(account), repeat(seconds))
