from dataclasses import replace
from typing import Any

import pytest

from api import (
    change_balance,
    create_account,
    get_account,
    get_balances,
    list_accounts,
    list_entries,
    reserve_credit,
    transfer_credit,
    update_account,
    wire,
)
from ledger import counter, history
from ledger.change import MOST_INLINE
from ledger.entry import AMOUNT_LIMIT
from ledger.table import Table
from tests.api.caller import ask
from tests.demo_ledger import items

SPEND = {"kind": "spend", "amount": -501}


def test_an_account_is_opened_with_balances_and_told(ledger: Table) -> None:
    metadata = {"order": "A-77", "größe": "☃"}
    opened = ask(
        create_account, {"name": "Mary & Co", "metadata": metadata, "balances": {"sms": 7, "EUR": 0}}, key="open mary"
    )
    assert opened.status == 201
    assert opened.headers["location"] == f"/ledger/accounts/{opened['id']}"
    assert (opened["name"], opened["state"], opened["units"]) == ("Mary & Co", "open", ["EUR", "sms"])
    assert ask(get_account, id=opened["id"]).body == opened.body
    assert opened["metadata"] == metadata
    (entry,) = ask(list_entries, id=opened["id"], unit="sms")["entries"]
    assert (entry["kind"], entry["sequence"], entry["after"], entry["actor"]) == ("opening", 1, 7, 100)


def test_an_account_is_opened_once_under_its_key(ledger: Table) -> None:
    wanted = {"name": "Mary", "metadata": {"a": "1", "b": "2"}, "balances": {"sms": 7, "email": 1}}
    first = ask(create_account, wanted, key="k")
    ask(update_account, {"name": "Mary Ann"}, id=first["id"])
    reordered = {"balances": {"email": 1, "sms": 7}, "metadata": {"b": "2", "a": "1"}, "name": "Mary"}

    again = ask(create_account, reordered, key="k")

    assert (again.status, again.replayed, again["id"]) == (201, True, first["id"])
    assert again["name"] == "Mary Ann", "a replay tells the account as it is now"
    others: list[dict[str, Any]] = [{"name": "Maria"}, {"metadata": {}}, {"balances": {"sms": 8}}]
    for other in others:
        assert ask(create_account, wanted | other, key="k").code == "idempotency_key_reused"


