"""DELETE /ledger/keys/{key}: revokes an API key; it stops within half a minute, everywhere."""

from typing import Any

from api import wire
from api.fields import Asked, KeyId
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import api_keys
from ledger.api_keys import ApiKeyNotFound
from ledger.kinds import Scope


class Place(Asked):
    key: KeyId


ENDPOINT = Endpoint(
    "DELETE",
    "/ledger/keys/{key}",
    done="KeyRevoked",
    scope=Scope.ADMIN,
    at=Place,
    body=NoBody,
    told=None,
    status=204,
    operator=True,
    errors=(ApiKeyNotFound,),
    example={"key": "019ab0f61c3e7d2a8f00112233445566"},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, revoke_key)


def revoke_key(call: Call[Place, NoBody]) -> Answer:
    """Revoke a key of the caller's account; one that is revoked already stays so."""
    api_keys.revoke(call.table, call.caller.account, call.at.key)
    return Answer(None)
