"""Answers from the first character to the last: what a caller's parser, of either format, is written against."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ledger import accounts
from ledger.balance import change
from ledger.change import Change
from ledger.kinds import Kind
from ledger.table import Table
from mailpartner.euros import Euros, read
from tests.frozen import stop_the_clock
from tests.local import demo
from tests.local.gateway import Context
from tests.mailpartner.books import entries
from tests.mailpartner.caller import HANDLERS, KEY, MOVE, Answer, Number, add, ask, create, event, moved

PROLOG = '<?xml version="1.0" encoding="UTF-8"?>'
JANE: dict[str, Any] = {
    "email": "jane@shop.example",
    "isBuyer": True,
    "title": "Shop",
    "firstname": "Jane",
    "lastname": "Doe",
}


def text_of(function: str, parameters: dict[str, Any], form: str = "json") -> str:
    response = HANDLERS[function](event(json.dumps(parameters).encode(), query=f"_format={form}"), Context(function))
    assert response["statusCode"] == 200
    assert {name.lower(): value for name, value in response["headers"].items()} == {
        "cache-control": "no-store",
        "content-type": f"application/{form}",
        "x-content-type-options": "nosniff",
    }
    body: str = response["body"]
    return body


def opened_at_a_known_instant(monkeypatch: pytest.MonkeyPatch) -> str:
    """Open a sub-account with 0.8 EUR at 9:30, before the demo's own in the order of ids, and give its token."""
    with monkeypatch.context() as then:
        stop_the_clock(then)
        answer = create(type="advanced", creditToAttribute="0.80", **JANE)
    token: str = answer.fields["subaccount"]["token"]
    return token


def secrets_of(created: Mapping[str, Any]) -> dict[str, str]:
    """Give the two texts that are new each time, in the order in which they are told."""
    return {name: created["subaccount"][name] for name in ("token", "apiKey")}


def test_a_new_sub_account_is_told(ledger: Table) -> None:
    advanced = create(type="advanced", **JANE).fields
    assert advanced == {
        "subaccount": {"email": "jane@shop.example", **secrets_of(advanced)},
        "sendConfirmMailTo": "jane@shop.example",
        "parent_email": "admin",
    }
    simple = create().fields
    email, token = simple["subaccount"]["email"], simple["subaccount"]["token"]
    assert simple == {
        "subaccount": {"email": email, **secrets_of(simple)},
        "sendConfirmMailTo": "",
        "parent_email": "admin",
    }
    assert len(token) == 32
    assert accounts.get(ledger, demo.ADMIN, 3).properties == {
        "type": "simple",
        "email": email,
        "is_buyer": 0,
        "name": email,
        "firstname": "",
        "lastname": "",
        "token": token,
    }


