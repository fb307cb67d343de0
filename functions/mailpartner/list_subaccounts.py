"""GET /v1/subaccount/list: answers the caller's open sub-accounts with their credit, 20 a page, by id."""

import re
from datetime import UTC, datetime
from typing import Any

from ledger.accounts import Account, list_accounts
from ledger.counter import Balance, State, read_all
from ledger.logins import TOKEN
from ledger.table import open_table
from mailpartner import parties, wire
from mailpartner.euros import UNIT, Euros
from mailpartner.formats import Value
from mailpartner.wire import Answer, Fault, Refused, Request

PER_PAGE = 20
MOST_READ = 50_000
"""Accounts of one main account that are looked through, the oldest first: a page needs the total."""

_PAGE = re.compile("0*([1-9][0-9]{0,8})")

table = open_table()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, list_subaccounts, wire.GENERAL, "SubaccountsListed")


def list_subaccounts(request: Request) -> Answer:
    """List the accounts that have a token and are not closed."""
    parent = parties.parent(table, parties.caller(table, request), changes=False)
    page = _page(request)
    found = [
        account
        for account in list_accounts(table, parent.id, limit=MOST_READ)
        if TOKEN in account.properties and account.state is not State.CLOSED
    ]
    shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    balances = read_all(table, [(account.id, UNIT) for account in shown])
    return Answer(
        {
            "total": len(found),
            "nb_per_page": PER_PAGE,
            "page": page,
            "data": [_described(*each) for each in zip(shown, balances, strict=True)],
        }
    )


def _page(request: Request) -> int:
    text = request.optional("page") or "1"
    if not (found := _PAGE.fullmatch(text)):
        raise Refused(Fault.UNREADABLE, "page")
    return int(found[1])


def _described(account: Account, balance: Balance) -> dict[str, Value]:
    # In the vendor's order, all of them: in XML only a value's place tells what it is.
    created = datetime.fromtimestamp(account.created_ms // 1_000, UTC)
    return {
        "id": account.id,
        "email": parties.text(account, "email"),
        "type": parties.text(account, "type"),
        "token": parties.text(account, TOKEN),
        "apiKey": "",  # only its hash is kept
        "createdAt": created.strftime("%Y-%m-%d %H:%M:%S"),
        "credits": {"balance": Euros(balance.spendable(table.now_ms())).padded(), "currency": UNIT},
    }
