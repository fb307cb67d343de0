"""GET /ledger/accounts/{id}: tells an account."""

from typing import Any

from api import wire
from api.parameters import AccountPlace
from api.resources import Account
from api.wire import Answer, Call, Endpoint, NoBody
from ledger.errors import AccountNotFound
from ledger.kinds import Scope

ENDPOINT = Endpoint(
    "GET",
    "/ledger/accounts/{id}",
    done="AccountRead",
    scope=Scope.READ,
    at=AccountPlace,
    body=NoBody,
    told=Account,
    errors=(AccountNotFound,),
    example={"id": 101},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, get_account)


def get_account(call: Call[AccountPlace, NoBody]) -> Answer:
    """Read the account as it is now."""
    return Answer(Account.of(call.account(call.at.id)))
