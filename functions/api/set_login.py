"""PUT /ledger/accounts/{id}/login: gives an account a user name and a password, or changes them, and tells the account.

With them it is Ozeki's user: `useraccount` names it, and its holder may read its balance. What was valid before lets
nobody in within half a minute.
"""

from typing import Any

from api import wire
from api.fields import Asked, Password, Username
from api.parameters import AccountPlace
from api.resources import Account
from api.wire import Answer, Call, Endpoint
from ledger import logins
from ledger.errors import AccountClosed, AccountNotFound, NameTaken
from ledger.kinds import Scope


class NewLogin(Asked):
    """The user name, of which there is one in the whole system, and the password, which is kept as a hash only."""

    username: Username
    password: Password


ENDPOINT = Endpoint(
    "PUT",
    "/ledger/accounts/{id}/login",
    done="LoginSet",
    scope=Scope.ACCOUNTS,
    at=AccountPlace,
    body=NewLogin,
    told=Account,
    errors=(AccountNotFound, AccountClosed, NameTaken),
    example={"id": 1, "body": {"username": "acme", "password": "correct-horse"}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, set_login)


def set_login(call: Call[AccountPlace, NewLogin]) -> Answer:
    """Change the look-up and the profile in one commit; sent again it does no more."""
    found = call.customer(call.at.id)
    logins.set_login(call.table, found.owner, found.id, call.body.username, call.body.password.get_secret_value())
    return Answer(Account.of(call.changed(found)))
