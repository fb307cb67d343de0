"""PUT /api/2.0/customers/{id}: changes any of a customer's properties and sets any of its quotas, all or nothing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from everlytic import customer, wire
from everlytic.customer import UNITS, ChangedCustomer
from everlytic.formats import Customer
from everlytic.wire import Refused, Request
from ledger import accounts, claims, customers
from ledger.accounts import Account
from ledger.claims import CallerKey
from ledger.customers import Outcome, Revision
from ledger.errors import AccountClosed
from ledger.table import open_table

table = open_table()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, update_customer, "CustomerUpdated")


def update_customer(request: Request) -> Customer:
    """Revise the customer in one commit and answer it as that left it.

    Only what is not as it is stored is judged and changed: a quota that is sent as it is makes no entry.
    """
    operator = request.operator(table, changes=True, fresh=True)
    account = accounts.get(table, operator, request.customer())
    sent = request.sent()
    available = customers.balances(table, [(account, unit) for quota, unit in UNITS.items() if quota in sent])
    stored = customer.item(account, {unit: amount for (_, unit), amount in available.items()})
    changes = customer.changes(sent, stored)
    try:
        asked = request.asked(ChangedCustomer, changes)
        asked.check_id(account.id)
        customer.check_packages(table, operator, asked)
    except ValidationError:
        # What was done before is not judged again, by what is stored since.
        if not _was_done(request, operator, account, sent):
            raise
        changes = {}
    key = request.key_for(operator, "updatecustomer", account.id, *customer.content(sent))
    if changes:
        now, outcome = customers.revise(table, operator, account.id, asked.revision(), actor=operator, caller_key=key)
    else:
        now, outcome = _leave(operator, account, key)
    # A quota that was as it is now, too, is one that this request left so, then or now.
    left = replace(outcome, after=customer.quotas(sent))
    balances = customers.balances_after(table, now, UNITS.values(), left)
    return Customer(customer.item(now, balances), outcome.replayed)


def _was_done(request: Request, operator: int, account: Account, sent: Mapping[str, object]) -> bool:
    """Say whether this very request was made before under its key, and so could be judged then."""
    try:
        key = request.key_for(operator, "updatecustomer", account.id, *customer.content(sent))
    except (ValidationError, Refused):
        return False
    return key is not None and claims.stands(table, key)


def _leave(operator: int, account: Account, key: CallerKey | None) -> tuple[Account, Outcome]:
    """Leave a customer, be it deleted, as it is.

    A key is claimed for that as well: by the time it is sent again, the same request may ask for a change.
    """
    if key is None:
        return account, Outcome({})
    try:
        return customers.revise(table, operator, account.id, Revision(), actor=operator, caller_key=key)
    except AccountClosed:
        return accounts.get(table, operator, account.id), Outcome({})
