"""The ledger behind the API: what tests look up in it, add to it and break in it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ledger import accounts, counter, credentials, history, opening
from ledger.accounts import HOUSE, Account, Role
from ledger.entry import Posted
from ledger.names import Name
from ledger.table import Table
from tests.local import demo

PARENT_EUR, CHILD_EUR = 2_769_200, 161_800  # thousandths, as the demo begins


def balances(table: Table, *accounts_: int, unit: str = "EUR") -> tuple[int, ...]:
    """Read balances, by default the main account's and its sub-account's, in thousandths of a euro."""
    wanted = [(account, unit) for account in accounts_ or (demo.ADMIN, demo.SUBACCOUNT)]
    return tuple(balance.available for balance in counter.read_all(table, wanted))


def entries(table: Table, account: int, unit: str = "EUR") -> list[Posted]:
    """Read a history, newest first."""
    assert not history.reconcile(table, account, unit).problems
    return history.entries(table, account, unit, limit=1_000)


def total(table: Table) -> int:
    """Add up all the euros there are."""
    found = table.client.scan(TableName=table.name)["Items"]
    return sum(int(item["a"]["N"]) for item in found if item["pk"]["S"].endswith("#EUR") and item["sk"]["S"] == "~")


def profile(table: Table, account: int) -> Account:
    return accounts.get(table, demo.ADMIN, account)


def open_user(table: Table, api_key: str) -> int:
    """Open a customer of the demo's admin that has an API key and no token."""
    return opening.open_account(
        table, demo.ADMIN, actor=demo.ADMIN, username="user", names=[credentials.api_key(api_key)]
    ).id


def open_rival(table: Table, api_key: str, token: str) -> int:
    """Open a second main account, with one sub-account."""
    names = [credentials.api_key(api_key)]
    rival = opening.open_account(table, HOUSE, actor=HOUSE, role=Role.ADMIN, username="rival", names=names).id
    opening.open_account(
        table, rival, actor=rival, names=[Name("token", f"T#{token}")], properties={"token": token, "type": "simple"}
    )
    return rival


@dataclass
class Clock:
    """Time that passes by sleeping only, and then a second each time, so that patience ends soon."""

    ms: int

    def now(self) -> int:
        return self.ms

    def sleep(self, _: float) -> None:
        self.ms += 1_000


class Faulty:
    """A DynamoDB client on which an operation goes wrong, before or instead of being done."""

    def __init__(self, client: Any, operation: str, fault: Callable[[Any], None]) -> None:
        self._client = client
        self._operation = operation
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)
        if name != self._operation:
            return operation

        def call(**request: Any) -> Any:
            self._fault(request)
            return operation(**request)

        return call


def conflict(request: Any) -> None:
    """Be in the way of every transaction."""
    reasons = [
        {"Code": "None"},
        {"Code": "TransactionConflict"},
        *({"Code": "None"} for _ in request["TransactItems"][2:]),
    ]
    error: Any = {"Error": {"Code": "TransactionCanceledException", "Message": ""}, "CancellationReasons": reasons}
    raise ClientError(error, "TransactWriteItems")


def no_answer(_: Any) -> None:
    """Leave open whether the call did anything."""
    raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "TransactWriteItems")


def break_transactions(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, table: Table, fault: Callable[[Any], None]
) -> None:
    """Have every transaction of one endpoint go wrong like this."""
    clock = Clock(table.now_ms())
    client: Any = Faulty(table.client, "transact_write_items", fault)
    monkeypatch.setattr(module, "table", replace(table, client=client, now_ms=clock.now, sleep_ms=clock.sleep))
