"""Opening, listing and closing sub-accounts, and what a caller may know about itself."""

import re
from typing import Any

import pytest

from ledger import accounts, counter, history, opening
from ledger.accounts import Account
from ledger.balance import change
from ledger.change import Change
from ledger.counter import State
from ledger.credentials import api_key
from ledger.errors import AccountNotFound
from ledger.kinds import Kind
from ledger.names import Name, find_name
from ledger.table import Table
from mailpartner import list_subaccounts
from mailpartner.list_subaccounts import PER_PAGE
from tests.demo_ledger import items
from tests.local import demo
from tests.local.routes import routes
from tests.mailpartner.books import CHILD_EUR, PARENT_EUR, balances, entries, open_user, profile, total
from tests.mailpartner.caller import HANDLERS, KEY, MOVE, Answer, Number, add, ask, create, moved, remove
from tests.states import set_state
from tests.template import FUNCTIONS

ADVANCED: dict[str, Any] = {
    "email": "Jane@Example.com",
    "isBuyer": 1,
    "title": "Jane's",
    "firstname": "Jane",
    "lastname": "Doe",
}


def opened(table: Table, answer: Answer) -> Account:
    """Find the account that this answer is about."""
    assert answer.code == 200
    return profile(table, find_name(table, f"T#{answer.fields['subaccount']['token']}")[1])


def remove_subaccount(token: str = demo.TOKEN, key: str | None = None) -> Answer:
    return ask("RemoveSubaccount", {**KEY, "token": token}, key)


def listed(page: int = 1) -> list[int]:
    return [int(each["id"].text) for each in ask("ListSubaccounts", {**KEY, "page": page}).fields["data"]]


# -------------------------------------------------------------------------------------------------------------- opening


def test_an_advanced_sub_account_is_what_was_asked_for(ledger: Table) -> None:
    answer = create(type="advanced", **ADVANCED)
    token, key = answer.fields["subaccount"]["token"], answer.fields["subaccount"]["apiKey"]
    assert answer.fields == {
        "subaccount": {"email": "Jane@Example.com", "token": token, "apiKey": key},
        "sendConfirmMailTo": "Jane@Example.com",
        "parent_email": "admin",
    }
    account = opened(ledger, answer)
    assert (account.owner, account.state, account.units) == (demo.ADMIN, State.OPEN, frozenset())
    assert account.properties == {
        "token": token,
        "type": "advanced",
        "email": "Jane@Example.com",
        "is_buyer": 1,
        "name": "Jane's",
        "firstname": "Jane",
        "lastname": "Doe",
    }


def test_a_simple_sub_account_gets_an_address_that_nobody_can_write_to(ledger: Table) -> None:
    first, second = (create().fields["subaccount"] for _ in range(2))
    assert re.fullmatch(r"[0-9a-f]{16}@subaccount\.invalid", first["email"])
    assert (len(first["token"]), len(first["apiKey"])) == (32, 51)
    assert all(first[name] != second[name] for name in ("email", "token", "apiKey"))


def test_a_simple_sub_account_may_have_an_address_and_is_not_written_to(ledger: Table) -> None:
    fields = create(email="jane@example.com").fields
    assert (fields["subaccount"]["email"], fields["sendConfirmMailTo"]) == ("jane@example.com", "")


def test_credit_to_attribute_is_one_transfer_from_the_main_account(ledger: Table) -> None:
    child = opened(ledger, create(creditToAttribute="10.005")).id
    assert balances(ledger, demo.ADMIN, child) == (PARENT_EUR - 10_005, 10_005)
    paid, received = entries(ledger, demo.ADMIN)[0], entries(ledger, child)[0]
    assert (paid.entry.kind, paid.amount, paid.entry.reference) == (Kind.TRANSFER_OUT, -10_005, str(child))
    assert (received.entry.kind, received.amount, received.entry.reference) == (Kind.TRANSFER_IN, 10_005, "100")
    assert (received.sequence, received.key) == (1, paid.key)


