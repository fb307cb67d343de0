"""A unit is one line of `ledger/units.py`: what lists units lists it, and here it is decided which vendor shows it."""

from typing import Any

import pytest

from api import get_balances
from api.openapi import document
from ledger.accounts import Role
from ledger.balance import change
from ledger.change import Change
from ledger.kinds import Kind
from ledger.table import Table
from ledger.units import Unit
from operations.open_account import NewAccount
from tests.api.caller import ask as ask_ledger
from tests.everlytic.caller import ask as ask_everlytic
from tests.local import demo
from tests.mailpartner.caller import KEY
from tests.mailpartner.caller import ask as ask_mailpartner
from tests.ozeki.caller import GET_AS_ADMIN
from tests.ozeki.caller import ask as ask_ozeki

SHOWN_BY = {
    Unit.EMAIL: {"everlytic", "mailpartner"},
    Unit.SMS: {"everlytic", "mailpartner", "ozeki"},
    Unit.TRANSACTIONS: {"everlytic"},
    Unit.EUR: {"mailpartner"},
}
"""The vendors' pages have places for these and no other: a new unit is shown by none of them, or is added here."""

MANY = 7_123


def test_it_is_decided_for_every_unit_who_shows_it() -> None:
    assert SHOWN_BY.keys() == set(Unit)


@pytest.mark.parametrize("unit", Unit)
def test_a_unit_is_shown_where_it_is_said_to_be(ledger: Table, unit: Unit) -> None:
    for owner, account in ((0, demo.ADMIN), (demo.ADMIN, demo.ACME)):
        change(ledger, Change(owner, account, unit, Kind.SET, MANY, actor=demo.ADMIN))

    answers = {
        "ozeki": ask_ozeki(GET_AS_ADMIN).balance,
        "everlytic": ask_everlytic("GET", f"/{demo.ACME}").item,
        "mailpartner": ask_mailpartner("GetMe", KEY).fields["credits"],
    }

    shown = {str(MANY), str(MANY / 1_000)}
    assert {vendor for vendor, told in answers.items() if shown & set(_values(told))} == SHOWN_BY[unit]
    (balance,) = [each for each in ask_ledger(get_balances, id=demo.ACME)["balances"] if each["unit"] == unit]
    assert balance["available"] == MANY


def test_every_unit_can_be_asked_for() -> None:
    balances = dict.fromkeys(Unit, 1)
    assert NewAccount(role=Role.USER, operator=1, username="mary", balances=balances).balances == balances
    assert all(listed == list(Unit) for listed in _enums(document()))


def _values(told: Any) -> set[str]:
    """Give all that was told, as it is written."""
    return {str(getattr(each, "text", each)) for each in (told.values() if isinstance(told, dict) else [told])}


def _enums(node: Any) -> list[list[str]]:
    """Find every list of units in the OpenAPI document."""
    if isinstance(node, dict):
        here = [node["enum"]] if Unit.SMS in node.get("enum", ()) else []
        return here + [found for each in node.values() for found in _enums(each)]
    return [found for each in node for found in _enums(each)] if isinstance(node, list) else []
