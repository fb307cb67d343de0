"""DELETE /api/2.0/customers/{id}: closes a customer for good, erasing nothing, and answers it."""

from typing import Any

from everlytic import customer, wire
from everlytic.customer import UNITS
from everlytic.formats import Customer
from everlytic.wire import Request
from ledger import accounts, customers
from ledger.table import open_table

table = open_table()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, delete_customer, "CustomerDeleted")


def delete_customer(request: Request) -> Customer:
    """Close the customer in one commit. One that is deleted already stays so, and is answered alike."""
    operator = request.operator(table, changes=True, fresh=True)
    account = accounts.get(table, operator, request.customer()).id
    key = request.key_for(operator, "deletecustomer", account)
    now, outcome = customers.close(table, operator, account, actor=operator, caller_key=key)
    balances = customers.balances_after(table, now, UNITS.values(), outcome)
    return Customer(customer.item(now, balances), outcome.replayed)
