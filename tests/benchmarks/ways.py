"""Ways to change a balance: the ledger's, and the simplest others. An issue that adds a way adds a row here."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ledger.balance import change
from ledger.change import Change
from ledger.claims import CallerKey
from ledger.customers import Revision, revise, top_up
from ledger.kinds import Kind
from ledger.opening import open_account
from ledger.packages import Package
from ledger.table import Item, Table, open_table
from tests.benchmarks.meter import Meter

OPERATOR = 100
UNIT = "sms"
PLENTY = 10**12
PACKAGE = Package("starter", "Starter", {"email": 500, "sms": 100, "transactions": 50})


@dataclass(frozen=True, slots=True)
class Way:
    """`open` makes a new account with PLENTY and gives its number; `change` changes its balance."""

    name: str
    open: Callable[[Table], int]
    change: Callable[[Table, int], None]


@dataclass(frozen=True, slots=True)
class Tally:
    """What one writer did in one measurement."""

    changes: int
    seconds: float
    calls: int
    write_units: float


def measure(way: Way, account: int, seconds: float) -> Tally:
    """Change this balance over and over, for so long."""
    table = open_table()
    changes = 0
    started = time.monotonic()
    with Meter(table.client) as meter:
        while (took := time.monotonic() - started) < seconds:
            way.change(table, account)
            changes += 1
    return Tally(changes, took, meter.calls, meter.write_units)


def _open(table: Table) -> int:
    return open_account(table, OPERATOR, actor=OPERATOR, balances={UNIT: PLENTY}).id


def _open_bare(table: Table) -> int:
    account = random.getrandbits(48)
    table.client.put_item(TableName=table.name, Item={**_bare_key(account), "a": {"N": str(PLENTY)}})
    return account


def _change(table: Table, account: int) -> None:
    change(table, Change(OPERATOR, account, UNIT, Kind.SPEND, -1, OPERATOR))


def _change_under_a_key(table: Table, account: int) -> None:
    key = CallerKey(OPERATOR, uuid4().hex, ("take one", account))
    change(table, Change(OPERATOR, account, UNIT, Kind.SPEND, -1, OPERATOR), key)


def _open_customer(table: Table) -> int:
    return open_account(table, OPERATOR, actor=OPERATOR, balances=dict.fromkeys(PACKAGE.quantities, PLENTY)).id


def _top_up(table: Table, account: int) -> None:
    top_up(table, OPERATOR, account, PACKAGE, actor=OPERATOR)


def _update(table: Table, account: int) -> None:
    revise(table, OPERATOR, account, Revision(balances={"email": random.randrange(PLENTY)}), actor=OPERATOR)


def _bare_update(table: Table, account: int) -> None:
    table.client.update_item(**_take_one(table, account), ReturnValues="UPDATED_NEW")


def _transaction(table: Table, account: int) -> None:
    entry = {"pk": {"S": f"BARE#{account}"}, "sk": {"S": uuid4().hex}, "amount": {"N": "-1"}, "by": {"N": "100"}}
    done = False
    while not done:
        with suppress(table.client.exceptions.TransactionCanceledException):
            table.client.transact_write_items(
                TransactItems=[
                    {"Update": _take_one(table, account)},
                    {
                        "Put": {
                            "TableName": table.name,
                            "Item": entry,
                            "ConditionExpression": "attribute_not_exists(pk)",
                        }
                    },
                ]
            )
            done = True
    table.client.get_item(TableName=table.name, Key=_bare_key(account), ConsistentRead=True)


def _take_one(table: Table, account: int) -> Any:
    return {
        "TableName": table.name,
        "Key": _bare_key(account),
        "UpdateExpression": "SET a = a + :amount",
        "ConditionExpression": "a >= :need",
        "ExpressionAttributeValues": {":amount": {"N": "-1"}, ":need": {"N": "1"}},
    }


def _bare_key(account: int) -> Item:
    return {"pk": {"S": f"BARE#{account}"}, "sk": {"S": "~"}}


LEDGER = Way("the ledger's change", _open, _change)
KEYED = Way("the same under a caller's key", _open, _change_under_a_key)
BARE = Way("bare conditional update", _open_bare, _bare_update)
TRANSACTION = Way("transaction, then read back", _open_bare, _transaction)
TOP_UP = Way("Everlytic's top-up, three units", _open_customer, _top_up)
UPDATE = Way("Everlytic's update, one quota", _open_customer, _update)
WAYS = (LEDGER, KEYED, TOP_UP, UPDATE, BARE, TRANSACTION)
