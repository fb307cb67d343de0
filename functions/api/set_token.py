"""PUT /ledger/accounts/{id}/token: gives an account a token, or another one, and tells the account.

With it the account is a sub-account to Mailpartner's API: `tokenSubaccount` names it.
"""

from typing import Any

from api import wire
from api.fields import Asked, Token
from api.parameters import AccountPlace
from api.resources import Account
from api.wire import Answer, Call, Endpoint
from ledger import logins
from ledger.errors import AccountClosed, AccountNotFound, NameTaken
from ledger.kinds import Scope


class NewToken(Asked):
    """The token, of which there is one in the whole system. It names the account and lets nobody in."""

    token: Token


ENDPOINT = Endpoint(
    "PUT",
    "/ledger/accounts/{id}/token",
    done="TokenSet",
    scope=Scope.ACCOUNTS,
    at=AccountPlace,
    body=NewToken,
    told=Account,
    errors=(AccountNotFound, AccountClosed, NameTaken),
    example={"id": 101, "body": {"token": "john-2026-a7Qd"}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, set_token)


def set_token(call: Call[AccountPlace, NewToken]) -> Answer:
    """Change the look-up and the profile in one commit; sent again it does no more."""
    found = call.customer(call.at.id)
    logins.set_token(call.table, found.owner, found.id, call.body.token)
    return Answer(Account.of(call.changed(found)))
