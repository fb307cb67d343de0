"""The simulation's own schedules on the real engine: it must answer every call as the table in memory does."""

from collections.abc import Callable

import pytest

from ledger.table import Table
from tests.simulation.harsh import ROUGH, run, small_tails
from tests.simulation.memory import Memory
from tests.simulation.recorder import Recorder

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("seed", range(4))
def test_the_engine_answers_a_schedule_as_the_table_in_memory_does(tables: Callable[[], Table], seed: int) -> None:
    table = tables()
    engine, memory = Recorder(table.client), Recorder(Memory())
    with small_tails():
        for recorder in (engine, memory):
            run(seed, ROUGH, client=recorder, table_name=table.name)
    assert len(memory.calls) > 100
    assert memory.calls == engine.calls
