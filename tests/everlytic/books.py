"""The ledger behind the API: what tests look up in it, add to it and break in it."""

import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ledger import counter, credentials, history, holds, opening
from ledger.accounts import HOUSE, Role
from ledger.balance import change
from ledger.change import Change
from ledger.entry import Posted
from ledger.kinds import Kind
from ledger.table import Table
from tests.everlytic.caller import EVERLYTIC, ROUTES
from tests.local import demo
from tests.local.gateway import Gateway
from tests.local.server import serve

UNITS = ("email", "sms", "transactions")
MODULES = [importlib.import_module(each["Handler"].removesuffix(".lambda_handler")) for each in EVERLYTIC.values()]


def available(table: Table, account: int) -> tuple[int, ...]:
    return tuple(each.available for each in counter.read_all(table, [(account, unit) for unit in UNITS]))


def entries(table: Table, account: int, unit: str) -> list[Posted]:
    """Read a whole history, oldest first, and have it add up."""
    assert not history.reconcile(table, account, unit).problems
    return history.entries(table, account, unit, limit=10_000)[::-1]


def happened(table: Table, account: int, unit: str) -> list[tuple[Kind, int, str]]:
    """List what happened to a balance: the kinds, the balances after, the references."""
    posted = entries(table, account, unit)
    return [(each.entry.kind, each.after, each.entry.reference) for each in posted]


def add(table: Table, account: int, unit: str, amount: int) -> None:
    """Change a balance behind the API's back, below zero too."""
    change(table, Change(demo.ADMIN, account, unit, Kind.ADJUSTMENT, amount, demo.ADMIN))


def hold(table: Table, account: int, unit: str, amount: int) -> str:
    """Put credit on hold behind the API's back, and name the hold."""
    return holds.reserve(table, demo.ADMIN, account, unit, amount, lives_ms=60_000, actor=demo.ADMIN).hold


def release(table: Table, account: int, unit: str, name: str) -> None:
    holds.release(table, demo.ADMIN, account, unit, name, actor=demo.ADMIN)


def open_rival(table: Table) -> None:
    """Open a second operator, who calls as RIVAL."""
    names = [credentials.api_key("rival-key")]
    opening.open_account(table, HOUSE, actor=HOUSE, role=Role.ADMIN, username="rival", names=names)


def open_user(table: Table) -> None:
    """Open a user of the demo's admin, who has an API key and calls as USER."""
    names = [credentials.api_key("user-key")]
    opening.open_account(table, demo.ADMIN, actor=demo.ADMIN, username="mary", names=names)


@contextmanager
def serving() -> Iterator[str]:
    """Serve the API over HTTP on a free port of this machine, and give its base URL."""
    server = serve(Gateway(ROUTES), port=0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


class Intercepted:
    """A DynamoDB client on which something happens before each call of an operation."""

    def __init__(self, client: Any, operation: str, before: Callable[[Any], None]) -> None:
        self._client = client
        self._operation = operation
        self._before = before

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)
        if name != self._operation:
            return operation

        def call(**request: Any) -> Any:
            self._before(request)
            return operation(**request)

        return call


def intercept(
    monkeypatch: pytest.MonkeyPatch,
    table: Table,
    before: Callable[[Any], None],
    operation: str = "transact_write_items",
) -> None:
    """Have something happen before each such call of every endpoint. Time passes by sleeping, quickly."""
    now_ms = table.now_ms()

    def sleep(_: float) -> None:
        nonlocal now_ms
        now_ms += 500

    client: Any = Intercepted(table.client, operation, before)
    broken = replace(table, client=client, now_ms=lambda: now_ms, sleep_ms=sleep)
    for module in MODULES:
        monkeypatch.setattr(module, "table", broken)


def once(act: Callable[[], object]) -> Callable[[Any], None]:
    """Do this before the first call only."""
    left = [act]

    def before(_: Any) -> None:
        if left:
            left.pop()()

    return before


def failing(code: str) -> Callable[[Any], None]:
    """Fail each call with this error."""

    def fail(_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "TransactWriteItems")

    return fail
