"""POST /ledger/packages/{identifier}/retire: stops a package from being sold, and tells it; a PUT brings it back."""

from dataclasses import replace
from typing import Any

from api import wire
from api.parameters import PackagePlace
from api.resources import Package
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import packages
from ledger.kinds import Scope
from ledger.packages import PackageNotFound

ENDPOINT = Endpoint(
    "POST",
    "/ledger/packages/{identifier}/retire",
    done="PackageRetired",
    scope=Scope.ADMIN,
    at=PackagePlace,
    body=NoBody,
    told=Package,
    operator=True,
    errors=(PackageNotFound,),
    example={"identifier": "starter"},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, retire_package)


def retire_package(call: Call[PackagePlace, NoBody]) -> Answer:
    """Retire the package; one that is retired stays so."""
    package = packages.get(call.table, call.caller.account, call.at.identifier)
    packages.retire(call.table, call.caller.account, package.identifier)
    return Answer(Package.of(replace(package, active=False)))
