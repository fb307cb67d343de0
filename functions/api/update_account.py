"""PATCH /ledger/accounts/{id}: changes an account's name, metadata, credit limits or state and tells the account.

All or nothing, and sent again it does no more.
"""

import json
from typing import Any

from pydantic import Field

from api import wire
from api.fields import AmountOrZero, Asked, Line, Metadata, State, Unit
from api.parameters import AccountPlace
from api.resources import METADATA, NAME, Account
from api.wire import Answer, Call, Endpoint
from ledger import customers
from ledger.counter import State as LedgerState
from ledger.customers import Revision
from ledger.errors import AccountClosed, AccountNotFound, NotPermitted, NotSettled
from ledger.kinds import Kind, Scope


class AccountUpdate(Asked):
    """What to change; what is absent or null stays. Closing is for good and needs balances that owe and hold nothing.

    A credit limit is how far below zero spending may take that balance, in the unit's smallest part: to set one needs a
    key with the scope `adjust`, too. `metadata` is replaced as a whole. Of the account at its top, a key for a subtree
    changes neither limits nor state.
    """

    name: Line | None = None
    metadata: Metadata | None = None
    credit_limits: dict[Unit, AmountOrZero] | None = Field(default=None, examples=[{"sms": 100}])
    state: State | None = None


ENDPOINT = Endpoint(
    "PATCH",
    "/ledger/accounts/{id}",
    done="AccountUpdated",
    scope=Scope.ACCOUNTS,
    at=AccountPlace,
    body=AccountUpdate,
    told=Account,
    errors=(AccountNotFound, AccountClosed, NotSettled),
    example={"id": 101, "body": {"name": "John & Sons", "credit_limits": {"sms": 100}}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, update_account)


def update_account(call: Call[AccountPlace, AccountUpdate]) -> Answer:
    """Change a customer of the caller's in one commit."""
    wanted = call.body
    if wanted.credit_limits:
        call.require(Kind.ADJUSTMENT.scope)
    found = call.customer(call.at.id)
    if found.id == call.caller.top and (wanted.credit_limits or wanted.state is not None):
        raise NotPermitted  # its operator's to decide: nobody lifts their own suspension or limit
    if found.state is LedgerState.CLOSED and wanted == AccountUpdate(state=LedgerState.CLOSED):
        return Answer(Account.of(found))
    properties: dict[str, str | int] = {}
    if wanted.name is not None:
        properties[NAME] = wanted.name
    if wanted.metadata is not None:
        properties[METADATA] = json.dumps(wanted.metadata, sort_keys=True) if wanted.metadata else ""
    limits = {str(unit): limit for unit, limit in (wanted.credit_limits or {}).items()}
    revision = Revision(properties, limits=limits, state=wanted.state)
    now, _ = customers.revise(call.table, found.owner, found.id, revision, actor=call.caller.account)
    return Answer(Account.of(now))
