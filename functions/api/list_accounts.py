"""GET /ledger/accounts: lists the caller's accounts in the order of their ids, a page at a time."""

from typing import Any

from api import wire
from api.fields import AccountIdIn, Asked, Count, Told
from api.resources import Account
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import accounts
from ledger.credentials import Scope


class Page(Asked):
    limit: Count = 50
    cursor: AccountIdIn | None = None


class Accounts(Told):
    """A page of accounts. `next_cursor`, if there is more, is the `cursor` of the next page."""

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
    example={"limit": 10},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, list_accounts)


def list_accounts(call: Call[Page, NoBody]) -> Answer:
    """List all accounts that the caller operates or, for a key of one account, that one."""
    limit, after = call.at.limit, call.at.cursor or 0
    if call.caller.subtree is None:
        found = accounts.list_accounts(call.table, call.caller.account, after=after, limit=limit + 1)
    else:
        found = [call.account(call.caller.subtree)] if call.caller.subtree > after else []
    page = found[:limit]
    more = page[-1].id if len(found) > limit else None
    return Answer(Accounts(accounts=[Account.of(each) for each in page], next_cursor=more))
