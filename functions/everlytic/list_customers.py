"""GET /api/2.0/customers: lists the operator's customers a page at a time, deleted ones too.

By id and without a filter only the page itself is read, however deep it lies (up to DEEPEST); what comes before is
counted. Any other order, and a filter, is done in memory, among MOST_SORTED customers at the most.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from everlytic import customer, wire
from everlytic.customer import UNITS, Integer, Name, Properties, Text
from everlytic.formats import Item, Page
from everlytic.wire import Refused, Request
from ledger import accounts, customers
from ledger.accounts import Account
from ledger.table import open_table

LARGEST_PAGE = 500
DEEPEST = 100_000
MOST_SORTED = 5_000

_SEARCHED = ("name", "email", "unique_id")
_READ = ["id", *(name for name in Properties.model_fields if name not in UNITS)]
"""What customers can be sorted and filtered by: all but the quotas, which lie apart."""

_FILTERS = {f"filter[{name}]": name for name in _READ}

table = open_table()


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class Listing(BaseModel):
    """Which customers to list, by their values in whatever case.

    `filter` is a text that name, e-mail or unique_id has in it; `filter[name]` and its like, which are the extra
    parameters, are the whole of one property.
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, hide_input_in_errors=True)

    page: Annotated[Integer, Field(ge=1)] = 1
    count: Annotated[Integer, Field(ge=1, le=LARGEST_PAGE)] = 50
    order: Text = "id"
    direction: Annotated[Literal["ASC", "DESC"], BeforeValidator(_upper)] = "ASC"
    filter: Text = ""
    __pydantic_extra__: dict[str, Name] = Field(init=False)

    @property
    def first(self) -> int:
        """How many customers come before the page."""
        return (self.page - 1) * self.count

    @property
    def descending(self) -> bool:
        """Whether the last in order come first."""
        return self.direction == "DESC"

    @property
    def is_filtered(self) -> bool:
        """Whether some customers may not be among those to list."""
        return bool(self.filter or self.model_extra)

    def matches(self, item: Item) -> bool:
        """Say whether this customer is among those to list."""
        if not any(self.filter.casefold() in str(item[name]).casefold() for name in _SEARCHED):
            return False
        wanted = self.model_extra or {}
        return all(str(item[_FILTERS[each]]).strip().casefold() == wanted[each].casefold() for each in wanted)

    def check(self) -> None:
        """Refuse what is no property to order by, and a page that lies too deep."""
        if self.order not in _READ:
            raise Refused(HTTPStatus.BAD_REQUEST, f"order: not one of {', '.join(_READ)}")
        if self.first + self.count > DEEPEST:
            raise Refused(HTTPStatus.BAD_REQUEST, f"page: reaches past {DEEPEST} customers")


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, list_customers, "CustomersListed")


def list_customers(request: Request) -> Page:
    operator = request.operator(table)
    query = request.query()
    wire.check_names(query, [*Listing.model_fields, *_FILTERS])
    listing = request.asked(Listing, query)
    listing.check()
    found = (
        _by_id(operator, listing) if listing.order == "id" and not listing.is_filtered else _sorted(operator, listing)
    )
    shown = found[: listing.count]
    return Page(_items(shown), listing.model_dump(exclude_unset=True), listing.page, is_last=len(found) == len(shown))


def _by_id(operator: int, listing: Listing) -> Sequence[Account]:
    """Read the page, and one more customer if there is one."""
    after: int | None = 0
    if listing.first:
        after = accounts.skip_accounts(table, operator, listing.first, descending=listing.descending)
    if after is None:
        return []
    return accounts.list_accounts(table, operator, after=after, limit=listing.count + 1, descending=listing.descending)


def _sorted(operator: int, listing: Listing) -> Sequence[Account]:
    """Read all customers; of those that match, in order, give the page and one more if there is one."""
    found = accounts.list_accounts(table, operator, limit=MOST_SORTED + 1)
    if len(found) > MOST_SORTED:
        raise Refused(HTTPStatus.BAD_REQUEST, f"order, filter: only by id among more than {MOST_SORTED} customers")

    def place(each: tuple[Account, Item]) -> tuple[int, str, int]:
        account, item = each
        value = item[listing.order]
        return (value, "", account.id) if isinstance(value, int) else (0, value.casefold(), account.id)

    shown = [(account, customer.item(account, {})) for account in found]
    matching = [each for each in shown if listing.matches(each[1])]
    matching.sort(key=place, reverse=listing.descending)
    return [account for account, _ in matching[listing.first : listing.first + listing.count + 1]]


def _items(found: Sequence[Account]) -> list[Item]:
    available = customers.balances(table, [(account, unit) for account in found for unit in UNITS.values()])
    return [
        customer.item(account, {unit: available.get((account.id, unit), 0) for unit in UNITS.values()})
        for account in found
    ]
