"""The ledger behind the API: what tests look up in it, add to it and break in it."""

import time
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ledger import accounts, counter, credentials, history
from ledger.accounts import HOUSE, Role
from ledger.entry import Kind
from ledger.table import Table, balance_pk
from ozeki import ozeki_api
from tests.local import demo


def open_user(table: Table, username: str) -> int:
    """Open one more user of the demo's admin, without credit."""
    names = [credentials.password(username, "secret")]
    return accounts.open_account(
        table, demo.ADMIN, actor=demo.ADMIN, username=username, names=names, balances={"sms": 0}
    ).id


def open_rival(table: Table) -> dict[str, str]:
    """Open a second operator and give its credentials."""
    names = [credentials.password("rival", "rival1")]
    accounts.open_account(table, HOUSE, actor=HOUSE, role=Role.ADMIN, username="rival", names=names)
    return {"username": "rival", "password": "rival1"}


def balance_of_john(table: Table) -> int:
    return counter.read(table, demo.JOHN, "sms").available


def kinds_of_john(table: Table) -> list[Kind]:
    """List what happened to john's balance, newest first."""
    return [posted.entry.kind for posted in history.entries(table, demo.JOHN, "sms", limit=100)]


class Faulty:
    """A DynamoDB client that refuses to update john's balance, with this error."""

    def __init__(self, client: Any, error: str) -> None:
        self._client = client
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        if request["Key"]["pk"]["S"] == balance_pk(demo.JOHN, "sms"):
            raise ClientError({"Error": {"Code": self._error, "Message": ""}}, "UpdateItem")
        return self._client.update_item(**request)


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.ms = time.time_ns() // 1_000_000

    def now(self) -> int:
        return self.ms

    def sleep(self, ms: float) -> None:
        self.ms += int(ms) + 1


def break_johns_balance(monkeypatch: pytest.MonkeyPatch, table: Table, error: str) -> None:
    clock = Clock()
    client: Any = Faulty(table.client, error)
    monkeypatch.setattr(ozeki_api, "table", replace(table, client=client, now_ms=clock.now, sleep_ms=clock.sleep))
