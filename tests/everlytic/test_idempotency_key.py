"""A request sent again under its Idempotency-Key: the same answer, and no second effect."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from everlytic import topup_customer, update_customer
from ledger import packages
from ledger.table import Table
from tests.demo_ledger import items
from tests.everlytic.books import add, available, happened, open_rival
from tests.everlytic.caller import RIVAL, Answer, ask, create, top_up
from tests.local import demo

REUSED = (409, "the Idempotency-Key was used for something else")


def as_replayed(first: Answer, **as_now: str) -> Answer:
    """Give the answer to the same request again: the money as it was, other fields as they are now."""
    return Answer(first.status, item=first.item | as_now, links=first.links, replayed=True)


def test_a_top_up_sent_again_adds_once_and_answers_what_it_answered_first(ledger: Table) -> None:
    add(ledger, demo.ACME, "sms", 1)
    first = top_up(demo.ACME, key="order 1")
    assert not first.replayed
    add(ledger, demo.ACME, "email", -400)
    add(ledger, demo.ACME, "sms", 5)
    ask("PUT", "/1", {"telephone": "1"})

    assert top_up(demo.ACME, key="order 1") == as_replayed(first, telephone="1")
    assert ask("POST", "/topup/01/2", key="order 1") == as_replayed(first, telephone="1")
    assert available(ledger, demo.ACME) == (600, 6, 0)


def test_an_update_sent_again_sets_once_and_answers_what_it_answered_first(ledger: Table) -> None:
    add(ledger, demo.ACME, "sms", 1)
    first = ask("PUT", "/1", {"email_quota": 50, "name": "First"}, key="k")
    add(ledger, demo.ACME, "email", -20)
    add(ledger, demo.ACME, "sms", 5)
    ask("PUT", "/1", {"name": "Second"})

    assert ask("PUT", "/1", {"name": " First", "email_quota": "050"}, key="k") == as_replayed(first, name="Second")
    assert available(ledger, demo.ACME) == (30, 6, 0)


def test_a_quota_sent_as_it_is_stays_unset_when_it_is_sent_again_and_is_that_no_more(ledger: Table) -> None:
    top_up(demo.ACME)
    add(ledger, demo.JOHN, "sms", -1_500)
    for customer in (demo.ACME, demo.JOHN):
        item = ask("GET", f"/{customer}").item
        first = ask("PUT", f"/{customer}", item, key=f"as it is {customer}")
        assert (first.item, first.replayed) == (item, False)
        add(ledger, customer, "email", 1)
        assert ask("PUT", f"/{customer}", item, key=f"as it is {customer}") == as_replayed(first)
        assert ask("PUT", f"/{customer}", item | {"name": "x"}, key=f"as it is {customer}").error == REUSED
    assert available(ledger, demo.ACME) == (1_001, 0, 0)


def test_what_is_sent_as_it_is_stored_counts_the_same_in_whatever_form_it_is_sent(ledger: Table) -> None:
    add(ledger, demo.JOHN, "sms", -1_500)
    item = ask("GET", f"/{demo.JOHN}").item | {"telephone": "1"}
    first = ask("PUT", f"/{demo.JOHN}", item, key="k")
    forms: list[dict[str, Any]] = [{"data": urlencode(item)}, {"query_string": urlencode(item)}]
    for more in forms:
        assert ask("PUT", f"/{demo.JOHN}", key="k", **more) == as_replayed(first)
    as_doubles = {name: float(value) if isinstance(value, int) else value for name, value in item.items()}
    assert ask("PUT", f"/{demo.JOHN}", as_doubles, key="k") == as_replayed(first)
    for other in ({"sms_quota": -1_001}, {"sms_quota": 0}, {"telephone": "2"}, {"email": "x@x.example"}):
        assert ask("PUT", f"/{demo.JOHN}", item | other, key="k").status in (400, 409)
    add(ledger, demo.JOHN, "sms", -1)
    assert ask("PUT", f"/{demo.JOHN}", item | {"sms_quota": -1_001}, key="k").error == REUSED


def test_a_deleted_customer_that_is_asked_for_nothing_under_a_key_uses_it_up_for_nothing(ledger: Table) -> None:
    item = ask("DELETE", "/1", key="delete").item
    before = items(ledger)
    assert ask("PUT", "/1", item, key="delete").error == REUSED
    assert [ask("PUT", "/1", item, key="k").item for _ in range(2)] == [item, item]
    assert items(ledger) == before


def test_a_request_that_changed_the_state_can_be_replayed_in_any_state(ledger: Table) -> None:
    top_up(demo.ACME, "starter")
    suspended = ask("PUT", "/1", {"status": "suspended", "email_quota": 5, "sms_quota": 6}, key="suspend")
    opened = ask("PUT", "/1", {"status": "on", "email_quota": 7}, key="open")
    assert ask("PUT", "/1", {"status": "suspended", "email_quota": 5, "sms_quota": 6}, key="suspend") == as_replayed(
        suspended, status="on"
    )
    deleted = ask("DELETE", "/1", key="delete")
    assert ask("PUT", "/1", {"status": "on", "email_quota": 7}, key="open") == as_replayed(
        opened, status="deleted", deleted="yes"
    )
    assert ask("DELETE", "/1", key="delete") == as_replayed(deleted)
    assert [after for _, after, _ in happened(ledger, demo.ACME, "email")] == [500, 5, 7]


@pytest.mark.parametrize("sent", [{"deleted": "yes"}, {"status": "deleted", "deleted": "no"}], ids=str)
def test_both_ways_to_delete_are_the_same_request(ledger: Table, sent: dict[str, str]) -> None:
    first = ask("PUT", "/1", {"deleted": "yes", "status": "on"}, key="k")
    assert ask("PUT", "/1", sent, key="k") == as_replayed(first)


def test_a_top_up_made_before_its_package_was_retired_is_still_answered(ledger: Table) -> None:
    first = top_up(demo.ACME, key="order 1")
    packages.retire(ledger, demo.ADMIN, "2")
    ask("DELETE", "/1")
    assert top_up(demo.ACME, key="order 1") == as_replayed(first, status="deleted", deleted="yes")
    assert top_up(demo.ACME, key="order 2").error == (404, "no such package")


def test_a_key_stands_for_one_request_only(ledger: Table) -> None:
    other = create("Globex")
    ask("PUT", "/1", {"email_quota": 5}, key="k")
    before = items(ledger)
    for method, path, sent in (
        ("PUT", "/1", {"email_quota": 6}),
        ("PUT", "/1", {"sms_quota": 5}),
        ("PUT", "/1", {"email_quota": 5, "name": "New"}),
        ("PUT", "/1", {}),
        ("PUT", f"/{other}", {"email_quota": 5}),
        ("POST", "", {"name": "New", "email": "new@acme.example", "email_quota": 5}),
        ("DELETE", "/1", None),
        ("PUT", "/topup/1/2", None),
    ):
        assert ask(method, path, sent, key="k").error == REUSED
    assert items(ledger) == before


def test_a_key_is_an_operators_own(ledger: Table) -> None:
    open_rival(ledger)
    new = {"name": "New", "email": "new@acme.example"}
    assert not ask("POST", "", new, key="k").replayed
    assert not ask("POST", "", new, key="k", auth=RIVAL).replayed


def test_what_was_refused_is_judged_afresh(ledger: Table) -> None:
    ask("PUT", "/1", {"unique_id": "u"})
    other = create("Globex")
    assert ask("PUT", f"/{other}", {"unique_id": "u"}, key="k").status == 409
    ask("PUT", "/1", {"unique_id": ""})
    again = ask("PUT", f"/{other}", {"unique_id": "u"}, key="k")
    assert (again.status, again.replayed) == (200, False)


def test_a_request_is_replayed_a_year_later(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    first = [top_up(demo.ACME, "starter", key="a"), ask("PUT", "/1", {"email_quota": 5}, key="b")]
    add(ledger, demo.ACME, "sms", 1)
    year_ms = 365 * 24 * 3_600_000
    later = replace(ledger, now_ms=lambda: ledger.now_ms() + year_ms, recent={})
    for module in (topup_customer, update_customer):
        monkeypatch.setattr(module, "table", later)
    again = [top_up(demo.ACME, "starter", key="a"), ask("PUT", "/1", {"email_quota": 5}, key="b")]
    assert again == [as_replayed(each) for each in first]
