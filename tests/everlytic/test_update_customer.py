import json

import pytest

from ledger import accounts, flush
from ledger.counter import State, read
from ledger.kinds import Kind
from ledger.table import Table
from tests.demo_ledger import items
from tests.everlytic.books import add, available, entries, failing, happened, hold, intercept, once, release
from tests.everlytic.caller import ask, create, send, top_up
from tests.everlytic.caller import read as read_answer
from tests.local import demo


def profile(table: Table, customer: int = demo.ACME) -> accounts.Account:
    return accounts.get(table, demo.ADMIN, customer)


def test_the_sample_of_the_vendors_page_works(ledger: Table) -> None:
    before = ask("GET", "/1").item
    answer = ask("PUT", "/1", {"email": "office@acme.example"})
    assert (answer.status, answer.item) == (200, before | {"email": "office@acme.example"})
    assert ask("GET", "/1").item == answer.item


def test_the_body_is_read_as_json_whatever_it_is_labelled(ledger: Table) -> None:
    for label in ("application/x-www-form-urlencoded", "text/plain", "application/octet-stream", None):
        body = "\N{BYTE ORDER MARK}" + json.dumps({"address": f"Größe {label}"}, ensure_ascii=False)
        answer = read_answer(send("PUT", "/1", data=body.encode(), content_type=label))
        assert answer.item["address"] == f"Größe {label}"


def test_a_quota_is_set_by_an_entry_whatever_it_was(ledger: Table) -> None:
    add(ledger, demo.ACME, "sms", -70)
    assert ask("PUT", "/1", {"sms_quota": 30}).quotas == (0, 30, 0)
    assert ask("PUT", "/1", {"sms_quota": 0}).quotas == (0, 0, 0)
    assert happened(ledger, demo.ACME, "sms") == [(Kind.ADJUSTMENT, -70, ""), (Kind.SET, 30, ""), (Kind.SET, 0, "")]
    assert [posted.entry.actor for posted in entries(ledger, demo.ACME, "sms")] == [demo.ADMIN] * 3


def test_three_quotas_and_the_profile_change_together(ledger: Table) -> None:
    answer = ask("PUT", "/1", {"name": "New", "email_quota": 1, "sms_quota": "2", "transactions_quota": 3})
    assert (answer.item["name"], answer.quotas) == ("New", (1, 2, 3))
    assert len({entries(ledger, demo.ACME, unit)[0].key for unit in ("email", "sms", "transactions")}) == 1


def test_or_not_at_all(ledger: Table) -> None:
    taken = create("Globex")
    ask("PUT", "/1", {"email_quota": 5, "sms_quota": 5, "transactions_quota": 5})
    before = items(ledger)
    wanted = {"name": "New", "email": "globex@example.com", "email_quota": 1, "sms_quota": 2, "transactions_quota": 3}
    assert ask("PUT", "/1", wanted).error == (409, "email: another customer has it")
    assert items(ledger) == before
    assert taken


def test_an_empty_text_clears_a_property(ledger: Table) -> None:
    ask("PUT", "/1", {"telephone": "1", "unique_id": "u", "email_package_id": 2, "website_url": "http://acme.example"})
    cleared = ask("PUT", "/1", {"telephone": "", "unique_id": "", "email_package_id": "", "website_url": ""}).item
    assert [cleared[name] for name in ("telephone", "unique_id", "email_package_id", "website_url")] == ["", "", 0, ""]
    assert profile(ledger).properties.keys() == {"name", "email"}


def test_nothing_asked_is_nothing_changed(ledger: Table) -> None:
    before = ask("GET", "/1").item
    assert ask("PUT", "/1", {}).item == before


def test_a_whole_customer_can_be_read_changed_and_sent_back(ledger: Table) -> None:
    top_up(demo.ACME, "starter")
    item = ask("GET", "/1").item
    changed = item | {"name": "New", "status": "suspended"}
    assert ask("PUT", "/1", changed).item == changed
    assert profile(ledger).state is State.SUSPENDED
    assert happened(ledger, demo.ACME, "email") == [(Kind.TOP_UP, 500, "starter")]


# --------------------------------------------------------------------------------------------------------- the states


