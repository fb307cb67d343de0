"""POST /v1/subaccount/credit/remove: moves credit from a sub-account to the main account and answers both balances."""

from typing import Any

from ledger.table import open_table
from ledger.transfer import transfer
from mailpartner import credit, wire
from mailpartner.euros import UNIT
from mailpartner.wire import Answer, Request

table = open_table()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, remove_credit, wire.CREDIT, "CreditRemoved")


def remove_credit(request: Request) -> Answer:
    """Move credit from child to parent, both sides or neither."""
    order = credit.read_order(table, request, "removecredit")
    paid, received = transfer(table, order.parent.id, order.child, order.parent, UNIT, order.amount, order.caller_key)
    return credit.moved(request, parent=received, child=paid)
