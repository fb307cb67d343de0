"""POST /ledger/transfers: moves credit from one account to another, both sides or neither, and tells both entries."""

from typing import Annotated, Any

from pydantic import Field

from api import wire
from api.explained import Explained
from api.fields import AccountId, Amount, Told, Unit
from api.resources import Entry
from api.wire import Answer, Call, Endpoint, NoParameters
from ledger.errors import (
    AccountClosed,
    AccountNotFound,
    AccountSuspended,
    BalanceTooLarge,
    InsufficientCredit,
    TransferRefused,
)
from ledger.kinds import Scope
from ledger.transfer import transfer


class NewTransfer(Explained):
    """What to move, in the unit's smallest part. The payer's balance stays within its credit limit."""

    payer: AccountId
    payee: Annotated[AccountId, Field(examples=[100])]
    unit: Unit
    amount: Annotated[Amount, Field(examples=[20])]


class Transfer(Told):
    """Both sides of a transfer. Each entry names the other account as its reference."""

    paid: Entry
    received: Entry


ENDPOINT = Endpoint(
    "POST",
    "/ledger/transfers",
    done="CreditTransferred",
    scope=Scope.TRANSFER,
    at=NoParameters,
    body=NewTransfer,
    told=Transfer,
    status=201,
    keyed=True,
    errors=(AccountNotFound, AccountClosed, AccountSuspended, BalanceTooLarge, InsufficientCredit, TransferRefused),
    example={"body": {"payer": 101, "payee": 100, "unit": "sms", "amount": 20, "reason": "credit lent"}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, transfer_credit)


def transfer_credit(call: Call[NoParameters, NewTransfer]) -> Answer:
    """Transfer between two accounts that the caller's key both shows."""
    wanted = call.body
    payer, payee = call.account(wanted.payer), call.account(wanted.payee)
    note = wanted.note()
    key = call.key_for("transfer", wanted.payer, wanted.payee, wanted.unit, wanted.amount, note)
    paid, received = transfer(call.table, call.caller.account, payer, payee, wanted.unit, wanted.amount, key, note)
    told = Transfer(
        paid=Entry.of(payer.id, wanted.unit, paid, note), received=Entry.of(payee.id, wanted.unit, received, note)
    )
    return Answer(told, paid.replayed)