def test_accounts_are_listed_page_by_page(ledger: Table) -> None:
    for name in ("a", "b", "c"):
        ask(create_account, {"name": name}, key=name)
    everyone = [each["id"] for each in ask(list_accounts)["accounts"]]
    seen: list[int] = []
    cursor: dict[str, Any] = {}
    while True:
        page = ask(list_accounts, limit=2, **cursor)
        seen += [each["id"] for each in page["accounts"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == everyone
    assert len(seen) >= 4
    assert seen == sorted(seen)


def test_an_update_changes_what_it_names_and_nothing_else(ledger: Table) -> None:
    before = ask(get_account, id=101)
    named = ask(update_account, {"name": "John & Sons"}, id=101)
    assert named.body == before.body | {"name": "John & Sons"}
    assert ask(update_account, {"metadata": {"vat": "7"}, "name": None}, id=101)["metadata"] == {"vat": "7"}
    assert ask(update_account, {}, id=101)["metadata"] == {"vat": "7"}
    assert ask(update_account, {"metadata": {}}, id=101).body == named.body


def test_a_credit_limit_lets_spending_pass_zero_so_far_and_no_further(ledger: Table) -> None:
    refused = ask(change_balance, SPEND, id=101, unit="sms", key="1")
    assert (refused.status, refused["available"]) == (402, 500)

    ask(update_account, {"credit_limits": {"sms": 1, "email": 2}}, id=101)

    assert ask(change_balance, SPEND, id=101, unit="sms", key="1")["after"] == -1
    beyond = ask(change_balance, {"kind": "spend", "amount": -1}, id=101, unit="sms", key="2")
    assert (beyond.status, beyond["available"]) == (402, 0)
    assert ask(get_balances, id=101)["balances"] == [
        {"account": 101, "unit": "email", "available": 0, "held": 0, "sequence": 0, "credit_limit": 2},
        {"account": 101, "unit": "sms", "available": -1, "held": 0, "sequence": 2, "credit_limit": 1},
    ]
    assert history.reconcile(ledger, 101, "sms").problems == []


def test_a_lowered_limit_leaves_the_balance_where_it_is(ledger: Table) -> None:
    ask(update_account, {"credit_limits": {"sms": AMOUNT_LIMIT}}, id=101)
    ask(change_balance, SPEND, id=101, unit="sms", key="1")
    ask(update_account, {"credit_limits": {"sms": 0}}, id=101)
    assert ask(change_balance, {"kind": "topup", "amount": 1}, id=101, unit="sms", key="2")["after"] == 0
    assert ask(change_balance, {"kind": "spend", "amount": -1}, id=101, unit="sms", key="3")["available"] == 0


def test_a_suspended_account_takes_credit_and_a_closed_one_takes_nothing(ledger: Table) -> None:
    def change(kind: str, amount: int) -> str:
        return ask(change_balance, {"kind": kind, "amount": amount}, id=101, unit="sms", key=f"{kind} {amount}").code

    assert ask(update_account, {"state": "suspended"}, id=101)["state"] == "suspended"
    assert (change("spend", -1), change("topup", 1)) == ("account_suspended", "")
    assert ask(update_account, {"state": "open"}, id=101)["state"] == "open"
    assert change("spend", -1) == ""
    assert ask(update_account, {"state": "closed"}, id=101)["state"] == "closed"
    assert (change("spend", -2), change("topup", 2)) == ("account_closed", "account_closed")
    assert ask(update_account, {"state": "closed"}, id=101)["state"] == "closed", "sent again"
    assert ask(update_account, {"state": "open"}, id=101).code == "account_closed"
    assert ask(update_account, {"credit_limits": {"sms": 1}}, id=101).code == "account_closed"


def test_an_account_that_owes_cannot_be_closed(ledger: Table) -> None:
    ask(change_balance, {"kind": "adjustment", "amount": -501}, id=101, unit="sms", key="1")
    refused = ask(update_account, {"state": "closed"}, id=101)
    assert (refused.status, refused.code) == (409, "not_settled")
    assert ask(get_account, id=101)["state"] == "open"


def test_an_account_is_updated_in_all_that_was_asked_or_in_nothing(ledger: Table) -> None:
    ask(change_balance, {"kind": "adjustment", "amount": -501}, id=101, unit="sms", key="1")
    before = items(ledger)
    refused = ask(update_account, {"name": "Jane", "credit_limits": {"sms": 7}, "state": "closed"}, id=101)
    assert refused.code == "not_settled"
    assert items(ledger) == before

    wanted = {"name": "Jane", "credit_limits": {"sms": 7, "email": 2}, "state": "suspended"}
    for _ in range(2):
        told = ask(update_account, wanted, id=101)
        assert (told["name"], told["units"], told["state"]) == ("Jane", ["email", "sms"], "suspended")
    limits = {each["unit"]: each["credit_limit"] for each in ask(get_balances, id=101)["balances"]}
    assert limits == {"sms": 7, "email": 2}
    assert counter.read(ledger, 101, "email").state == counter.State.SUSPENDED


def at(monkeypatch: pytest.MonkeyPatch, ledger: Table, now_ms: int) -> None:
    """Hold every endpoint's clock at this time."""
    monkeypatch.setattr(wire, "table", replace(ledger, now_ms=lambda: now_ms))


def test_an_account_whose_only_hold_has_expired_can_be_closed(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    now_ms = ledger.now_ms()
    at(monkeypatch, ledger, now_ms)
    ask(reserve_credit, {"amount": 100, "expires_in_s": 1}, id=101, unit="sms", key="1")
    at(monkeypatch, ledger, now_ms + 999)
    assert ask(update_account, {"state": "closed"}, id=101).code == "not_settled"
    at(monkeypatch, ledger, now_ms + 1_000)
    assert ask(update_account, {"state": "closed"}, id=101)["state"] == "closed"
    (balance,) = ask(get_balances, id=101)["balances"]
    assert (balance["available"], balance["held"]) == (500, 0)


def test_an_account_with_more_holds_than_its_balance_has_room_for_is_closed_once_they_expired(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = ledger.now_ms()
    at(monkeypatch, ledger, now_ms)
    for number in range(MOST_INLINE + 2):
        ask(reserve_credit, {"amount": 1, "expires_in_s": 1}, id=101, unit="sms", key=f"{number}")
    assert ask(update_account, {"state": "closed"}, id=101).code == "not_settled"
    at(monkeypatch, ledger, now_ms + 1_000)
    assert ask(update_account, {"state": "closed"}, id=101)["state"] == "closed"


def test_nobody_changes_its_own_account(ledger: Table) -> None:
    assert ask(update_account, {"credit_limits": {"sms": 1}}, id=100).code == "not_permitted"


@pytest.mark.parametrize("state", [0, 1, False, True, "", "OPEN", ["open"], {}])
def test_a_state_is_one_of_its_words_and_not_what_is_stored_for_it(ledger: Table, state: object) -> None:
    refused = ask(update_account, {"state": state}, id=101)
    assert refused.code == "invalid_request"
    assert refused["errors"] == [{"at": "body.state", "message": "one of open, suspended, closed"}]


@pytest.mark.parametrize("unit", [0, None, "SMS", ["sms"]])
def test_a_unit_is_one_of_its_words(ledger: Table, unit: object) -> None:
    wanted = {"payer": 101, "payee": 100, "unit": unit, "amount": 1}
    refused = ask(transfer_credit, wanted, key="1")
    assert refused.code == "invalid_request"
    assert refused["errors"] == [{"at": "body.unit", "message": "one of email, sms, transactions, EUR"}]
