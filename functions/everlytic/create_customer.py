"""POST /api/2.0/customers: creates a customer with its opening quotas, all or nothing, and answers it."""

from http import HTTPStatus
from typing import Any

from everlytic import customer, wire
from everlytic.customer import UNITS, NewCustomer
from everlytic.formats import Customer
from everlytic.wire import Request
from ledger import customers
from ledger.table import open_table

table = open_table()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, create_customer, "CustomerCreated", HTTPStatus.CREATED)


def create_customer(request: Request) -> Customer:
    """Open the customer in one commit and answer it as that left it."""
    operator = request.operator(table, changes=True, fresh=True)
    asked = request.asked(NewCustomer, request.sent())
    customer.check_packages(table, operator, asked)
    key = request.key_for(operator, "createcustomer", *asked.content())
    now, outcome = customers.create(table, operator, asked.revision(), actor=operator, caller_key=key)
    request.log["account"] = now.id
    balances = customers.balances_after(table, now, UNITS.values(), outcome)
    return Customer(customer.item(now, balances), outcome.replayed)
