"""Every limit of a request, from both sides; those of the body and of the key have tests of their own."""

from urllib.parse import urlencode

from ledger import entry
from ledger.balance import change
from ledger.change import Change
from ledger.kinds import Kind
from ledger.table import Table
from mailpartner import create_subaccount, list_subaccounts, wire
from tests.local import demo
from tests.mailpartner.caller import KEY, MOVE, add, ask, create, event, send

ILLEGIBLE = "La requête est illisible : "


def test_the_limits_are_these() -> None:
    assert (wire.LONGEST_BODY, wire.MOST_FIELDS, entry.AMOUNT_LIMIT) == (65_536, 50, 10**15)
    assert (create_subaccount.LONGEST_EMAIL, create_subaccount.LONGEST_NAME) == (254, 100)
    assert (list_subaccounts.PER_PAGE, list_subaccounts.MOST_READ) == (20, 50_000)


def test_a_query_and_a_form_have_50_fields_at_most(ledger: Table) -> None:
    fields = {**MOVE, "credit": "1"} | {f"x{number}": "" for number in range(47)}
    assert len(fields) == 50
    assert send("AddCredit", event(query=urlencode(fields))).code == 200
    assert send("AddCredit", event(urlencode(fields).encode())).code == 200
    for made, part in (
        (event(query=urlencode({**fields, "y": ""})), "query"),
        (event(urlencode({**fields, "y": ""}).encode()), "body"),
    ):
        refused = send("AddCredit", made)
        assert (refused.code, refused.message) == (90, ILLEGIBLE + part)


def test_an_address_has_254_characters_and_a_name_100_at_most(ledger: Table) -> None:
    longest = "a" * 249 + "@b.fr"
    assert create(email=longest).fields["subaccount"]["email"] == longest
    assert create(email="a" + longest).code == 6
    for name in ("title", "firstname", "lastname"):
        assert create(**{name: "é" * 100}).code == 200
        refused = create(**{name: "é" * 101})
        assert (refused.code, refused.message) == (90, f"{ILLEGIBLE}parameters[{name}]")


def test_an_amount_is_a_thousandth_of_a_euro_at_least_and_10_to_the_12th_euros_at_most(ledger: Table) -> None:
    change(ledger, Change(0, demo.ADMIN, "EUR", Kind.TOP_UP, 10**15, 0))
    assert add("0.001").code == 200
    assert add("0.000").code == 5
    assert add("1000000000000").code == 200
    assert add("1000000000000.001").code == 5


def test_a_page_has_9_digits_at_most(ledger: Table) -> None:
    assert ask("ListSubaccounts", {**KEY, "page": "0" * 20 + "9" * 9}).fields["data"] == []
    assert ask("ListSubaccounts", {**KEY, "page": "1" + "0" * 9}).code == 90
    assert ask("ListSubaccounts", {**KEY, "page": "1"}).fields["data"][0]["token"] == demo.TOKEN
