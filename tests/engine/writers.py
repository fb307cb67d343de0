"""Parallel writers: processes that stay up, and start each job together.

They are forked from a server process that has imported libraries and done nothing else, so they inherit no client
(a forked one shares its sockets and hands out another's answers), no mock and no lock. Each makes a client of its own.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from threading import Barrier, BrokenBarrierError
from types import TracebackType
from typing import Any, Self, TypeVar

from botocore.config import Config

from ledger import table
from tests import environment

T = TypeVar("T")

HEAVY = ["boto3", "aws_lambda_powertools", "pytest"]
PATIENCE_S = 60

_start_line: Barrier


class Writers:
    """So many processes, whose `ledger.table.open_table()` is this table of this engine."""

    def __init__(self, count: int, endpoint: str, table_name: str) -> None:
        self.count = count
        processes = get_context("forkserver")
        processes.set_forkserver_preload(HEAVY)
        start_line = processes.Barrier(count)
        self._pool = ProcessPoolExecutor(count, processes, _enter, (start_line, endpoint, table_name))

    def race(self, job: Callable[..., T], *columns: Iterable[Any]) -> list[T]:
        """Call `job` once in every process, all at the same moment. Like map: one argument from each column."""
        rows = list(islice(zip(*columns, strict=False), self.count))
        if len(rows) != self.count:
            raise ValueError(f"{len(rows)} jobs for {self.count} writers: the others would wait for ever")
        # No process takes two of them: it waits at the line with its first until all have one.
        return [done.result() for done in [self._pool.submit(_run, job, row) for row in rows]]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)


def _enter(start_line: Barrier, endpoint: str, table_name: str) -> None:
    global _start_line
    _start_line = start_line
    environment.close(table_name, endpoint)
    # A crowded machine is slow, not broken. A call given up and sent again would only blur what is being shown.
    table.BUDGET_MS = 1_000 * PATIENCE_S
    table._SETTINGS = table._SETTINGS.merge(Config(connect_timeout=PATIENCE_S, read_timeout=PATIENCE_S))


def _run(job: Callable[..., T], row: tuple[Any, ...]) -> T:
    try:
        _start_line.wait(PATIENCE_S)
    except BrokenBarrierError:
        raise TimeoutError("another writer did not start") from None
    return job(*row)
