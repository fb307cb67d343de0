"""POST /ledger/accounts/{id}/balances/{unit}/changes: changes a balance once and tells the entry it left."""

from typing import Any

from api import changes, wire
from api.changes import NewChange
from api.parameters import BalancePlace
from api.resources import Entry
from api.wire import Answer, Call, Endpoint
from ledger.errors import AccountClosed, AccountNotFound, AccountSuspended, BalanceTooLarge, InsufficientCredit

ENDPOINT = Endpoint(
    "POST",
    "/ledger/accounts/{id}/balances/{unit}/changes",
    done="BalanceChanged",
    scope=None,  # its own for each kind
    at=BalancePlace,
    body=NewChange,
    told=Entry,
    status=201,
    keyed=True,
    errors=(AccountNotFound, AccountClosed, AccountSuspended, BalanceTooLarge, InsufficientCredit),
    example={"id": 101, "unit": "sms", "body": {"kind": "topup", "amount": 250, "reference": "order-7"}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, change_balance)


def change_balance(call: Call[BalancePlace, NewChange]) -> Answer:
    """Make the one change."""
    entry, replayed = changes.make(call, call.at.id, call.at.unit, call.body.root, call.idempotency_key)
    call.log["sequence"] = entry.sequence
    return Answer(entry, replayed)
