"""Whatever happens to the calls, every answer is exact, nothing is lost, nothing happens twice.

`pytest --schedules 2000 tests/simulation` tries more seeds; a failure names the seed that repeats it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ledger.errors import Busy, OutcomeUnknown
from tests.simulation.harsh import CALM, CROWDED, DEADLY, LATE, ROUGH, SILENT, run, small_tails
from tests.simulation.memory import Memory
from tests.simulation.recorder import Recorder
from tests.simulation.schedule import IMPATIENT_MS, Schedule, by_key
from tests.store import create_table


@pytest.mark.parametrize(
    ("odds", "habits"),
    [
        pytest.param(ROUGH, {}, id="calls are lost, repeated, late and killed"),
        pytest.param(DEADLY, {"keyed": 1, "patience_ms": LATE}, id="killed processes, retried about the age limits"),
        pytest.param(CROWDED, {}, id="every second write meets a transaction"),
        pytest.param(
            SILENT,
            {"keyed": 0, "operations": ("transfer", "transfer", "reserve", "reserve", "top-up", "spend")},
            id="hardly a call is answered, and nobody has a key to ask again",
        ),
    ],
)
def test_any_schedule_leaves_exact_balances_and_exact_answers(
    schedules: range, odds: dict[str, float], habits: dict[str, Any]
) -> None:
    for seed in schedules:
        with small_tails():
            run(seed, odds, **habits)


def test_the_deployed_settings_hold_as_well(schedules: range) -> None:
    for seed in schedules[:20]:
        run(seed, ROUGH, requests=60, together=30)


def test_a_crowd_without_faults_is_answered_at_once_and_without_a_wait_for_anybody() -> None:
    for seed in range(10):
        schedule = run(seed, CALM, together=24, patience_ms=IMPATIENT_MS)
        assert not [answer for answer in schedule.answers if isinstance(answer.error, Busy | OutcomeUnknown)]


def test_every_fault_is_met_and_most_callers_with_a_key_get_their_answer_in_the_end() -> None:
    met, answered = Counter[str](), Counter[bool]()
    for seed in range(15):
        with small_tails():
            schedule = run(seed, ROUGH)
        met += schedule.met
        answered.update(any(answer.posted for answer in answers) for answers in by_key(schedule.answers).values())
    assert set(met) == {"", *ROUGH}
    assert answered[True] > 2 * answered[False]


def test_a_seed_is_one_schedule() -> None:
    first, second = (run(7, ROUGH) for _ in range(2))
    assert repr(first.answers) == repr(second.answers)


def test_the_table_in_memory_answers_every_call_as_moto_does() -> None:
    """Call for call: the hundred times faster table proves nothing if it is not the same."""
    with small_tails(), mock_aws():
        client = boto3.client("dynamodb")
        create_table(client, "simulation")
        real, memory = Recorder(client), Recorder(Memory())
        for recorder in (real, memory):
            Schedule(1, recorder, "simulation", odds=ROUGH, requests=14).run()
    assert len(memory.calls) > 100
    assert memory.calls == real.calls
