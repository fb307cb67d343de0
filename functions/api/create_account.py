"""POST /ledger/accounts: opens an account below another, with opening balances if any are asked for, and tells it."""

import json
from typing import Any

from pydantic import Field

from api import wire
from api.fields import AccountId, AmountOrZero, Asked, Line, Metadata, Unit
from api.problems import Fault, InvalidRequest
from api.resources import METADATA, NAME, Account
from api.wire import Answer, Call, Endpoint, NoParameters
from ledger import accounts, opening
from ledger.accounts import MOST_LEVELS
from ledger.counter import State
from ledger.errors import AccountClosed, AccountNotFound
from ledger.kinds import Kind, Scope
from ledger.table import claim_key, made


class NewAccount(Asked):
    """The account to open. Each opening balance, in its unit's smallest part, is entry 1 of its history.

    It lies below `parent` or, without one, below the top of what the key shows. What is null is as if absent. Balances
    other than zero are credit from nothing, which needs a key with the scope `topup`, too.
    """

    name: Line
    parent: AccountId | None = None
    metadata: Metadata | None = None
    balances: dict[Unit, AmountOrZero] | None = Field(default=None, examples=[{"sms": 500}])


ENDPOINT = Endpoint(
    "POST",
    "/ledger/accounts",
    done="AccountOpened",
    scope=Scope.ACCOUNTS,
    at=NoParameters,
    body=NewAccount,
    told=Account,
    status=201,
    keyed=True,
    errors=(AccountNotFound, AccountClosed),
    example={"body": {"name": "Mary & Co", "balances": {"sms": 500}}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, create_account)


def create_account(call: Call[NoParameters, NewAccount]) -> Answer:
    """Open the account below its parent. A replay tells it as it is now."""
    wanted = call.body
    if any((wanted.balances or {}).values()):
        call.require(Kind.OPENING.scope)
    parent = _parent(call)
    metadata = json.dumps(wanted.metadata, sort_keys=True) if wanted.metadata else ""
    balances = {str(unit): amount for unit, amount in sorted((wanted.balances or {}).items())}
    properties = {NAME: wanted.name, METADATA: metadata}
    opened = opening.open_account(
        call.table,
        parent,
        actor=call.caller.account,
        properties={name: text for name, text in properties.items() if text},
        balances=balances,
        caller_key=call.key_for("create account", parent, wanted.name, metadata, *sum(balances.items(), ())),
    )
    call.log["account"] = opened.id
    with made():
        told = Account.of(accounts.get(call.table, parent, opened.id))
    return Answer(told, opened.replayed, {"Location": f"/ledger/accounts/{opened.id}"})


def _parent(call: Call[NoParameters, NewAccount]) -> int:
    """Find what to open it below. Raises AccountNotFound, InvalidRequest if that lies too deep, or AccountClosed."""
    caller = call.caller
    parent = caller.top if call.body.parent is None else call.body.parent
    if parent == caller.top == caller.account:
        return parent  # the operator itself, recognised just now
    found = call.account(parent)
    levels = len(list(accounts.lineage(call.table, parent)))
    if levels > MOST_LEVELS:
        raise InvalidRequest(Fault(at="body.parent", message=f"no account may lie {levels} levels below its operator"))
    # Whoever opened it while the parent was open is still owed that answer.
    if found.state is State.CLOSED and call.table.get(claim_key(caller.top, call.idempotency_key)) is None:
        raise AccountClosed
    return parent
