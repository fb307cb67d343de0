"""One task at a time, in an order that a seed decides, on a clock that only moves when nobody could run.

Tasks are threads only because the ledger is plain blocking code; the baton makes every run of a seed the same.
"""

from __future__ import annotations

import threading
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MIDNIGHT_MS = 1_767_225_600_000


class Scheduler:
    """Runs tasks by turns. A task gives its turn back in `pause`, and nowhere else."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now_ms = MIDNIGHT_MS
        self._tasks: list[_Task] = []
        self._turn = threading.Semaphore(0)
        self._running: _Task | None = None

    def spawn(self, work: Callable[[], None], after_ms: float = 0) -> None:
        """Have this done from `after_ms` on."""
        self._tasks.append(_Task(work, self.now_ms + after_ms, self._turn))

    def pause(self, ms: float = 0) -> None:
        """Let others run, for at least this long."""
        task = self._running
        assert task is not None
        task.wakes_ms = self.now_ms + ms
        task.give_turn_back()

    def run(self) -> None:
        """Run all tasks to their end. What a task raised is raised."""
        while self._tasks:
            ready = [task for task in self._tasks if task.wakes_ms <= self.now_ms]
            if not ready:
                self.now_ms = int(min(task.wakes_ms for task in self._tasks)) + 1
                continue
            self._running = self.random.choice(ready)
            self.now_ms += self.random.randrange(4)
            self._running.take_turn()
            if self._running.is_over:
                self._tasks.remove(self._running)
                if self._running.error:
                    raise self._running.error


class _Task:
    def __init__(self, work: Callable[[], None], wakes_ms: float, turn: threading.Semaphore) -> None:
        self.wakes_ms = wakes_ms
        self.error: BaseException | None = None
        self.is_over = False
        self._work = work
        self._turn = turn
        self._mine = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take_turn(self) -> None:
        self._mine.release()
        self._turn.acquire()

    def give_turn_back(self) -> None:
        self._turn.release()
        self._mine.acquire()

    def _run(self) -> None:
        self._mine.acquire()
        try:
            self._work()
        except BaseException as error:
            self.error = error
        self.is_over = True
        self._turn.release()
