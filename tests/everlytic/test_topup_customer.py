import pytest

from ledger import packages
from ledger.kinds import Kind
from ledger.packages import Package
from ledger.table import Table
from tests.demo_ledger import items
from tests.everlytic.books import add, available, entries, failing, happened, intercept, open_rival
from tests.everlytic.caller import RIVAL, ask, create, send, top_up
from tests.local import demo


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_put_and_post_do_the_same_whatever_the_body(ledger: Table, method: str) -> None:
    before = ask("GET", "/1")
    for count, body in enumerate([b"", b"[{not json", b'{"email_quota": 5}'], start=1):
        answer = ask(method, "/topup/1/2", data=body, content_type="application/json")
        assert (answer.status, answer.item) == (200, before.item | {"email_quota": 1_000 * count})
        assert answer.links == before.links
    assert happened(ledger, demo.ACME, "email") == [(Kind.TOP_UP, 1_000 * count, "2") for count in (1, 2, 3)]


def test_all_quantities_of_a_package_are_added_under_one_key(ledger: Table) -> None:
    add(ledger, demo.ACME, "sms", -30)
    assert top_up(demo.ACME, "starter").quotas == (500, 70, 50)
    assert top_up(demo.ACME, "starter").quotas == (1_000, 170, 100)
    newest = [entries(ledger, demo.ACME, unit)[-1] for unit in ("email", "sms", "transactions")]
    assert {posted.entry.reference for posted in newest} == {"starter"}
    assert len({posted.key for posted in newest}) == 1


@pytest.mark.parametrize("units", [1, 3])
def test_or_none_of_them(ledger: Table, monkeypatch: pytest.MonkeyPatch, units: int) -> None:
    intercept(monkeypatch, ledger, failing("TransactionConflictException"))
    before = items(ledger)
    response = send("PUT", f"/topup/1/{'2' if units == 1 else 'starter'}")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert items(ledger) == before


def test_a_suspended_customer_is_topped_up(ledger: Table) -> None:
    ask("PUT", "/1", {"status": "suspended"})
    answer = top_up(demo.ACME)
    assert (answer.item["status"], answer.quotas) == ("suspended", (1_000, 0, 0))


def test_packages_are_an_operators_own(ledger: Table) -> None:
    open_rival(ledger)
    theirs = ask("POST", "", {"name": "Theirs", "email": "a@b.example"}, auth=RIVAL).item["id"]
    assert top_up(theirs, auth=RIVAL).error == (404, "no such package")


def test_a_retired_package_is_not_found(ledger: Table) -> None:
    packages.retire(ledger, demo.ADMIN, "2")
    assert top_up(demo.ACME).error == (404, "no such package")
    assert top_up(demo.ACME, key="k").error == (404, "no such package")
    assert available(ledger, demo.ACME) == (0, 0, 0)


def test_a_package_of_another_unit_shows_where_it_is_shown(ledger: Table) -> None:
    packages.put(ledger, demo.ADMIN, Package("größe", "Euros", {"EUR": 5_000, "sms": 1}))
    assert top_up(demo.ACME, "gr%C3%B6%C3%9Fe").quotas == (0, 1, 0)
    assert happened(ledger, demo.ACME, "EUR") == [(Kind.TOP_UP, 5_000, "größe")]


def test_other_customers_are_not_touched(ledger: Table) -> None:
    other = create("Globex")
    top_up(demo.ACME, "starter")
    assert available(ledger, other) == (0, 0, 0)


def test_who_moves_credit_is_remembered_and_who_changes_a_customer_is_looked_up(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Top-ups are many: each would cost two reads more. A revoked key tops up for half a minute and changes nothing."""
    top_up(demo.ACME)
    read: list[str] = []
    intercept(monkeypatch, ledger, lambda asked: read.append(asked["Key"]["pk"]["S"][:2]), "get_item")
    top_up(demo.ACME)
    assert "S#" not in read
    ask("PUT", "/1", {"telephone": "1"})
    assert "S#" in read