def test_the_list_is_told(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    token = opened_at_a_known_instant(monkeypatch)
    change(ledger, Change(demo.ADMIN, demo.SUBACCOUNT, "EUR", Kind.ADJUSTMENT, -161_800 - 1_050, demo.ADMIN))
    made = text_of("ListSubaccounts", KEY)
    created = json.loads(made)["data"][1]["createdAt"]
    assert made == (
        '{"success": true, "code": 200, "total": 2, "nb_per_page": 20, "page": 1, "data": ['
        '{"id": 2, "email": "jane@shop.example", "type": "advanced", "token": "' + token + '", '
        '"apiKey": "", "createdAt": "2026-11-22 09:30:00", "credits": {"balance": "0.800", "currency": "EUR"}}, '
        '{"id": 102, "email": "demo@subaccount.invalid", "type": "simple", "token": "demo-subaccount", '
        '"apiKey": "", "createdAt": "' + created + '", "credits": {"balance": "-1.050", "currency": "EUR"}}]}'
    )
    assert text_of("ListSubaccounts", KEY, "xml") == (
        f"{PROLOG}<result><entry>true</entry><entry>200</entry><entry>2</entry><entry>20</entry><entry>1</entry><entry>"
        f"<entry><entry>2</entry><entry><![CDATA[jane@shop.example]]></entry><entry><![CDATA[advanced]]></entry>"
        f"<entry><![CDATA[{token}]]></entry><entry><![CDATA[]]></entry><entry><![CDATA[2026-11-22 09:30:00]]></entry>"
        "<entry><entry><![CDATA[0.800]]></entry><entry><![CDATA[EUR]]></entry></entry></entry>"
        "<entry><entry>102</entry><entry><![CDATA[demo@subaccount.invalid]]></entry><entry><![CDATA[simple]]></entry>"
        f"<entry><![CDATA[demo-subaccount]]></entry><entry><![CDATA[]]></entry><entry><![CDATA[{created}]]></entry>"
        "<entry><entry><![CDATA[-1.050]]></entry><entry><![CDATA[EUR]]></entry></entry></entry>"
        "</entry></result>"
    )


def test_me_is_told(ledger: Table) -> None:
    for unit, amount in (("sms", 7), ("email", 3)):
        change(ledger, Change(0, demo.ADMIN, unit, Kind.TOP_UP, amount, 0))
    assert text_of("GetMe", KEY) == (
        '{"success": true, "code": 200, "user": {"username": "admin", "firstname": "", "lastname": ""}, "credits": '
        '{"creditSms": 7, "creditSmsECO": 0, "creditHlr": 0, "toSend": 0, '
        '"solde": "2769.200", "currency": "EUR", "balance": "2769.200", "creditMail": 3}}'
    )
    assert text_of("GetMe", KEY, "xml") == (
        f"{PROLOG}<result><entry>true</entry><entry>200</entry><entry><username><![CDATA[admin]]></username>"
        "<firstname><![CDATA[]]></firstname><lastname><![CDATA[]]></lastname></entry>"
        "<entry><entry>7</entry><entry>0</entry><entry>0</entry><entry>0</entry><entry><![CDATA[2769.200]]></entry>"
        "<entry><![CDATA[EUR]]></entry><entry><![CDATA[2769.200]]></entry><entry>3</entry></entry></result>"
    )


def test_a_transfer_and_a_removal_are_told(ledger: Table) -> None:
    assert text_of("AddCredit", {**MOVE, "credit": 0.25}) == (
        '{"success": true, "code": 200, "credit": 2768.95, "subaccountCredit": 162.05, "currency": "EUR"}'
    )
    assert text_of("RemoveSubaccount", {**KEY, "token": demo.TOKEN}) == '{"success": true, "code": 200}'
    assert text_of("RemoveSubaccount", {**KEY, "token": demo.TOKEN}) == (
        '{"success": false, "code": 404, "message": "Le sous-compte n\'existe pas"}'
    )


NO_EMAIL = (6, "L'email est requis")
NOT_READABLE = "La requête est illisible : parameters[{}]"
LIMITS: list[tuple[dict[str, Any], dict[str, Any], tuple[int, str]]] = [
    ({"title": "x" * 100}, {"title": "x" * 101}, (90, NOT_READABLE.format("title"))),
    ({"firstname": "ä" * 100}, {"firstname": "ä" * 101}, (90, NOT_READABLE.format("firstname"))),
    ({"lastname": "x y"}, {"lastname": "x\ny"}, (90, NOT_READABLE.format("lastname"))),
    ({"email": "a@" + "b" * 252}, {"email": "a@" + "b" * 253}, NO_EMAIL),
    ({"isBuyer": "1"}, {"isBuyer": "2"}, (3, "isBuyer est requis")),
    ({"isBuyer": "false"}, {"isBuyer": ""}, (3, "isBuyer est requis")),
    (
        {"creditToAttribute": "0.001"},
        {"creditToAttribute": "0.000"},
        (8, "creditToAttribute doit être supérieurr à 0"),
    ),
    (
        {"creditToAttribute": "2769.2"},
        {"creditToAttribute": "2769.201"},
        (9, "La balance doit être supérieur à 0"),
    ),
]


@pytest.mark.parametrize(("last", "beyond", "refusal"), LIMITS)
def test_the_last_that_is_taken_and_the_first_that_is_not(
    ledger: Table, last: dict[str, Any], beyond: dict[str, Any], refusal: tuple[int, str]
) -> None:
    code, message = refusal
    assert create(type="advanced", **JANE | beyond) == Answer(code, message=message)
    assert create(type="advanced", **JANE | last).code == 200


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [("0.001", 1), ("000001.2", 1_200), ("1000000000000", 10**15), ("999999999999.999", 10**15 - 1)],
)
def test_an_amount_is_read_to_the_thousandth(text: str, thousandths: int) -> None:
    assert read(text) == thousandths
    assert read(str(Euros(thousandths))) == read(Euros(thousandths).padded()) == thousandths


@pytest.mark.parametrize("text", ["0", "0.0000", "1000000000000.001", "1000000000001", "-1", "+1", "1e3", "1,5", ""])
def test_what_is_no_amount_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount of euros"):
        read(text)


def test_a_page_number_has_nine_digits_at_most(ledger: Table) -> None:
    assert ask("ListSubaccounts", {**KEY, "page": "0" * 20 + "9" * 9}).fields["page"] == Number("9" * 9)
    for page in ("9" * 10, "0", "-1", "1.0"):
        refused = ask("ListSubaccounts", {**KEY, "page": page})
        assert refused == Answer(90, message="La requête est illisible : page")


def test_all_credit_and_not_a_thousandth_more_can_be_moved(ledger: Table) -> None:
    assert add("2769.201") == Answer(8, message="Crédit insufisant")
    assert add("2769.2") == moved("0", "2931")
    assert add("0.001") == Answer(6, message="La balance doit être supérieur à 0")
    assert entries(ledger, demo.ADMIN)[0].after == 0
