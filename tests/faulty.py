"""A ledger one balance of which cannot be changed, on a clock that only sleeping moves."""

from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from ledger.table import Table, balance_pk
from tests.clock import Clock


class Faulty:
    """A DynamoDB client that refuses to update one balance, with this error."""

    def __init__(self, client: Any, account: int, error: str) -> None:
        self._client = client
        self._pk = balance_pk(account, "sms")
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        if request["Key"]["pk"]["S"] == self._pk:
            raise ClientError({"Error": {"Code": self._error, "Message": ""}}, "UpdateItem")
        return self._client.update_item(**request)


def broken(table: Table, account: int, error: str) -> Table:
    """Reach the same ledger, in which every update of this account's sms credit meets this error."""
    clock = Clock(table.now_ms())
    client: Any = Faulty(table.client, account, error)
    return replace(table, client=client, now_ms=clock.now, sleep_ms=clock.sleep)
