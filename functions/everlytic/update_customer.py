"""PUT /api/2.0/customers/{id}: changes any of a customer's properties and sets any of its quotas, all or nothing."""

from typing import Any

from everlytic import customer, wire
from everlytic.customer import UNITS, ChangedCustomer
from everlytic.formats import Customer
from everlytic.wire import Request
from ledger import accounts, customers
from ledger.table import open_table

table = open_table()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, update_customer, "CustomerUpdated")


def update_customer(request: Request) -> Customer:
    """Revise the customer in one commit and answer it as that left it."""
    operator = request.operator(table)
    account = accounts.get(table, operator, request.customer()).id
    asked = request.asked(ChangedCustomer, request.properties())
    asked.check_id(account)
    customer.check_packages(table, operator, asked)
    key = request.key_for(operator, "updatecustomer", account, *asked.content())
    now, outcome = customers.revise(table, operator, account, asked.revision(), actor=operator, caller_key=key)
    balances = customers.balances_after(table, now, UNITS.values(), outcome)
    return Customer(customer.item(now, balances), outcome.replayed)
