"""PUT /ledger/packages/{identifier}: puts a package into the catalogue, or renames, reprices or reactivates it."""

from typing import Annotated, Any

from pydantic import Field

from api import wire
from api.fields import Amount, Asked, Line, Unit
from api.parameters import PackagePlace
from api.problems import Fault, InvalidRequest
from api.resources import Package
from api.wire import Answer, Call, Endpoint
from ledger import packages
from ledger.errors import NameTaken
from ledger.kinds import Scope


class NewPrice(Asked):
    """A decimal number and an ISO 4217 currency, for people: nothing is charged by it."""

    amount: Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$", examples=["19.90"])]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]


class NewPackage(Asked):
    """The package. What an identifier adds never changes once it is in the catalogue."""

    name: Line
    quantities: Annotated[dict[Unit, Amount], Field(min_length=1, examples=[{"sms": 1000}])]
    price: NewPrice | None = None


ENDPOINT = Endpoint(
    "PUT",
    "/ledger/packages/{identifier}",
    done="PackagePut",
    scope=Scope.ADMIN,
    at=PackagePlace,
    body=NewPackage,
    told=Package,
    operator=True,
    errors=(NameTaken,),
    example={"identifier": "gold", "body": {"name": "Gold", "quantities": {"sms": 1000, "email": 5000}}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, put_package)


def put_package(call: Call[PackagePlace, NewPackage]) -> Answer:
    """Put the package as it is asked for, active."""
    wanted = call.body
    if not wanted.name.isprintable():
        raise InvalidRequest(Fault(at="body.name", message="printable characters only"))
    package = packages.Package(
        call.at.identifier,
        wanted.name,
        {str(unit): quantity for unit, quantity in wanted.quantities.items()},
        price=wanted.price.amount if wanted.price else "",
        currency=wanted.price.currency if wanted.price else "",
    )
    packages.put(call.table, call.caller.account, package)
    return Answer(Package.of(package))
