"""A clock that stands still, for all that tells times."""

import time

import pytest

TOLD = "2026-11-22T09:30:00.123Z"
_NS = 1_795_339_800_123_456_789


def stop_the_clock(monkeypatch: pytest.MonkeyPatch, later_s: int = 0) -> None:
    """Have the ledger's own clock say TOLD, or some seconds later."""
    monkeypatch.setattr(time, "time_ns", lambda: _NS + later_s * 1_000_000_000)
