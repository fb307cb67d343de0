"""POST /ledger/keys: issues an API key and shows its secret, this once."""

from typing import Annotated, Any

from pydantic import Field

from api import wire
from api.fields import AccountId, Asked, Line, Told
from api.issued_keys import Key
from api.wire import Answer, Call, Endpoint, NoParameters
from ledger import api_keys, credentials
from ledger.errors import AccountNotFound
from ledger.kinds import Scope


class NewKey(Asked):
    """The key to issue. With an `account` it sees and changes that one and all below it, and no other.

    Without `expires_in_days` it works until it is revoked.
    """

    name: Line
    scopes: Annotated[set[Scope], Field(min_length=1, examples=[["read", "spend"]])]
    account: AccountId | None = None
    expires_in_days: Annotated[int, Field(strict=True, ge=1, le=3_650, examples=[365])] | None = None


class IssuedKey(Told):
    """The key, and the secret to send as `Authorization: Bearer <secret>`; a replay cannot show the secret again."""

    key: Key
    secret: str | None


ENDPOINT = Endpoint(
    "POST",
    "/ledger/keys",
    done="KeyIssued",
    scope=Scope.ADMIN,
    at=NoParameters,
    body=NewKey,
    told=IssuedKey,
    status=201,
    operator=True,
    keyed=True,
    errors=(AccountNotFound,),
    example={"body": {"name": "web shop", "scopes": ["read", "spend"], "account": 101}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, issue_key)


def issue_key(call: Call[NoParameters, NewKey]) -> Answer:
    """Issue a key of the caller's account."""
    wanted, secret = call.body, credentials.new_secret()
    if wanted.account is not None:
        call.account(wanted.account)
    lives_days = [] if wanted.expires_in_days is None else [wanted.expires_in_days]
    key, replayed = api_keys.issue(
        call.table,
        call.caller,
        secret,
        name=wanted.name,
        scopes=frozenset(wanted.scopes),
        subtree=wanted.account,
        lives_days=wanted.expires_in_days,
        caller_key=call.key_for("issue key", wanted.name, wanted.account or 0, *sorted(wanted.scopes), *lives_days),
    )
    return Answer(IssuedKey(key=Key.of(key), secret=None if replayed else secret), replayed)
