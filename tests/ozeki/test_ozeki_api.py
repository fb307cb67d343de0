"""What the Ozeki API does for whom, through its handler."""

import json

import pytest

from ledger import history
from ledger.counter import State
from ledger.entry import AMOUNT_LIMIT
from ledger.kinds import Kind
from ledger.table import Table
from ozeki.ozeki_api import lambda_handler
from tests.demo_ledger import items
from tests.local import demo
from tests.local.gateway import Context
from tests.ozeki.books import balance_of_john, kinds_of_john, open_rival, open_user
from tests.ozeki.caller import ADD_244, ADMIN, GET_AS_ADMIN, JOHN, SET_JOHN, Answer, ask, credit, event
from tests.states import set_state
from tests.template import ROOT

# -------------------------------------------------------------------------------------------- what the vendor documents


def test_the_vendors_example_is_answered_byte_for_byte(ledger: Table) -> None:
    example = json.loads((ROOT / "events" / "ozeki_api.json").read_text())

    response = lambda_handler(example, Context("OzekiApi"))

    assert response["statusCode"] == 200
    assert response["headers"]["Content-Type"] == "application/xml"
    assert response["body"] == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE smsapi PUBLIC "-//OZEKI//DTD XML 1.0//EN" "http://www.ozekisms.com/DTD/smsapi.xml">\n'
        "<response>\n"
        "   <action>getcredits</action>\n"
        "   <data>\n"
        "      <account>\n"
        "         <username>john</username>\n"
        "         <balance>744</balance>\n"
        "      </account>\n"
        "   </data>\n"
        "</response>"
    )


def test_a_negative_amount_takes_credit_away(ledger: Table) -> None:
    assert ask(ADD_244, add="-200") == credit("john", 300)


def test_credit_can_be_taken_away_below_zero_and_given_back_from_there(ledger: Table) -> None:
    assert ask(ADD_244, add="-500") == credit("john", 0)
    assert ask(ADD_244, add="-1") == credit("john", -1)
    assert ask(ADD_244, add="2") == credit("john", 1)


def test_the_admins_own_balance_changes_if_no_account_is_named(ledger: Table) -> None:
    named, unnamed = {"useraccount": "admin"}, {"useraccount": ""}
    assert ask({"action": "addcredits", **ADMIN}, add="7") == credit("admin", 7)
    assert ask({"action": "addcredits", **ADMIN}, add="7", **named) == credit("admin", 14)
    assert ask({"action": "setcredits", **ADMIN}, newbalance="5", **unnamed) == credit("admin", 5, "setcredits")
    assert balance_of_john(ledger) == 500


def test_a_balance_is_set_whatever_it_was(ledger: Table) -> None:
    assert ask(SET_JOHN, newbalance="42") == credit("john", 42, "setcredits")
    assert ask(SET_JOHN, newbalance="-3") == credit("john", -3, "setcredits")
    assert ask(SET_JOHN, newbalance="0") == credit("john", 0, "setcredits")
    assert kinds_of_john(ledger) == [Kind.SET, Kind.SET, Kind.SET, Kind.OPENING]


@pytest.mark.parametrize("nothing", [{}, {"newbalance": ""}])
def test_without_a_new_balance_setting_changes_nothing(ledger: Table, nothing: dict[str, str]) -> None:
    assert ask(SET_JOHN, **nothing) == credit("john", 500, "setcredits")
    assert kinds_of_john(ledger) == [Kind.OPENING]


def test_an_admin_reads_its_own_balance_and_those_of_its_accounts(ledger: Table) -> None:
    assert ask(GET_AS_ADMIN) == credit("admin", 0)
    assert ask(GET_AS_ADMIN, useraccount="john") == credit("john", 500)


def test_a_user_reads_its_own_balance_by_name_or_not(ledger: Table) -> None:
    assert ask({"action": "getcredits", **JOHN}) == credit("john", 500)
    assert ask({"action": "getcredits", **JOHN}, useraccount="john") == credit("john", 500)


def test_a_user_name_is_the_same_in_any_case_and_told_as_the_request_names_it(ledger: Table) -> None:
    john = {"action": "getcredits", **JOHN, "username": "JOHN"}
    assert ask(john) == credit("john", 500)
    assert ask(john, useraccount="John") == credit("John", 500)
    assert ask(ADD_244, username="Admin", useraccount="JOHN") == credit("JOHN", 744)
    assert ask(GET_AS_ADMIN, useraccount="ADMIN") == credit("ADMIN", 0)