def test_what_the_main_account_cannot_pay_opens_nothing(ledger: Table) -> None:
    empty = Answer(9, message="La balance doit être supérieur à 0")
    assert create(email="a@b.fr", creditToAttribute="2769.201") == empty
    assert listed() == [demo.SUBACCOUNT]
    assert create(email="a@b.fr", creditToAttribute="2769.2").code == 200
    assert create(creditToAttribute="0.001") == empty
    assert total(ledger) == PARENT_EUR + CHILD_EUR


def test_a_main_account_that_never_had_euros_cannot_pay(ledger: Table) -> None:
    names = [api_key("poor-key")]
    opening.open_account(ledger, 0, actor=0, role=accounts.Role.ADMIN, username="poor", names=names)
    wanted = {"apiKey": "poor-key", "type": "simple", "parameters": {"creditToAttribute": 1}}
    assert ask("CreateSubaccount", wanted).code == 9
    assert ask("CreateSubaccount", wanted | {"parameters": {}}).code == 200


def test_an_address_has_one_open_account(ledger: Table) -> None:
    taken = Answer(7, message="Un compte existe déjà avec cet email")
    token = create(type="advanced", **ADVANCED).fields["subaccount"]["token"]
    assert create(type="advanced", **ADVANCED | {"email": "jane@EXAMPLE.com"}) == taken
    assert create(email="jane@example.com", creditToAttribute=1) == taken
    assert balances(ledger) == (PARENT_EUR, CHILD_EUR)
    assert remove_subaccount(token).code == 200
    assert create(email="jane@example.com").code == 200


@pytest.mark.parametrize("is_buyer", [True, 1, "1", "true"], ids=repr)
def test_is_buyer_is_kept(ledger: Table, is_buyer: object) -> None:
    wanted = ADVANCED | {"isBuyer": is_buyer}
    assert opened(ledger, create(type="advanced", **wanted)).properties["is_buyer"] == 1
    wanted |= {"isBuyer": 0, "email": "other@example.com"}
    assert opened(ledger, create(type="advanced", **wanted)).properties["is_buyer"] == 0


def test_a_new_sub_account_takes_credit_at_once(ledger: Table) -> None:
    token = create().fields["subaccount"]["token"]
    assert ask("AddCredit", {**MOVE, "tokenSubaccount": token, "credit": 1}) == moved("2768.2", "1")


# -------------------------------------------------------------------------------------------------------------- listing


def test_the_list_shows_what_the_vendors_shows_but_an_empty_api_key(ledger: Table) -> None:
    answer = ask("ListSubaccounts", KEY)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", answer.fields["data"][0].pop("createdAt"))
    assert answer.fields == {
        "total": Number("1"),
        "nb_per_page": Number("20"),
        "page": Number("1"),
        "data": [
            {
                "id": Number("102"),
                "email": "demo@subaccount.invalid",
                "type": "simple",
                "token": demo.TOKEN,
                "apiKey": "",
                "credits": {"balance": "161.800", "currency": "EUR"},
            }
        ],
    }


def test_a_page_has_twenty_and_the_last_one_the_rest(ledger: Table) -> None:
    new = [
        opening.open_account(
            ledger, demo.ADMIN, actor=demo.ADMIN, names=[Name("token", f"T#{number}")], properties={"token": number}
        ).id
        for number in range(PER_PAGE + 1)
    ]
    first, second, third = (ask("ListSubaccounts", {**KEY, "page": page}) for page in ("", "002", 3))
    ids = [[int(each["id"].text) for each in answer.fields["data"]] for answer in (first, second, third)]
    assert ids == [new[:PER_PAGE], [new[-1], demo.SUBACCOUNT], []]
    assert {answer.fields["total"] for answer in (first, second, third)} == {Number(str(PER_PAGE + 2))}
    assert first.fields["data"][0]["credits"]["balance"] == "0.000"