@pytest.mark.parametrize(("status", "state"), [("off", State.SUSPENDED), ("suspended", State.SUSPENDED)])
def test_a_status_is_the_state_of_the_account_and_of_all_its_balances(ledger: Table, status: str, state: State) -> None:
    ask("PUT", "/1", {"email_quota": 5, "sms_quota": 5})
    assert ask("PUT", "/1", {"status": status, "sms_quota": 7, "transactions_quota": 9}).item["status"] == status
    assert profile(ledger).state is State.SUSPENDED
    for unit, amount in {"email": 5, "sms": 7, "transactions": 9}.items():
        balance = read(ledger, demo.ACME, unit)
        assert (balance.state, balance.available) == (State.SUSPENDED, amount)

    assert ask("PUT", "/1", {"status": "on"}).item["status"] == "on"
    assert {read(ledger, demo.ACME, unit).state for unit in ("email", "sms", "transactions")} == {State.OPEN}


@pytest.mark.parametrize(
    "sent",
    [
        {"deleted": "yes"},
        {"status": "deleted"},
        {"deleted": "yes", "status": "on"},
        {"deleted": "no", "status": "deleted"},
    ],
    ids=str,
)
def test_either_word_deletes(ledger: Table, sent: dict[str, str]) -> None:
    top_up(demo.ACME)
    item = ask("PUT", "/1", sent | {"email_quota": 3, "name": "Gone"}).item
    assert (item["status"], item["deleted"], item["email_quota"], item["name"]) == ("deleted", "yes", 3, "Gone")
    assert (profile(ledger).state, read(ledger, demo.ACME, "email").state) == (State.CLOSED, State.CLOSED)


def test_a_deleted_customer_is_not_changed_again(ledger: Table) -> None:
    top_up(demo.ACME)
    ask("DELETE", "/1")
    before = items(ledger)
    for sent in (
        {"name": "New"},
        {"email": "new@acme.example"},
        {"email_quota": 1},
        {"status": "on"},
        {"deleted": "no"},
    ):
        assert ask("PUT", "/1", sent).error == (409, "the customer is deleted")
    assert items(ledger) == before


def test_a_customer_that_owes_or_holds_credit_is_not_deleted(ledger: Table) -> None:
    top_up(demo.ACME, "starter")
    add(ledger, demo.ACME, "sms", -101)
    before = items(ledger)
    unsettled = (409, "a balance is below zero or has credit on hold")
    assert ask("PUT", "/1", {"deleted": "yes", "email_quota": 0}).error == unsettled
    assert items(ledger) == before

    # What is set in the same request is settled by it; what is held is not.
    add(ledger, demo.ACME, "sms", 2)
    held = hold(ledger, demo.ACME, "sms", 1)
    assert ask("PUT", "/1", {"deleted": "yes", "sms_quota": 0}).error == unsettled
    release(ledger, demo.ACME, "sms", held)
    assert ask("PUT", "/1", {"deleted": "yes", "sms_quota": 0}).item["deleted"] == "yes"


# ----------------------------------------------------------------------------------------------------- the unique names


def test_a_name_that_is_given_up_is_free_for_another(ledger: Table) -> None:
    ask("PUT", "/1", {"unique_id": "u-1"})
    ask("PUT", "/1", {"email": "new@acme.example", "unique_id": "u-2"})
    other = ask("POST", "", {"name": "Other", "email": "info@acme.example", "unique_id": "u-1"})
    assert other.status == 201
    assert ask("PUT", f"/{other.item['id']}", {"unique_id": "u-2"}).error == (409, "unique_id: another customer has it")


def test_a_deleted_customers_names_are_free_for_another(ledger: Table) -> None:
    ask("PUT", "/1", {"unique_id": "u-1", "status": "deleted"})
    other = ask("POST", "", {"name": "Other", "email": "info@acme.example", "unique_id": "u-1"})
    assert other.status == 201
    assert ask("GET", "/1").item["email"] == "info@acme.example"


def test_an_e_mails_case_is_no_other_name(ledger: Table) -> None:
    assert ask("PUT", "/1", {"email": "Info@ACME.example"}).item["email"] == "Info@ACME.example"
    assert ask("PUT", "/1", {"email": "info@acme.example"}).status == 200


def test_an_account_of_another_dialect_can_be_given_a_name(ledger: Table) -> None:
    assert ask("GET", f"/{demo.JOHN}").item["name"] == "john"
    answer = ask("PUT", f"/{demo.JOHN}", {"email": "john@example.com", "sms_quota": 9})
    assert (answer.item["email"], answer.quotas) == ("john@example.com", (0, 9, 0))


# ------------------------------------------------------------------------------------------------------------ the races


