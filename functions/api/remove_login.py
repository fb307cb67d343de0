"""DELETE /ledger/accounts/{id}/login: takes an account's user name and password away.

Whoever was let in lately may read its balance for half a minute more.
"""

from typing import Any

from api import wire
from api.parameters import AccountPlace
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import logins
from ledger.errors import AccountClosed, AccountNotFound
from ledger.kinds import Scope

ENDPOINT = Endpoint(
    "DELETE",
    "/ledger/accounts/{id}/login",
    done="LoginRemoved",
    scope=Scope.ACCOUNTS,
    at=AccountPlace,
    body=NoBody,
    told=None,
    status=204,
    errors=(AccountNotFound, AccountClosed),
    example={"id": 101},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, remove_login)


def remove_login(call: Call[AccountPlace, NoBody]) -> Answer:
    """Leave the name to nobody else while the account is open; one without a login stays so."""
    found = call.customer(call.at.id)
    logins.remove_login(call.table, found.owner, found.id)
    return Answer(None)
