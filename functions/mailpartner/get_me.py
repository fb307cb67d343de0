"""GET /v1/me: answers who the caller is and what credit they have."""

from typing import Any

from ledger.counter import read_all
from ledger.table import open_table
from ledger.units import Unit
from mailpartner import parties, wire
from mailpartner.euros import UNIT, Euros
from mailpartner.formats import Named
from mailpartner.wire import Answer, Request

table = open_table()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, get_me, wire.GENERAL, "CreditRead")


def get_me(request: Request) -> Answer:
    """Read the caller's profile and balances: money, and the messages already paid for."""
    asking = parties.caller(table, request)
    found = parties.profile(table, asking)
    balances = read_all(table, [(found.id, unit) for unit in (Unit.SMS, Unit.EMAIL, UNIT)])
    sms, mail, money = (balance.spendable(table.now_ms()) for balance in balances)
    solde = Euros(money).padded()
    return Answer(
        {
            "user": Named(
                username=parties.text(found, "email") or found.username,
                firstname=parties.text(found, "firstname"),
                lastname=parties.text(found, "lastname"),
            ),
            # In the vendor's order, all of them, ours last: in XML only a value's place tells what it is.
            "credits": {
                "creditSms": sms,
                "creditSmsECO": 0,
                "creditHlr": 0,
                "toSend": 0,
                "solde": solde,
                "currency": UNIT,
                "balance": solde,
                "creditMail": mail,
            },
        }
    )
