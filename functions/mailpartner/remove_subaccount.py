"""DELETE /v1/subaccount/delete and /v1/subaccount/remove: closes a sub-account for good, its credit going back."""

from typing import Any

from ledger.subaccounts import close_subaccount
from ledger.table import open_table
from mailpartner import parties, wire
from mailpartner.wire import Answer, Fault, Request

table = open_table()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, remove_subaccount, wire.REMOVAL, "SubaccountRemoved")


def remove_subaccount(request: Request) -> Answer:
    """Close the account and return its credit in one commit."""
    asking = parties.caller(table, request, fresh=True)
    token = request.required("token", Fault.NO_TOKEN)
    parent = parties.parent(table, asking)
    child = parties.subaccount(table, request, asking, token)
    key = request.key_for(parent.id, "removesubaccount", child.id)
    return Answer(replayed=close_subaccount(table, parent, child.id, key))
