"""PATCH /ledger/keys/{key}: gives an API key another name and tells the key; sent again it does no more."""

from typing import Any

from api import wire
from api.fields import Asked, Line
from api.issued_keys import Key, KeyPlace
from api.wire import Answer, Call, Endpoint
from ledger import api_keys
from ledger.api_keys import ApiKeyNotFound
from ledger.kinds import Scope


class KeyUpdate(Asked):
    """What the key is to be called. What it is good for never changes: issue another and revoke it."""

    name: Line


ENDPOINT = Endpoint(
    "PATCH",
    "/ledger/keys/{key}",
    done="KeyUpdated",
    scope=Scope.ADMIN,
    at=KeyPlace,
    body=KeyUpdate,
    told=Key,
    operator=True,
    errors=(ApiKeyNotFound,),
    example={"key": "019ab0f61c3e7d2a8f00112233445566", "body": {"name": "web shop, Vienna"}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, update_key)


def update_key(call: Call[KeyPlace, KeyUpdate]) -> Answer:
    """Rename a key of the caller's account, revoked or not."""
    return Answer(Key.of(api_keys.rename(call.table, call.caller.account, call.at.key, call.body.name)))
