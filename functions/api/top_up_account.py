"""POST /ledger/accounts/{id}/topups: adds all that a package holds to an account, and tells the balances."""

from typing import Any, cast

from api import wire
from api.explained import Explained
from api.fields import Identifier, Told, Unit
from api.parameters import AccountPlace
from api.wire import Answer, Call, Endpoint
from ledger import packages
from ledger.customers import top_up
from ledger.errors import AccountClosed, AccountNotFound, BalanceTooLarge
from ledger.kinds import Scope
from ledger.packages import PackageNotFound


class NewTopup(Explained):
    """The package to add."""

    package: Identifier


class ToppedUp(Told):
    """What the top-up left: for each unit of the package the credit available right after it."""

    account: int
    package: str
    available: dict[Unit, int]


ENDPOINT = Endpoint(
    "POST",
    "/ledger/accounts/{id}/topups",
    done="AccountToppedUp",
    scope=Scope.TOPUP,
    at=AccountPlace,
    body=NewTopup,
    told=ToppedUp,
    status=201,
    keyed=True,
    errors=(AccountNotFound, PackageNotFound, AccountClosed, BalanceTooLarge),
    example={"id": 101, "body": {"package": "starter"}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, top_up_account)


def top_up_account(call: Call[AccountPlace, NewTopup]) -> Answer:
    """Top an account up from the caller's catalogue. The entries name the package as their reference."""
    account = call.account(call.at.id)
    note = call.body.note()
    package = packages.get(call.table, call.caller.account, call.body.package)
    made = top_up(
        call.table,
        account.owner,
        account.id,
        package,
        actor=call.caller.account,
        note=note,
        caller_key=call.key_for("topup", account.id, package.identifier, note),
    )
    available = cast("dict[Unit, int]", dict(made.after))
    return Answer(ToppedUp(account=account.id, package=package.identifier, available=available), made.replayed)
