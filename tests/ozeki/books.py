"""The ledger behind the API: what tests look up in it, add to it and break in it."""

import pytest

from ledger import counter, credentials, history, opening
from ledger.accounts import HOUSE, Role
from ledger.kinds import Kind
from ledger.names import Name, username_pk
from ledger.table import Table
from ozeki import ozeki_api
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
