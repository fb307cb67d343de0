"""GET /ledger/keys: lists the API keys that were issued, revoked ones too and without secrets, a page at a time."""

from typing import Any

from api import wire
from api.fields import KeyId, Told
from api.issued_keys import Key
from api.parameters import Paged, cut
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import api_keys
from ledger.kinds import Scope


class Page(Paged):
    cursor: KeyId | None = None


class Keys(Told):
    """A page of keys, oldest first. `next_cursor`, if there is more, is the `cursor` of the next page."""

    keys: list[Key]
    next_cursor: str | None


ENDPOINT = Endpoint(
    "GET",
    "/ledger/keys",
    done="KeysListed",
    scope=Scope.ADMIN,
    at=Page,
    body=NoBody,
    told=Keys,
    operator=True,
    example={"limit": 10},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, list_keys)


def list_keys(call: Call[Page, NoBody]) -> Answer:
    """List the keys of the caller's account."""
    limit = call.at.limit
    found = api_keys.list_keys(call.table, call.caller.account, after=call.at.cursor or "", limit=limit + 1)
    page, last = cut(found, limit)
    return Answer(Keys(keys=[Key.of(each) for each in page], next_cursor=last.id if last else None))