def test_customers_without_a_token_and_closed_accounts_are_not_listed(ledger: Table) -> None:
    open_user(ledger, "user-key")
    child = opened(ledger, create()).id
    assert listed() == [child, demo.SUBACCOUNT]
    set_state(ledger, demo.ADMIN, child, State.SUSPENDED)
    assert listed() == [child, demo.SUBACCOUNT]
    set_state(ledger, demo.ADMIN, child, State.CLOSED)
    assert listed() == [demo.SUBACCOUNT]


def test_only_so_many_accounts_are_looked_through(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    child = opened(ledger, create()).id
    older = accounts.list_accounts(ledger, demo.ADMIN, limit=100)
    monkeypatch.setattr(list_subaccounts, "MOST_READ", [account.id for account in older].index(child) + 1)
    assert listed() == [child]


# -------------------------------------------------------------------------------------------------------------- closing


def test_a_closed_sub_accounts_credit_is_the_main_accounts_again(ledger: Table) -> None:
    change(ledger, Change(demo.ADMIN, demo.SUBACCOUNT, "sms", Kind.TOP_UP, 30, demo.ADMIN))
    change(ledger, Change(demo.ADMIN, demo.SUBACCOUNT, "email", Kind.TOP_UP, 0, demo.ADMIN))

    assert remove_subaccount() == Answer(200)

    assert profile(ledger, demo.SUBACCOUNT).state is State.CLOSED
    assert balances(ledger) == (PARENT_EUR + CHILD_EUR, 0)
    assert balances(ledger, demo.ADMIN, demo.SUBACCOUNT, unit="sms") == (30, 0)
    for unit, amount in (("EUR", CHILD_EUR), ("sms", 30)):
        returned, left = entries(ledger, demo.ADMIN, unit)[0], entries(ledger, demo.SUBACCOUNT, unit)[0]
        assert (returned.entry.kind, returned.amount, returned.entry.reference) == (Kind.TRANSFER_IN, amount, "102")
        assert (left.entry.kind, left.amount, left.entry.reference) == (Kind.TRANSFER_OUT, -amount, "100")
        assert returned.key == left.key
    assert listed() == []


def test_a_closed_sub_account_is_gone(ledger: Table) -> None:
    assert remove_subaccount().code == 200
    assert remove_subaccount() == Answer(404, message="Le sous-compte n'existe pas")
    assert add(1) == remove(1) == add("-1") == add("5000") == Answer(7, message="Le sous-compte n'existe pas")
    assert add(1, key="order 1").code == 7
    assert balances(ledger) == (PARENT_EUR + CHILD_EUR, 0)


def test_an_empty_and_a_suspended_sub_account_can_be_closed(ledger: Table) -> None:
    assert remove_subaccount(create().fields["subaccount"]["token"]).code == 200
    set_state(ledger, demo.ADMIN, demo.SUBACCOUNT, State.SUSPENDED)
    assert remove_subaccount().code == 200
    assert balances(ledger) == (PARENT_EUR + CHILD_EUR, 0)


@pytest.mark.parametrize("unit", ["EUR", "sms"])
def test_a_sub_account_that_owes_credit_stays(ledger: Table, unit: str) -> None:
    change(ledger, Change(demo.ADMIN, demo.SUBACCOUNT, unit, Kind.ADJUSTMENT, -CHILD_EUR - 1, demo.ADMIN))
    assert remove_subaccount() == Answer(98, message="Le sous-compte a des crédits réservés ou négatifs")
    assert profile(ledger, demo.SUBACCOUNT).state is State.OPEN


# ------------------------------------------------------------------------------------------------------------------- me


def test_me_shows_money_and_messages(ledger: Table) -> None:
    change(ledger, Change(0, demo.ADMIN, "sms", Kind.TOP_UP, 7, 0))
    assert ask("GetMe", KEY).fields == {
        "user": {"username": "admin", "firstname": "", "lastname": ""},
        "credits": {
            "creditSms": Number("7"),
            "creditSmsECO": Number("0"),
            "creditHlr": Number("0"),
            "toSend": Number("0"),
            "solde": "2769.200",
            "currency": "EUR",
            "balance": "2769.200",
            "creditMail": Number("0"),
        },
    }


def test_me_is_whoever_asks(ledger: Table) -> None:
    names = [api_key("jane's key")]
    properties = {"email": "jane@example.com", "firstname": "Jane", "lastname": "Doe"}
    opening.open_account(ledger, demo.ADMIN, actor=demo.ADMIN, names=names, properties=properties)
    assert ask("GetMe", {"apiKey": "jane's key"}).fields["user"] == {
        "username": "jane@example.com",
        "firstname": "Jane",
        "lastname": "Doe",
    }


# --------------------------------------------------------------------------------------------- a sub-account's own key


def test_a_sub_accounts_key_shows_that_sub_account_and_nothing_else(ledger: Table) -> None:
    new = create(type="advanced", creditToAttribute="3.5", **ADVANCED).fields["subaccount"]
    mine = {"apiKey": new["apiKey"]}
    me = ask("GetMe", mine).fields
    assert me["user"] == {"username": "Jane@Example.com", "firstname": "Jane", "lastname": "Doe"}
    assert me["credits"]["balance"] == "3.500"

    wanted = {**mine, "tokenSubaccount": new["token"], "token": new["token"], "credit": 1, "type": "simple"}
    before = items(ledger)
    codes = {function: ask(function, wanted).code for function in HANDLERS}
    assert codes == dict.fromkeys(HANDLERS, 4) | {"CreateSubaccount": 2, "GetMe": 200}
    assert items(ledger) == before


def test_only_the_hash_of_a_sub_accounts_key_is_kept(ledger: Table) -> None:
    key = create().fields["subaccount"]["apiKey"]
    assert key not in repr(items(ledger))
    assert key not in repr(ask("ListSubaccounts", KEY))


@pytest.mark.parametrize("is_remembered", [True, False], ids=["a moment later", "from another process"])
def test_a_closed_sub_accounts_key_stops_at_once(ledger: Table, is_remembered: bool) -> None:
    new = create().fields["subaccount"]
    assert ask("GetMe", {"apiKey": new["apiKey"]}).code == 200
    assert remove_subaccount(new["token"]).code == 200
    if not is_remembered:
        ledger.recent.clear()
    mine = {"apiKey": new["apiKey"], "token": "x"}
    assert ask("ListSubaccounts", mine).code == (4 if is_remembered else 20)
    # What opens and closes accounts trusts no memory; what it finds out is then remembered.
    for function in ("CreateSubaccount", "RemoveSubaccount", "ListSubaccounts"):
        assert ask(function, mine).code == 20
    assert ask("GetMe", {"apiKey": new["apiKey"]}) == Answer(20, message="Compte désactivé")


def test_a_sub_account_is_removed_by_either_of_its_two_names(ledger: Table) -> None:
    paths = [
        route.path
        for route in routes(FUNCTIONS)
        if (route.method, route.handler) == ("DELETE", "mailpartner.remove_subaccount.lambda_handler")
    ]
    assert sorted(paths) == ["/v1/subaccount/delete", "/v1/subaccount/remove"]


def test_a_token_leads_to_its_account_for_good(ledger: Table) -> None:
    remove_subaccount()
    assert find_name(ledger, f"T#{demo.TOKEN}") == (demo.ADMIN, demo.SUBACCOUNT)
    with pytest.raises(AccountNotFound):
        find_name(ledger, "T#another")
    assert not history.reconcile(ledger, demo.SUBACCOUNT, "EUR").problems
    assert counter.read(ledger, demo.SUBACCOUNT, "EUR").state == State.CLOSED
