"""PUT /ledger/accounts/{id}/email: gives an account an e-mail address, or another one, and tells the account.

Everlytic's customers have one each, unlike any other of the same operator's.
"""

from typing import Any

from api import wire
from api.fields import Asked, Email
from api.parameters import AccountPlace
from api.resources import EMAIL, Account
from api.wire import Answer, Call, Endpoint
from ledger import customers
from ledger.customers import Revision
from ledger.errors import AccountClosed, AccountNotFound, NameTaken
from ledger.kinds import Scope


class NewEmail(Asked):
    """The address. Nothing is sent to it."""

    email: Email


ENDPOINT = Endpoint(
    "PUT",
    "/ledger/accounts/{id}/email",
    done="EmailSet",
    scope=Scope.ACCOUNTS,
    at=AccountPlace,
    body=NewEmail,
    told=Account,
    errors=(AccountNotFound, AccountClosed, NameTaken),
    example={"id": 101, "body": {"email": "john@john.example"}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, set_email)


def set_email(call: Call[AccountPlace, NewEmail]) -> Answer:
    """Change the look-up and the profile in one commit; sent again it does no more."""
    found = call.customer(call.at.id)
    wanted = Revision({EMAIL: call.body.email})
    now, _ = customers.revise(call.table, found.owner, found.id, wanted, actor=call.caller.account)
    return Answer(Account.of(now))
