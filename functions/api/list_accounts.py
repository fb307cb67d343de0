"""GET /ledger/accounts: lists the accounts directly below `parent`, in the order of their ids, a page at a time."""

from typing import Any

from api import wire
from api.fields import AccountIdIn, Told
from api.parameters import Paged, cut
from api.resources import Account
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import accounts
from ledger.errors import AccountNotFound
from ledger.kinds import Scope


class Page(Paged):
    parent: AccountIdIn | None = None
    cursor: AccountIdIn | None = None


class Accounts(Told):
    """A page of accounts. `next_cursor`, if there is more, is the `cursor` of the next page.

    Without `parent` these are the accounts directly below the caller or, for a key for a subtree, the one at its top.
    """

    accounts: list[Account]
    next_cursor: int | None


ENDPOINT = Endpoint(
    "GET",
    "/ledger/accounts",
    done="AccountsListed",
    scope=Scope.READ,
    at=Page,
    body=NoBody,
    told=Accounts,
    errors=(AccountNotFound,),
    example={"limit": 10},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, list_accounts)


def list_accounts(call: Call[Page, NoBody]) -> Answer:
    """List what lies directly below an account that the key shows; without one, where the key begins."""
    limit, after, subtree = call.at.limit, call.at.cursor or 0, call.caller.subtree
    if call.at.parent is None and subtree is not None:
        found = [call.account(subtree)] if subtree > after else []
    else:
        parent = call.caller.account if call.at.parent is None else call.account(call.at.parent).id
        found = accounts.list_accounts(call.table, parent, after=after, limit=limit + 1)
    page, last = cut(found, limit)
    return Answer(Accounts(accounts=[Account.of(each) for each in page], next_cursor=last.id if last else None))
