"""Proving a balance, and noticing one that is wrong."""

import json
from typing import Any

import pytest

from ledger.balance import change
from ledger.change import Change
from ledger.kinds import Kind
from ledger.table import Table
from operations.reconcile_balance import lambda_handler
from tests.local import demo
from tests.local.gateway import Context
from tests.template import ROOT

EXAMPLE = json.loads((ROOT / "events" / "reconcile_balance.json").read_text())


def ask(event: Any) -> dict[str, Any]:
    return lambda_handler(event, Context("ReconcileBalance"))


def test_a_balance_is_proven_by_its_whole_history(ledger: Table) -> None:
    for _ in range(20):  # more than a tail keeps: part of the history lies in pages by now
        change(ledger, Change(demo.ADMIN, demo.JOHN, "sms", Kind.ADJUSTMENT, 7, actor=demo.ADMIN))

    assert ask(EXAMPLE) == {
        "account": demo.JOHN,
        "unit": "sms",
        "entries": 21,
        "sequence": 21,
        "available": 640,
        "held": 0,
        "problems": [],
    }


def test_a_balance_that_somebody_tampered_with_is_noticed(ledger: Table, caplog: pytest.LogCaptureFixture) -> None:
    ledger.client.update_item(
        TableName=ledger.name,
        Key={"pk": {"S": f"B#{demo.JOHN}#sms"}, "sk": {"S": "~"}},
        UpdateExpression="SET a = :more",
        ExpressionAttributeValues={":more": {"N": "501"}},
    )
    assert ask(EXAMPLE)["problems"]
    assert [record.levelname for record in caplog.records] == ["CRITICAL", "INFO"]


@pytest.mark.parametrize(
    ("event", "where"),
    [
        ({}, "account: Field required; unit: Field required"),
        (EXAMPLE | {"account": "101"}, "account: "),
        (EXAMPLE | {"account": 0}, "account: "),
        (EXAMPLE | {"unit": "SMS"}, "unit: "),
        (EXAMPLE | {"owner": 100}, "owner: "),
    ],
    ids=lambda value: str(value),
)
def test_a_request_that_makes_no_sense_says_where(event: Any, where: str) -> None:
    refused = ask(event)
    assert refused["error"] == "InvalidRequest"
    assert where in refused["message"]
