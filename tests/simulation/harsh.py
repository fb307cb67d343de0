"""The settings under which every guard of the ledger is soon needed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ledger import change, claims, flush, holds
from tests.simulation.memory import Memory
from tests.simulation.proof import check
from tests.simulation.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

CALM = dict[str, float]()
ROUGH = {"kill": 0.04, "lose": 0.05, "resend": 0.05, "delay": 0.05, "conflict": 0.05}
DEADLY = {"kill": 0.25, "resend": 0.1, "delay": 0.1}
LATE = (claims.APPLY_MS - 500, claims.RENEW_MS - 2_000, claims.RENEW_MS + 1_000)
CROWDED = {"conflict": 0.5}
SILENT = {"lose": 0.3, "delay": 0.3}


@contextmanager
def small_tails(every: int = 1, keep: int = 1, cap: int = 6) -> Iterator[None]:
    """Make tails so short that keys leave them at once, and room for so few holds that most lie apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(change, "MOST_INLINE", 2)
        patch.setattr(holds, "MOST_INLINE", 2)
        patch.setattr(flush, "EVERY", every)
        patch.setattr(flush, "KEEP", keep)
        patch.setattr(flush, "CAP", cap)
        patch.setattr(flush, "NEARLY_FULL", cap - 2)
        yield


def run(
    seed: int,
    odds: dict[str, float],
    client: Any = None,
    table_name: str = "simulation",
    **habits: Any,
) -> Schedule:
    """Run one seed and assert all that must hold after it."""
    client = client or Memory()
    schedule = Schedule(seed, client, table_name, odds=odds, **habits)
    try:
        schedule.run()
        check(schedule, client, table_name)
    except Exception as error:
        error.add_note(f"seed {seed}, odds {odds}, {habits}")
        raise
    return schedule
