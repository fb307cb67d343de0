"""Every limit of a request, from both sides; those of body, fields and key have tests of their own."""

import pytest

from ledger import credentials, entry, names
from ledger.table import Table
from ozeki import wire
from tests.ozeki.books import open_user
from tests.ozeki.caller import ADD_244, ADMIN, SET_JOHN, Answer, ask, credit

INVALID = "not a valid value: "


def test_the_limits_are_these() -> None:
    assert (wire.LONGEST_BODY, wire.MOST_FIELDS) == (65_536, 50)
    assert (names.LONGEST_USERNAME, credentials.LONGEST_PASSWORD, entry.AMOUNT_LIMIT) == (16, 16, 10**15)


def test_a_name_has_16_characters_at_most(ledger: Table) -> None:
    open_user(ledger, "\N{SNOWMAN}" * 16)
    names = {"username": "\N{SNOWMAN}" * 16, "password": "secret"}
    assert ask({"action": "getcredits", **names}) == credit("\N{SNOWMAN}" * 16, 0)
    assert ask(ADD_244, useraccount="\N{SNOWMAN}" * 16) == credit("\N{SNOWMAN}" * 16, 244)
    assert ask(ADD_244, useraccount="\N{SNOWMAN}" * 17).code == 6
    assert ask(ADD_244, username="\N{SNOWMAN}" * 17).code == 4
    with pytest.raises(ValueError, match="16 characters"):
        credentials.password("\N{SNOWMAN}" * 17, "secret")


@pytest.mark.parametrize("sign", [1, -1])
def test_an_amount_is_within_10_to_the_15th(ledger: Table, sign: int) -> None:
    most = sign * 10**15
    assert ask(ADD_244, add=str(most)) == credit("john", 500 + most)
    assert ask(ADD_244, add=str(most + sign)) == Answer("error", code=2, message=INVALID + "add")
    assert ask(SET_JOHN, newbalance=f"{'+' if sign > 0 else '-'}000{10**15}") == credit("john", most, "setcredits")
    assert ask(SET_JOHN, newbalance=str(most + sign)) == Answer("error", code=2, message=INVALID + "newbalance")
    assert ask({"action": "getcredits", **ADMIN}, useraccount="john") == credit("john", most)
