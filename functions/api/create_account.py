"""POST /ledger/accounts: opens an account, with opening balances if any are asked for, and tells it."""

import json
from typing import Any

from pydantic import Field

from api import wire
from api.fields import AmountOrZero, Asked, Line, Metadata, Unit
from api.resources import METADATA, NAME, Account
from api.wire import Answer, Call, Endpoint, NoParameters
from ledger import accounts
from ledger.credentials import Scope


class NewAccount(Asked):
    """The account to open. Each opening balance, in its unit's smallest part, is entry 1 of its history."""

    name: Line
    metadata: Metadata = Field(default_factory=dict)
    balances: dict[Unit, AmountOrZero] = Field(default_factory=dict, examples=[{"sms": 500}])


ENDPOINT = Endpoint(
    "POST",
    "/ledger/accounts",
    done="AccountOpened",
    scope=Scope.ADMIN,
    at=NoParameters,
    body=NewAccount,
    told=Account,
    status=201,
    operator=True,
    keyed=True,
    example={"body": {"name": "Mary & Co", "balances": {"sms": 500}}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, create_account)


def create_account(call: Call[NoParameters, NewAccount]) -> Answer:
    """Open the account among the caller's own. A replay tells it as it is now."""
    wanted = call.body
    metadata = json.dumps(wanted.metadata, sort_keys=True) if wanted.metadata else ""
    balances = {str(unit): amount for unit, amount in sorted(wanted.balances.items())}
    properties = {NAME: wanted.name, METADATA: metadata}
    opened = accounts.open_account(
        call.table,
        call.caller.account,
        actor=call.caller.account,
        properties={name: text for name, text in properties.items() if text},
        balances=balances,
        caller_key=call.key_for("create account", wanted.name, metadata, *sum(balances.items(), ())),
    )
    told = Account.of(call.account(opened.id))
    return Answer(told, opened.replayed, {"Location": f"/ledger/accounts/{opened.id}"})
