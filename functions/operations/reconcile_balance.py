"""INVOKE ReconcileBalance: proves one balance by adding up its whole history again.

    {"account": 101, "unit": "sms"}

The balance is proven if `problems` is empty. Amounts are in the unit's smallest part.
"""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger

from ledger.history import reconcile
from ledger.table import open_table
from ledger.units import Unit
from operations import wire
from operations.wire import AccountId, Answer, Asked
from telemetry import Log

logger = Logger()
table = open_table()


class OneBalance(Asked):
    """The balance to prove."""

    account: AccountId
    unit: Unit


def lambda_handler(event: dict[str, Any], context: Any) -> Answer:
    return wire.answer(event, context, OneBalance, reconcile_balance, "BalanceReconciled")


def reconcile_balance(asked: OneBalance, log: Log) -> Answer:
    """Add up one balance and list whatever does not fit."""
    found = {"account": asked.account, "unit": asked.unit, **asdict(reconcile(table, asked.account, asked.unit))}
    log.update(found)
    if found["problems"]:
        logger.critical("history does not add up", extra=found)  # an alarm counts these
    return found
