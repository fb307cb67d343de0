"""GET /ledger/packages/{identifier}: tells a package, retired or not."""

from typing import Any

from api import wire
from api.parameters import PackagePlace
from api.resources import Package
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import packages
from ledger.kinds import Scope
from ledger.packages import PackageNotFound

ENDPOINT = Endpoint(
    "GET",
    "/ledger/packages/{identifier}",
    done="PackageRead",
    scope=Scope.READ,
    at=PackagePlace,
    body=NoBody,
    told=Package,
    errors=(PackageNotFound,),
    example={"identifier": "starter"},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, get_package)


def get_package(call: Call[PackagePlace, NoBody]) -> Answer:
    """Look the package up in the operator's catalogue."""
    return Answer(Package.of(packages.get(call.table, call.caller.account, call.at.identifier)))
