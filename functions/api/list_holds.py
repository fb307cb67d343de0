"""GET /ledger/accounts/{id}/balances/{unit}/holds: lists a balance's open holds, those that expire first at the top."""

from typing import Any

from api import wire
from api.fields import Time, Told
from api.parameters import BalancePlace
from api.wire import Answer, Call, Endpoint, NoBody
from ledger.counter import hold_expires_ms
from ledger.errors import AccountNotFound
from ledger.holds import read_holdings
from ledger.kinds import Scope


class Hold(Told):
    """An open hold, and what is left of it."""

    hold: str
    left: int
    expires: Time


class Holds(Told):
    """All open holds. An expired one is not among them: what it held is available again."""

    holds: list[Hold]


ENDPOINT = Endpoint(
    "GET",
    "/ledger/accounts/{id}/balances/{unit}/holds",
    done="HoldsListed",
    scope=Scope.READ,
    at=BalancePlace,
    body=NoBody,
    told=Holds,
    errors=(AccountNotFound,),
    example={"id": 101, "unit": "sms"},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, list_holds)


def list_holds(call: Call[BalancePlace, NoBody]) -> Answer:
    """Read the holds as of one instant."""
    found = read_holdings(call.table, call.account(call.at.id).id, call.at.unit)
    now_ms = call.table.now_ms()
    holds = [Hold(hold=hold, left=left, expires=hold_expires_ms(hold)) for hold, left in sorted(found.holds.items())]
    return Answer(Holds(holds=[each for each in holds if each.expires > now_ms]))
