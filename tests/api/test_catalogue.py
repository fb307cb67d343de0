"""Transfers, packages and top-ups."""

from api import (
    create_account,
    get_balances,
    get_package,
    list_entries,
    list_packages,
    put_package,
    retire_package,
    top_up_account,
    transfer_credit,
    update_account,
)
from ledger import history
from ledger.table import Table
from tests.api.caller import Answer, ask
from tests.demo_ledger import items

GOLD = {
    "name": "Gold ☃ 1,000",
    "quantities": {"sms": 1_000, "email": 5},
    "price": {"amount": "19.90", "currency": "EUR"},
}
MOVE = {"payer": 101, "payee": 1, "unit": "sms", "amount": 20}


def balances(account: int) -> dict[str, int]:
    return {each["unit"]: each["available"] for each in ask(get_balances, id=account)["balances"]}


def top_up(package: str = "gold", key: str = "k", account: int = 101) -> Answer:
    return ask(top_up_account, {"package": package}, id=account, key=key)


def test_a_transfer_moves_credit_and_tells_both_sides(ledger: Table) -> None:
    moved = ask(transfer_credit, MOVE, key="k")
    assert moved.status == 201
    assert (moved["paid"]["account"], moved["paid"]["after"], moved["paid"]["reference"]) == (101, 480, "1")
    assert (moved["received"]["account"], moved["received"]["after"], moved["received"]["amount"]) == (1, 20, 20)

    again = ask(transfer_credit, MOVE, key="k")
    assert (again.body, again.replayed) == (moved.body, True)
    assert (balances(101), balances(1)) == ({"sms": 480}, {"sms": 20})
    assert ask(transfer_credit, MOVE | {"amount": 21}, key="k").code == "idempotency_key_reused"


def test_a_transfer_between_an_operator_and_its_account_goes_either_way(ledger: Table) -> None:
    assert ask(transfer_credit, MOVE | {"payee": 100}, key="1")["received"]["after"] == 20
    assert ask(transfer_credit, {"payer": 100, "payee": 101, "unit": "sms", "amount": 20}, key="2").status == 201
    assert balances(101) == {"sms": 500}


def test_a_transfer_never_passes_the_floor(ledger: Table) -> None:
    refused = ask(transfer_credit, MOVE | {"amount": 501}, key="k")
    assert (refused.status, refused["available"]) == (402, 500)
    assert balances(1) in ({}, {"sms": 0})
    ask(update_account, {"state": "suspended"}, id=101)
    assert ask(transfer_credit, MOVE, key="k").code == "account_suspended"
    ask(update_account, {"state": "open"}, id=101)
    ask(update_account, {"state": "closed"}, id=1)
    assert ask(transfer_credit, MOVE, key="k").code == "account_closed"
    assert balances(101) == {"sms": 500}


def test_a_package_is_put_told_listed_and_revised(ledger: Table) -> None:
    put = ask(put_package, GOLD, identifier="gold")
    assert put.body == {"identifier": "gold", "state": "active", **GOLD}
    assert ask(get_package, identifier="gold").body == put.body
    revised = ask(put_package, GOLD | {"name": "Gold!", "price": None}, identifier="gold")
    assert (revised["name"], revised["price"]) == ("Gold!", None)
    taken = ask(put_package, GOLD | {"quantities": {"sms": 1}}, identifier="gold")
    assert (taken.status, taken.code) == (409, "name_taken")

    listed = ask(list_packages, limit=2)
    rest = ask(list_packages, limit=2, cursor=listed["next_cursor"])
    names = [each["identifier"] for each in listed["packages"] + rest["packages"]]
    assert names == ["2", "gold", "starter"]
    assert rest["next_cursor"] is None


def test_a_topup_adds_all_of_a_package_once(ledger: Table) -> None:
    ask(put_package, GOLD, identifier="gold")
    made = top_up()
    assert (made.status, made.body) == (
        201,
        {"account": 101, "package": "gold", "available": {"sms": 1500, "email": 5}},
    )
    (entry,) = ask(list_entries, id=101, unit="email")["entries"]
    assert (entry["kind"], entry["reference"]) == ("topup", "gold")

    again = top_up()
    assert (again.body, again.replayed) == (made.body, True)
    assert top_up("starter").code == "idempotency_key_reused"
    assert history.reconcile(ledger, 101, "sms").available == 1500


def test_a_retired_package_adds_nothing_but_answers_what_it_added(ledger: Table) -> None:
    ask(put_package, GOLD, identifier="gold")
    made = top_up()
    assert ask(retire_package, identifier="gold")["state"] == "retired"
    assert ask(retire_package, identifier="gold").status == 200
    assert ask(get_package, identifier="gold")["state"] == "retired"
    assert top_up(key="another").code == "package_not_found"
    assert top_up().body == made.body
    ask(put_package, GOLD, identifier="gold")
    assert top_up(key="another").status == 201


def test_a_topup_needs_an_account_and_a_package(ledger: Table) -> None:
    before = items(ledger)
    assert top_up("starter", account=7_777).code == "account_not_found"
    assert top_up("silver").code == "package_not_found"
    assert ask(get_package, identifier="silver").code == "package_not_found"
    assert ask(retire_package, identifier="silver").code == "package_not_found"
    assert items(ledger) == before
    opened = ask(create_account, {"name": "x"}, key="x")["id"]
    ask(update_account, {"state": "closed"}, id=opened)
    assert top_up("starter", account=opened).code == "account_closed"
