"""POST /v1/subaccount/credit/add: moves credit from the main account to a sub-account and answers both balances."""

from typing import Any

from ledger.table import open_table
from ledger.transfer import transfer
from mailpartner import credit, wire
from mailpartner.euros import UNIT
from mailpartner.wire import Answer, Request

table = open_table()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, add_credit, wire.CREDIT, "CreditAdded")


def add_credit(request: Request) -> Answer:
    """Move credit from parent to child, both sides or neither."""
    order = credit.read_order(table, request, "addcredit")
    paid, received = transfer(table, order.parent.id, order.parent, order.child, UNIT, order.amount, order.caller_key)
    return credit.moved(request, parent=paid, child=received)
