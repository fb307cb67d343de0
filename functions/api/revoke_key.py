"""DELETE /ledger/keys/{key}: revokes an API key; it stops within half a minute, everywhere.

It issues, revokes and changes nothing more at once. The last key by which the operator could issue another stays.
"""

from typing import Any

from api import wire
from api.issued_keys import KeyPlace
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import api_keys
from ledger.api_keys import ApiKeyNotFound, LastAdminKey
from ledger.kinds import Scope

ENDPOINT = Endpoint(
    "DELETE",
    "/ledger/keys/{key}",
    done="KeyRevoked",
    scope=Scope.ADMIN,
    at=KeyPlace,
    body=NoBody,
    told=None,
    status=204,
    operator=True,
    errors=(ApiKeyNotFound, LastAdminKey),
    example={"key": "019ab0f61c3e7d2a8f00112233445566"},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, revoke_key)


def revoke_key(call: Call[KeyPlace, NoBody]) -> Answer:
    """Revoke a key of the caller's account; one that is revoked already stays so."""
    api_keys.revoke(call.table, call.caller.account, call.at.key)
    return Answer(None)
