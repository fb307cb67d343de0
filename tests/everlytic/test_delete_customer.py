from dataclasses import replace

import pytest

from ledger import accounts
from ledger.counter import State, read
from ledger.kinds import Kind
from ledger.table import Table
from tests.demo_ledger import items
from tests.everlytic.books import add, available, entries, happened, hold, release
from tests.everlytic.caller import ask, top_up
from tests.local import demo
from tests.states import set_state


def test_a_deleted_customer_is_closed_and_nothing_of_it_is_erased(ledger: Table) -> None:
    before = top_up(demo.ACME, "starter").item
    answer = ask("DELETE", "/1")
    assert (answer.status, answer.item) == (200, before | {"status": "deleted", "deleted": "yes"})
    assert ask("GET", "/1").item == answer.item
    assert accounts.get(ledger, demo.ADMIN, demo.ACME).state is State.CLOSED
    assert read(ledger, demo.ACME, "sms").state == State.CLOSED
    assert len(entries(ledger, demo.ACME, "sms")) == 1
    assert [item["id"] for item in ask("GET").items] == [1, demo.JOHN, demo.SUBACCOUNT]


def test_deleting_it_again_changes_nothing(ledger: Table) -> None:
    first = ask("DELETE", "/1")
    before = items(ledger)
    assert ask("DELETE", "/1") == first
    assert items(ledger) == before


def test_what_it_owes_or_holds_comes_first(ledger: Table) -> None:
    top_up(demo.ACME, "starter")
    unsettled = (409, "a balance is below zero or has credit on hold")
    add(ledger, demo.ACME, "transactions", -51)
    assert ask("DELETE", "/1").error == unsettled
    add(ledger, demo.ACME, "transactions", 1)
    held = hold(ledger, demo.ACME, "sms", 1)
    assert ask("DELETE", "/1").error == unsettled
    release(ledger, demo.ACME, "sms", held)
    assert ask("DELETE", "/1").status == 200


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_what_an_expired_hold_still_holds_is_no_obstacle(ledger: Table, method: str) -> None:
    top_up(demo.ACME, "starter")
    yesterday_ms = ledger.now_ms() - 86_400_000
    for unit in ("sms", "email"):
        hold(replace(ledger, now_ms=lambda: yesterday_ms), demo.ACME, unit, 30)
    assert ask("GET", "/1").quotas == (500, 100, 50)
    assert ask("GET", "?count=1").items[0]["sms_quota"] == 100
    sent = {"deleted": "yes", "email_quota": 7} if method == "PUT" else None
    assert ask(method, "/1", sent).quotas == (7 if sent else 500, 100, 50)
    kinds = [kind for kind, _, _ in happened(ledger, demo.ACME, "sms")]
    assert kinds == [Kind.TOP_UP, Kind.RESERVE, Kind.RELEASE]
    assert read(ledger, demo.ACME, "sms").held == 0


def test_nothing_is_added_to_it_or_taken_from_it(ledger: Table) -> None:
    ask("DELETE", "/1")
    before = items(ledger)
    for package in ("2", "starter"):
        assert top_up(demo.ACME, package).error == (409, "the customer is deleted")
    assert items(ledger) == before
    assert available(ledger, demo.ACME) == (0, 0, 0)


def test_a_suspended_customer_can_be_deleted(ledger: Table) -> None:
    ask("PUT", "/1", {"status": "suspended", "email_quota": 5})
    assert ask("DELETE", "/1").item["deleted"] == "yes"


def test_however_it_is_closed_its_names_are_free_for_another(ledger: Table) -> None:
    ask("PUT", "/1", {"unique_id": "u-1"})
    set_state(ledger, demo.ADMIN, demo.ACME, State.CLOSED)
    new = {"name": "New", "email": "info@acme.example", "unique_id": "u-1"}
    assert ask("POST", "", new).status == 201
    # ... and what it gave up before stays with whom it went to.
    assert ask("DELETE", "/1").status == 200
    assert ask("POST", "", new).error == (409, "email: another customer has it")
