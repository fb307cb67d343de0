"""GET /ledger/packages: lists the catalogue, retired packages too, a page at a time."""

from typing import Any

from api import wire
from api.fields import Identifier, Told
from api.parameters import Paged, cut
from api.resources import Package
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import packages
from ledger.kinds import Scope


class Page(Paged):
    cursor: Identifier | None = None


class Packages(Told):
    """A page of packages. `next_cursor`, if there is more, is the `cursor` of the next page."""

    packages: list[Package]
    next_cursor: str | None


ENDPOINT = Endpoint(
    "GET",
    "/ledger/packages",
    done="PackagesListed",
    scope=Scope.READ,
    at=Page,
    body=NoBody,
    told=Packages,
    example={"limit": 10},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, list_packages)


def list_packages(call: Call[Page, NoBody]) -> Answer:
    """List in the order of the identifiers."""
    limit, after = call.at.limit, call.at.cursor or ""
    found = packages.list_packages(call.table, call.caller.account, after=after, limit=limit + 1)
    page, last = cut(found, limit)
    return Answer(Packages(packages=[Package.of(each) for each in page], next_cursor=last.identifier if last else None))
