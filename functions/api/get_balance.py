"""GET /ledger/accounts/{id}/balances/{unit}: tells one balance, as it is now or as it was at an instant."""

from typing import Any

from api import wire
from api.fields import Instant, Told, Unit
from api.parameters import BalancePlace
from api.resources import Balance
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import history
from ledger.counter import read
from ledger.errors import AccountNotFound
from ledger.kinds import Scope


class When(BalancePlace):
    at: Instant | None = None


class BalanceThen(Told):
    """A balance right after the entry `sequence`, the last one made by then; 0 if there was none yet."""

    account: int
    unit: Unit
    available: int
    held: int
    sequence: int


ENDPOINT = Endpoint(
    "GET",
    "/ledger/accounts/{id}/balances/{unit}",
    done="BalanceRead",
    scope=Scope.READ,
    at=When,
    body=NoBody,
    told=BalanceThen,
    errors=(AccountNotFound,),
    example={"id": 101, "unit": "sms", "at": "2026-01-01T00:00:00Z"},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, get_balance)


def get_balance(call: Call[When, NoBody]) -> Answer:
    """Read the balance item or, for an instant, find the last entry made by then."""
    account, unit = call.account(call.at.id).id, call.at.unit
    if call.at.at is None:
        now = Balance.of(call.table, read(call.table, account, unit))
        available, held, sequence = now.available, now.held, now.sequence
    else:
        last = history.at(call.table, account, unit, call.at.at)
        available, held, sequence = (last.after, last.held, last.sequence) if last else (0, 0, 0)
    return Answer(BalanceThen(account=account, unit=unit, available=available, held=held, sequence=sequence))
