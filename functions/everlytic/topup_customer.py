"""POST and PUT /api/2.0/customers/topup/{id}/{package_identifier}: adds a package's quantities, all or none.

The vendor's table says POST and its sample PUT, with an empty body: both do the same, and whatever the body is.
"""

from typing import Any

from everlytic import customer, wire
from everlytic.customer import UNITS
from everlytic.formats import Customer
from everlytic.wire import Request
from ledger import accounts, customers, packages
from ledger.table import open_table

table = open_table()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, topup_customer, "CustomerToppedUp")


def topup_customer(request: Request) -> Customer:
    """Add the package in one commit and answer the customer as that left it."""
    operator = request.operator(table, changes=True)
    account = accounts.get(table, operator, request.customer())
    package = packages.get(table, operator, request.package())
    key = request.key_for(operator, "topupcustomer", account.id, package.identifier)
    outcome = customers.top_up(table, operator, account.id, package, actor=operator, caller_key=key)
    balances = customers.balances_after(table, account, UNITS.values(), outcome)
    return Customer(customer.item(account, balances), outcome.replayed)
