"""GET /api/2.0/customers/{id}: answers a customer with its quotas as they are."""

from typing import Any

from everlytic import customer, wire
from everlytic.customer import UNITS
from everlytic.formats import Customer
from everlytic.wire import Request
from ledger import accounts, customers
from ledger.table import open_table

table = open_table()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, get_customer, "CustomerRead")


def get_customer(request: Request) -> Customer:
    operator = request.operator(table)
    account = accounts.get(table, operator, request.customer())
    available = customers.balances(table, [(account, unit) for unit in UNITS.values()])
    return Customer(customer.item(account, {unit: amount for (_, unit), amount in available.items()}))