def test_urlencoded_answers_are_the_same_tree_in_one_line(ledger: Table) -> None:
    made = event("action=addcredits&username=admin&password=abc123&useraccount=john&add=244&responseformat=urlencoded")
    response = lambda_handler(made, Context("OzekiApi"))
    assert response["body"] == "action=getcredits&account.username=john&account.balance=744"


def test_urlencoded_errors_are_the_same_tree_in_one_line() -> None:
    response = lambda_handler(event("action=refund&responseformat=urlencoded"), Context("OzekiApi"))
    assert response["body"] == "action=error&errorcode=3&errormessage=unknown+action"


def test_an_answer_is_never_cached() -> None:
    assert lambda_handler(event(), Context("OzekiApi"))["headers"]["Cache-Control"] == "no-store"


def test_every_change_says_what_it_was_and_who_made_it(ledger: Table) -> None:
    ask(ADD_244)
    (posted,) = history.entries(ledger, demo.JOHN, "sms", limit=1)
    assert (posted.entry.kind, posted.amount, posted.entry.actor) == (Kind.ADJUSTMENT, 244, demo.ADMIN)


# --------------------------------------------------------------------------------------------------------- who may what


def test_another_operators_accounts_are_unknown(ledger: Table) -> None:
    rival = open_rival(ledger)
    before = items(ledger)

    for action in ("addcredits", "setcredits", "getcredits"):
        for useraccount in ("john", "admin"):
            assert ask({"action": action, **rival}, useraccount=useraccount, add="1", newbalance="1").code == 6
    assert items(ledger) == before


def test_a_closed_account_takes_no_change_and_still_shows_its_balance(ledger: Table) -> None:
    set_state(ledger, demo.ADMIN, demo.JOHN, State.CLOSED)
    closed = Answer("error", code=9, message="account closed")
    assert ask(ADD_244) == closed
    assert ask(SET_JOHN, newbalance="1") == closed
    assert ask(GET_AS_ADMIN, useraccount="john") == credit("john", 500)


def test_a_closed_account_cannot_log_in(ledger: Table) -> None:
    set_state(ledger, demo.ADMIN, demo.JOHN, State.CLOSED)
    assert ask({"action": "getcredits", **JOHN}).code == 9


def test_a_suspended_account_takes_an_admins_changes(ledger: Table) -> None:
    set_state(ledger, demo.ADMIN, demo.JOHN, State.SUSPENDED)
    assert ask(ADD_244, add="-600") == credit("john", -100)
    assert ask(SET_JOHN, newbalance="8") == credit("john", 8, "setcredits")


# --------------------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("1", 1),
        ("+5", 5),
        ("-5", -5),
        ("007", 7),
        ("-0", 0),
        ("0" * 9_000 + "7", 7),
        (str(AMOUNT_LIMIT), AMOUNT_LIMIT),
        (str(-AMOUNT_LIMIT), -AMOUNT_LIMIT),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_integer_is_digits_with_an_optional_sign(ledger: Table, written: str, amount: int) -> None:
    assert ask(ADD_244, add=written) == credit("john", 500 + amount)
    assert ask(SET_JOHN, newbalance=written) == credit("john", amount, "setcredits")


@pytest.mark.parametrize("responseformat", ["xml", ""])
def test_the_format_is_xml_unless_said_otherwise(ledger: Table, responseformat: str) -> None:
    assert ask(ADD_244, responseformat=responseformat) == credit("john", 744)


@pytest.mark.parametrize("name", ["<b>&'\"", "\N{SNOWMAN} \N{GREEK SMALL LETTER OMEGA}", "a=b&c.d;e+f"])
def test_a_name_is_text_in_every_format(ledger: Table, name: str) -> None:
    open_user(ledger, name)
    assert ask(GET_AS_ADMIN, useraccount=name) == credit(name, 0)
    assert ask(GET_AS_ADMIN, useraccount=name, responseformat="urlencoded") == credit(name, 0)


def test_what_xml_cannot_carry_is_replaced(ledger: Table) -> None:
    """No such name can be opened from outside, but the answer is well-formed even then."""
    open_user(ledger, "a\0b\x1bc\uffffd")
    assert ask(GET_AS_ADMIN, useraccount="a\0b\x1bc\uffffd") == credit("a\ufffdb\ufffdc\ufffdd", 0)
