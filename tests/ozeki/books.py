"""The ledger behind the API: what tests look up in it, add to it and break in it."""

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ledger import counter, credentials, history, opening
from ledger.accounts import HOUSE, Role
from ledger.kinds import Kind
from ledger.names import Name, username_pk
from ledger.table import Table
from ozeki import ozeki_api
from tests.clock import Clock
from tests.faulty import broken
from tests.local import demo


def open_user(table: Table, username: str) -> int:
    """Open one more user of the demo's admin, without credit, under a name that nobody checks."""
    names = [Name("username", username_pk(username), credentials.password("any", "secret").proof)]
    return opening.open_account(
        table, demo.ADMIN, actor=demo.ADMIN, username=username, names=names, balances={"sms": 0}
    ).id


def open_rival(table: Table) -> dict[str, str]:
    """Open a second operator and give its credentials."""
    names = [credentials.password("rival", "rival1")]
    opening.open_account(table, HOUSE, actor=HOUSE, role=Role.ADMIN, username="rival", names=names)
    return {"username": "rival", "password": "rival1"}


def balance_of_john(table: Table) -> int:
    return counter.read(table, demo.JOHN, "sms").available


def kinds_of_john(table: Table) -> list[Kind]:
    """List what happened to john's balance, newest first."""
    return [posted.entry.kind for posted in history.entries(table, demo.JOHN, "sms", limit=100)]


def break_johns_balance(monkeypatch: pytest.MonkeyPatch, table: Table, error: str) -> None:
    monkeypatch.setattr(ozeki_api, "table", broken(table, demo.JOHN, error))


class _Crowded:
    """A DynamoDB client whose every transaction meets this error."""

    def __init__(self, client: Any, error: str) -> None:
        self._client = client
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, TransactItems: list[Any]) -> Any:  # noqa: N803 - boto3's name
        error: Any = {"Error": {"Code": self._error, "Message": ""}}
        error["CancellationReasons"] = [{"Code": "TransactionConflict"} for _ in TransactItems]
        raise ClientError(error, "TransactWriteItems")


def break_transactions(monkeypatch: pytest.MonkeyPatch, table: Table, error: str) -> None:
    """Have every transaction meet this error, on a clock that only sleeping moves."""
    clock = Clock(table.now_ms())
    client: Any = _Crowded(table.client, error)
    broken_table = replace(table, client=client, now_ms=clock.now, sleep_ms=clock.sleep)
    monkeypatch.setattr(ozeki_api, "table", broken_table)
