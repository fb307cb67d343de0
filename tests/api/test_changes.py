import json
from typing import Any

import pytest

from api import change_balance, change_balances, get_balances, list_entries
from ledger import history
from ledger.entry import AMOUNT_LIMIT
from ledger.notes import LONGEST_BYTES
from ledger.table import Table
from tests.api.caller import Answer, ask
from tests.demo_ledger import items

TOPUP = {
    "kind": "topup",
    "amount": 250,
    "reference": "order-7",
    "reason": "Rechnung für März ☃",
    "metadata": {"b": "2", "a": "1"},
}


def change(body: object, key: str | None = "k", *, account: int = 101, unit: str = "sms") -> Answer:
    return ask(change_balance, body, key=key, id=account, unit=unit)


def test_a_change_tells_the_entry_it_left(ledger: Table) -> None:
    made = change(TOPUP)
    assert made.status == 201
    assert made.body == {
        "account": 101,
        "unit": "sms",
        "sequence": 2,
        "kind": "topup",
        "amount": 250,
        "before": 500,
        "after": 750,
        "held_amount": 0,
        "held": 0,
        "actor": 100,
        "reference": "order-7",
        "reason": "Rechnung für März ☃",
        "metadata": {"a": "1", "b": "2"},
        "time": made["time"],
    }
    assert ask(list_entries, id=101, unit="sms", limit=1)["entries"] == [made.body]


def test_a_change_sent_again_is_answered_as_it_was_and_not_made_again(ledger: Table) -> None:
    first = change(TOPUP)
    change({"kind": "spend", "amount": -1}, "another")

    again = change(TOPUP | {"metadata": {"a": "1", "b": "2"}})

    assert not first.replayed
    assert again.replayed
    assert (again.status, again.body) == (first.status, first.body)
    assert history.reconcile(ledger, 101, "sms").available == 749


@pytest.mark.parametrize(
    "other",
    [
        *({"amount": 251}, {"kind": "adjustment"}, {"reference": "order-8"}, {"reference": None}),
        *({"reason": "no"}, {"reason": None}, {"metadata": {"a": "1"}}, {"metadata": {}}),
    ],
    ids=str,
)
def test_a_key_stands_for_one_change_only(ledger: Table, other: dict[str, Any]) -> None:
    change(TOPUP)
    before = items(ledger)
    reused = change(TOPUP | other)
    assert (reused.status, reused.code) == (422, "idempotency_key_reused")
    assert change(TOPUP, account=100).code == change(TOPUP, unit="email").code == "idempotency_key_reused"
    assert items(ledger) == before


def test_a_refused_spend_is_judged_afresh_when_it_is_sent_again(ledger: Table) -> None:
    spend = {"kind": "spend", "amount": -501}
    refused = change(spend)
    assert (refused.status, refused.code, refused["available"]) == (402, "insufficient_credit", 500)
    change({"kind": "topup", "amount": 1}, "another")
    made = change(spend)
    assert (made["after"], made.replayed) == (0, False)


def test_only_an_adjustment_passes_the_floor(ledger: Table) -> None:
    assert change({"kind": "adjustment", "amount": -501})["after"] == -1
    assert change({"kind": "spend", "amount": -1}, "2")["available"] == 0
    assert change({"kind": "topup", "amount": 1}, "3")["after"] == 0


def test_a_unit_is_opened_by_its_first_change(ledger: Table) -> None:
    assert change({"kind": "topup", "amount": AMOUNT_LIMIT}, unit="EUR")["sequence"] == 1
    units = {each["unit"]: each["available"] for each in ask(get_balances, id=101)["balances"]}
    assert units == units | {"EUR": AMOUNT_LIMIT, "sms": 500}


def test_many_changes_flush_and_replay_too(ledger: Table) -> None:
    keys = [f"message {number}" for number in range(25)]
    batch = {"changes": [item(key) for key in keys]}
    assert [each["entry"]["after"] for each in ask(change_balances, batch)["outcomes"]] == list(range(499, 474, -1))
    again = ask(change_balances, batch)["outcomes"]
    assert [(each["entry"]["after"], each["replayed"]) for each in again] == [
        (each, True) for each in range(499, 474, -1)
    ]
    assert history.reconcile(ledger, 101, "sms").problems == []


def item(key: str = "k", amount: int = -1, account: int = 101, **more: object) -> dict[str, object]:
    kind = "spend" if amount < 0 else "topup"
    return {
        "account": account,
        "unit": "sms",
        "idempotency_key": key,
        "change": {"kind": kind, "amount": amount, **more},
    }


def test_of_many_changes_each_has_its_own_outcome(ledger: Table) -> None:
    changes = [
        item("1", -400),
        item("2", -101),
        item("3", +1, reason="refund"),
        item("2", -101),
        item("1", -400),
        item("1", -399),
        item("4", account=7_777),
    ]
    answered = ask(change_balances, {"changes": changes})
    assert answered.status == 207
    outcomes = answered["outcomes"]
    assert [(each["status"], each["problem"] and each["problem"]["code"]) for each in outcomes] == [
        (201, None),
        (402, "insufficient_credit"),
        (201, None),
        (201, None),
        (201, None),
        (422, "idempotency_key_reused"),
        (404, "account_not_found"),
    ]
    assert outcomes[1]["problem"]["available"] == 100
    assert [each["replayed"] for each in outcomes[:5]] == [False, False, False, False, True]
    assert outcomes[2]["entry"]["reason"] == "refund"
    assert outcomes[4]["entry"] == outcomes[0]["entry"]
    assert history.reconcile(ledger, 101, "sms").available == 0


def test_texts_have_so_many_bytes_and_no_more(ledger: Table) -> None:
    names = [f"{number:02}" for number in range(20)]
    used = len(json.dumps({"metadata": dict.fromkeys(names, "")}, separators=(",", ":")).encode())
    room = LONGEST_BYTES - used
    metadata = {name: "x" * min(200, max(0, room - 200 * at)) for at, name in enumerate(names)}
    assert change({"kind": "topup", "amount": 1, "metadata": metadata}).status == 201
    metadata["19"] += "x"
    assert change({"kind": "topup", "amount": 1, "metadata": metadata}, "2").code == "invalid_request"
    # 500 characters, but JSON writes each of them with six.
    assert change({"kind": "topup", "amount": 1, "reason": "\x01" * 500}, "3").code == "invalid_request"