def test_of_two_that_change_different_properties_at_once_neither_is_lost(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtake() -> None:
        monkeypatch.undo()
        ask("PUT", "/1", {"telephone": "1", "email": "new@acme.example", "sms_quota": 3})

    intercept(monkeypatch, ledger, once(overtake))
    answer = ask("PUT", "/1", {"address": "2", "email_quota": 5})
    assert (answer.item["telephone"], answer.item["address"], answer.quotas) == ("1", "2", (5, 3, 0))
    assert answer.item["email"] == "new@acme.example"
    assert profile(ledger).version == 3


def test_of_two_that_want_the_same_name_at_once_one_gets_it(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    other = create("Globex")

    def overtake() -> None:
        monkeypatch.undo()
        assert ask("PUT", f"/{other}", {"email": "new@acme.example"}).status == 200

    intercept(monkeypatch, ledger, once(overtake))
    refused = ask("PUT", "/1", {"email": "new@acme.example", "email_quota": 5})
    assert refused.error == (409, "email: another customer has it")
    assert ask("GET", "/1").item["email"] == "info@acme.example"


def test_a_name_changed_twice_at_once_leaves_no_look_up_behind(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtake() -> None:
        monkeypatch.undo()
        assert ask("PUT", "/1", {"email": "first@acme.example"}).status == 200

    intercept(monkeypatch, ledger, once(overtake))
    assert ask("PUT", "/1", {"email": "second@acme.example"}).status == 200
    look_ups = [item["pk"]["S"] for item in items(ledger) if item["pk"]["S"].startswith("M#100#")]
    assert "M#100#second@acme.example" in look_ups
    assert not [pk for pk in look_ups if "first@" in pk or "info@" in pk]


def test_a_unit_opened_while_an_account_is_suspended_is_suspended_too(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtake() -> None:
        monkeypatch.undo()
        top_up(demo.ACME, "starter")

    intercept(monkeypatch, ledger, once(overtake))
    assert ask("PUT", "/1", {"status": "suspended"}).quotas == (500, 100, 50)
    assert {read(ledger, demo.ACME, unit).state for unit in ("email", "sms", "transactions")} == {State.SUSPENDED}


def test_a_customer_deleted_meanwhile_is_not_changed(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtake() -> None:
        monkeypatch.undo()
        ask("DELETE", "/1")

    intercept(monkeypatch, ledger, once(overtake))
    assert ask("PUT", "/1", {"email_quota": 5}).error == (409, "the customer is deleted")
    assert available(ledger, demo.ACME) == (0, 0, 0)


def test_a_spend_that_comes_between_stays_in_the_history(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    top_up(demo.ACME)
    intercept(monkeypatch, ledger, once(lambda: add(ledger, demo.ACME, "email", -1)))
    assert ask("PUT", "/1", {"email_quota": 50}).quotas == (50, 0, 0)
    assert [after for _, after, _ in happened(ledger, demo.ACME, "email")] == [1000, 999, 50]


def test_in_a_crowd_it_gives_up_and_nothing_has_changed(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    before = items(ledger)
    intercept(monkeypatch, ledger, failing("TransactionConflictException"))
    response = send("PUT", "/1", {"email_quota": 5})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert read_answer(response).message == "busy, nothing changed: send it again"
    assert items(ledger) == before


def test_a_change_that_was_made_is_not_called_busy(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction succeeds, and then nothing more can be read."""
    intercept(monkeypatch, ledger, failing("InternalServerError"), "batch_get_item")
    top_up(demo.ACME, "starter")
    response = send("PUT", "/1", {"name": "New"})
    assert (response.status_code, "Retry-After" in response.headers) == (504, False)
    assert profile(ledger).properties["name"] == "New"


# ------------------------------------------------------------------------------------------------------- the upkeep


def test_many_quotas_set_are_paged_as_all_entries_are(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flush, "EVERY", 2)
    monkeypatch.setattr(flush, "KEEP", 1)
    for amount in range(1, 8):
        ask("PUT", "/1", {"sms_quota": amount})
    assert read(ledger, demo.ACME, "sms").flushed == 5
    assert [posted.after for posted in entries(ledger, demo.ACME, "sms")] == list(range(1, 8))


def test_a_full_tail_is_paged_before_a_quota_is_set(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    for amount in range(9):
        add(ledger, demo.ACME, "sms", amount)
    monkeypatch.setattr(flush, "CAP", 9)
    assert ask("PUT", "/1", {"sms_quota": 5, "status": "off"}).quotas == (0, 5, 0)
    assert read(ledger, demo.ACME, "sms").flushed == 9 - flush.KEEP
    assert len(entries(ledger, demo.ACME, "sms")) == 10
