"""GET /ledger/accounts/{id}/balances: tells every balance of an account as it is at this instant."""

from typing import Any

from api import wire
from api.fields import Told
from api.parameters import AccountPlace
from api.resources import Balance
from api.wire import Answer, Call, Endpoint, NoBody
from ledger.counter import read_all
from ledger.errors import AccountNotFound
from ledger.kinds import Scope


class Balances(Told):
    """The balances of the units that the account has used, each strongly consistent."""

    balances: list[Balance]


ENDPOINT = Endpoint(
    "GET",
    "/ledger/accounts/{id}/balances",
    done="BalancesRead",
    scope=Scope.READ,
    at=AccountPlace,
    body=NoBody,
    told=Balances,
    errors=(AccountNotFound,),
    example={"id": 101},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, get_balances)


def get_balances(call: Call[AccountPlace, NoBody]) -> Answer:
    """Read the balances of the units that the account's profile names."""
    found = call.account(call.at.id)
    balances = read_all(call.table, [(found.id, unit) for unit in sorted(found.units)])
    return Answer(Balances(balances=[Balance.of(call.table, each) for each in balances]))
