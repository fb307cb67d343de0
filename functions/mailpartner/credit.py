"""What adding and removing credit have in common: the same parameters, judged alike, and the same answer."""

from dataclasses import dataclass

from ledger.accounts import Account
from ledger.claims import CallerKey
from ledger.entry import Posted
from ledger.table import Table
from mailpartner import euros, parties
from mailpartner.euros import UNIT, Euros
from mailpartner.wire import Answer, Fault, Refused, Request


@dataclass(frozen=True, slots=True)
class Order:
    """Credit to be moved between a main account and one of its sub-accounts, in thousandths of a euro."""

    parent: Account
    child: Account
    amount: int
    caller_key: CallerKey | None


def read_order(table: Table, request: Request, operation: str) -> Order:
    """Read what is to be moved. The order of the statements is that of the codes: 1, 10, 2, 3, 4, 7, 5."""
    asking = parties.caller(table, request)
    credit = request.required("credit", Fault.NO_CREDIT)
    token = request.required("tokenSubaccount", Fault.NO_TOKEN)
    parent = parties.parent(table, asking)
    child = parties.subaccount(table, request, asking, token)
    amount = read_amount(credit)
    return Order(parent, child, amount, request.key_for(parent.id, operation, child.id, UNIT, amount))


def read_amount(text: str) -> int:
    """Read an amount as thousandths of a euro, or refuse it."""
    try:
        return euros.read(text)
    except ValueError:
        raise Refused(Fault.BAD_CREDIT) from None


def moved(request: Request, *, parent: Posted, child: Posted) -> Answer:
    """Answer both balances as they were right after the transfer."""
    request.log.update(sequence=parent.sequence, account_sequence=child.sequence)
    return Answer(
        {"credit": Euros(parent.after), "subaccountCredit": Euros(child.after), "currency": UNIT}, parent.replayed
    )
