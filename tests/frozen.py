"""A clock that stands still, for all that tells times."""

import pytest

from tests import clock

TOLD = "2026-11-22T09:30:00.123Z"
_MS = 1_795_339_800_123


def stop_the_clock(monkeypatch: pytest.MonkeyPatch, later_s: int = 0) -> None:
    """Have the ledger's own clock say TOLD, or some seconds later."""
    monkeypatch.setattr(clock.HANDLERS, "now", lambda: _MS + later_s * 1_000)
