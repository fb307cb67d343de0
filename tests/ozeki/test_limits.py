"""Bounds of Ozeki's API in figures, each on both sides."""

import pytest

from ledger.table import Table
from tests.ozeki.caller import ADD_244, ADMIN, GET_AS_ADMIN, SET_JOHN, Answer, ask, credit, event, send

QUERY = "action=getcredits&username=john&password=john123"


def invalid(name: str) -> Answer:
    return Answer("error", code=2, message=f"not a valid value: {name}")


@pytest.mark.parametrize(
    ("amount", "balance"),
    [("1000000000000000", 10**15), ("-1000000000000000", -(10**15)), ("+0000000000000000000000007", 7)],
)
def test_the_largest_balances_can_be_set(ledger: Table, amount: str, balance: int) -> None:
    assert ask(SET_JOHN, newbalance=amount) == credit("john", balance, "setcredits")


@pytest.mark.parametrize("amount", ["1000000000000001", "-1000000000000001", "9" * 17, "1.0", "--1", "\u0661", " 1"])
def test_and_none_beyond(ledger: Table, amount: str) -> None:
    assert ask(SET_JOHN, newbalance=amount) == invalid("newbalance")
    assert ask(ADD_244, add=amount) == invalid("add")
    assert ask(GET_AS_ADMIN, useraccount="john") == credit("john", 500)


def test_a_body_has_65536_characters_and_a_part_50_fields_at_most(ledger: Table) -> None:
    told = credit("john", 500)
    assert send(event(body=QUERY + "&x=" + "x" * (65_536 - len(QUERY) - 3))) == told
    assert send(event(QUERY, body="x" * 65_537)) == invalid("body")
    assert send(event(QUERY + "&x=1" * 47)) == told
    assert send(event(QUERY, body="x=1" + "&x=1" * 49)) == told
    assert send(event(QUERY, body="x=1" + "&x=1" * 50)) == invalid("body")


def test_a_user_name_has_16_characters_and_a_key_255_at_most(ledger: Table) -> None:
    unknown = Answer("error", code=6, message="unknown useraccount")
    assert ask(GET_AS_ADMIN, useraccount="x" * 16) == ask(GET_AS_ADMIN, useraccount="x" * 17) == unknown
    assert ask(ADD_244, "k" * 255) == credit("john", 744)
    assert ask(ADD_244, "k" * 256) == ask(ADD_244, "") == invalid("Idempotency-Key")


def test_what_every_error_says(ledger: Table) -> None:
    said = {
        3: ask(ADMIN, action="x"),
        1: ask({"action": "getcredits"}),
        4: ask({"action": "getcredits"} | ADMIN, password="x"),
        5: ask(ADD_244, username="john", password="john123"),
        2: ask(ADD_244, add="x"),
        6: ask(ADD_244, useraccount="nobody"),
    }
    assert {code: (answer.code, answer.message) for code, answer in said.items()} == {
        3: (3, "unknown action"),
        1: (1, "missing parameter: username"),
        4: (4, "wrong username or password"),
        5: (5, "only admin may do this"),
        2: (2, "not a valid value: add"),
        6: (6, "unknown useraccount"),
    }
