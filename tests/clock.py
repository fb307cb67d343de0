"""The time that passes in tests: none by itself, so that a slow machine is never late."""

from dataclasses import dataclass


@dataclass
class Clock:
    """A clock that moves on by a millisecond whenever it is read, and by sleeping, which takes no time."""

    ms: float = 1_767_225_600_000  # 1 January 2026

    def now(self) -> int:
        self.ms += 1
        return int(self.ms)

    def sleep(self, ms: float) -> None:
        self.ms += ms


HANDLERS = Clock()
"""The clock of the handlers' own table."""
