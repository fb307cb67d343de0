"""Answers from the first character to the last, at a known instant: what a caller's parser is written against."""

import re
from base64 import b64encode
from hashlib import sha256
from types import ModuleType
from typing import Any

import pytest

from api import (
    capture_hold,
    change_balance,
    change_balances,
    create_account,
    get_account,
    get_balance,
    get_docs,
    get_package,
    get_statement,
    issue_key,
    list_entries,
    list_holds,
    list_keys,
    put_package,
    release_hold,
    reserve_credit,
    revoke_key,
    top_up_account,
    transfer_credit,
    update_account,
)
from ledger.table import Table
from tests.api.caller import ask
from tests.api.test_as_reviewed import EVENT, as_reviewed
from tests.frozen import TOLD, stop_the_clock
from tests.local.gateway import Context

SMS: dict[str, Any] = {"id": 101, "unit": "sms"}
NOTE: dict[str, Any] = {"reason": "Rechnung <März>", "metadata": {"order": "A-77"}}


@pytest.fixture(autouse=True)
def _at_a_known_instant(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_the_clock(monkeypatch)


def told(endpoint: ModuleType, body: object = None, **parameters: Any) -> Any:
    answer = ask(endpoint, body, **parameters)
    assert answer.status < 300, answer.body
    return answer.body


def entry(sequence: int, kind: str, amount: int, after: int, held_amount: int = 0, held: int = 0, **more: Any) -> Any:
    """Write an entry of john's sms, made by the admin."""
    return {
        "account": 101,
        "unit": "sms",
        "sequence": sequence,
        "kind": kind,
        "amount": amount,
        "before": after - amount,
        "after": after,
        "held_amount": held_amount,
        "held": held,
        "actor": 100,
        "reference": "",
        "reason": "",
        "metadata": {},
        "time": TOLD,
        **more,
    }


def test_an_account_is_told() -> None:
    mary = {"name": "Mary & Co", "metadata": {"b": "2", "a": "1"}, "balances": {"sms": 5, "EUR": 0}}
    opened = ask(create_account, mary, key="1")
    account = {
        "id": opened["id"],
        "parent": 100,
        "name": "Mary & Co",
        "username": None,
        "email": None,
        "token": None,
        "state": "open",
        "units": ["EUR", "sms"],
        "metadata": {"a": "1", "b": "2"},
        "created": TOLD,
    }
    assert opened.body == told(get_account, id=opened["id"]) == account
    assert opened.headers["location"] == f"/ledger/accounts/{opened['id']}"
    revised = {"name": "Mary", "state": "suspended", "metadata": {}, "credit_limits": {"email": 7}}
    account |= {"name": "Mary", "state": "suspended", "metadata": {}, "units": ["EUR", "email", "sms"]}
    assert told(update_account, revised, id=opened["id"]) == account
    assert told(get_balance, id=opened["id"], unit="sms") == {
        "account": opened["id"],
        "unit": "sms",
        "available": 5,
        "held": 0,
        "sequence": 1,
    }
    assert told(list_entries, id=opened["id"], unit="sms") == {
        "entries": [entry(1, "opening", 5, 5, account=opened["id"])],
        "next_cursor": None,
    }


def test_changes_of_every_kind_are_told_at_once_and_in_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = told(change_balance, {"kind": "spend", "amount": -40, "reference": "ref-1", **NOTE}, key="1", **SMS)
    spent = entry(2, "spend", -40, 460, reference="ref-1", **NOTE)
    assert changed == spent

    opened = told(reserve_credit, {"amount": 100, "expires_in_s": 3600, "reference": "ref-2"}, key="2", **SMS)
    reserved = entry(3, "reserve", -100, 360, held_amount=100, held=100, reference="ref-2")
    hold = opened["hold"]
    assert opened == {"hold": hold, "expires": "2026-11-22T10:30:00.123Z", "entry": reserved}
    assert told(list_holds, **SMS) == {"holds": [{"hold": hold, "left": 100, "expires": "2026-11-22T10:30:00.123Z"}]}

    captured = told(capture_hold, {"amount": 30}, key="3", hold=hold, **SMS)
    assert captured == entry(4, "capture", 0, 360, held_amount=-30, held=70, reference=hold)
    assert told(get_balance, **SMS) == {"account": 101, "unit": "sms", "available": 360, "held": 70, "sequence": 4}

    stop_the_clock(monkeypatch, later_s=1)
    later: dict[str, Any] = {"time": "2026-11-22T09:30:01.123Z"}
    released = told(release_hold, key="4", hold=hold, **SMS)
    assert released == entry(5, "release", 70, 430, held_amount=-70, reference=hold, **later)

    moved = told(transfer_credit, {"payer": 101, "payee": 1, "unit": "sms", "amount": 30, **NOTE}, key="5")
    paid = entry(6, "transfer_out", -30, 400, reference="1", **NOTE, **later)
    received = entry(1, "transfer_in", 30, 30, account=1, reference="101", **NOTE, **later)
    assert moved == {"paid": paid, "received": received}

    topped_up = told(top_up_account, {"package": "starter"}, key="6", id=101)
    assert topped_up == {
        "account": 101,
        "package": "starter",
        "available": {"email": 500, "sms": 500, "transactions": 50},
    }
    added = entry(7, "topup", 100, 500, reference="starter", **later)

    history = told(list_entries, limit=6, **SMS)
    assert history == {"entries": [added, paid, released, captured, reserved, spent], "next_cursor": 2}


def test_a_batch_tells_every_outcome() -> None:
    item = {"account": 101, "unit": "sms"}
    changes = [
        item | {"idempotency_key": "1", "change": {"kind": "topup", "amount": 5}},
        item | {"idempotency_key": "2", "change": {"kind": "spend", "amount": -506}},
        item | {"idempotency_key": "1", "change": {"kind": "topup", "amount": 5}},
    ]
    added = entry(2, "topup", 5, 505)
    problem = {
        "type": "/ledger/docs#insufficient_credit",
        "title": "There is not enough credit",
        "status": 402,
        "detail": "only 505 can be spent",
        "code": "insufficient_credit",
        "available": 505,
        "errors": None,
        "correlation_id": None,
    }
    assert told(change_balances, {"changes": changes}) == {
        "outcomes": [
            {"status": 201, "replayed": False, "entry": added, "problem": None},
            {"status": 402, "replayed": False, "entry": None, "problem": problem},
            {"status": 201, "replayed": True, "entry": added, "problem": None},
        ]
    }


def test_a_package_and_keys_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gold = {"name": "Gold", "quantities": {"sms": 1000, "email": 5}, "price": {"amount": "9.50", "currency": "EUR"}}
    package = {"identifier": "gold", **gold, "state": "active"}
    assert told(put_package, gold, identifier="gold") == told(get_package, identifier="gold") == package
    assert told(put_package, gold | {"price": None}, identifier="gold") == package | {"price": None}

    issued = told(issue_key, {"name": "shop", "scopes": ["spend", "read"], "account": 101}, key="1")
    key = {
        "id": issued["key"]["id"],
        "name": "shop",
        "scopes": ["read", "spend"],
        "account": 101,
        "created": TOLD,
        "expires": None,
        "last_used": None,
        "revoked": None,
    }
    assert issued == {"key": key, "secret": issued["secret"]}
    assert re.fullmatch(r"prepaid_[A-Za-z0-9_-]{43}", issued["secret"]), "256 bits"
    stop_the_clock(monkeypatch, later_s=61)
    assert told(revoke_key, key_=key["id"]) == ""
    listed = told(list_keys)
    assert listed["next_cursor"] is None
    assert listed["keys"][2:] == [key | {"revoked": "2026-11-22T09:31:01.123Z"}], "after the demo's own"


def test_a_refusal_is_told_with_all_its_faults() -> None:
    refused = ask(change_balance, {"kind": "spend", "amount": 0, "x": 1}, id="0", unit="SMS", limit="1")
    assert refused.status == 400
    assert refused.headers["content-type"] == "application/problem+json"
    faults = refused.body.pop("errors")
    assert refused.body == {
        "type": "/ledger/docs#invalid_request",
        "title": "The request cannot be understood as it is",
        "status": 400,
        "detail": "; ".join(f"{fault['at']}: {fault['message']}" for fault in faults),
        "code": "invalid_request",
    }
    assert {fault["at"]: fault["message"] for fault in faults} == {
        "parameters.id": "Input should be greater than or equal to 1",
        "parameters.unit": "one of email, sms, transactions, EUR",
        "parameters.limit": "Extra inputs are not permitted",
        "Idempotency-Key": "a header of 1 to 255 characters is required",
        "body.spend.amount": "Input should be less than or equal to -1",
        "body.spend.x": "Extra inputs are not permitted",
    }


def test_a_statement_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    acme: dict[str, Any] = {"id": 1, "unit": "sms"}
    stop_the_clock(monkeypatch, later_s=-1)
    told(change_balance, {"kind": "topup", "amount": 500}, key="1", **acme)
    stop_the_clock(monkeypatch)
    told(change_balance, {"kind": "adjustment", "amount": -740, "reference": "=1+1", **NOTE}, key="2", **acme)
    stop_the_clock(monkeypatch, later_s=3)
    told(top_up_account, {"package": "starter", "reason": "-2"}, key="3", id=1)
    asked = {**acme, "from_": TOLD}
    assert told(get_statement, **asked) == (
        '"sequence","time","kind","amount","before","after","actor","reference","reason"\r\n'
        f'2,"{TOLD}","adjustment",-740,500,-240,100,"\'=1+1","Rechnung <März>"\r\n'
        '3,"2026-11-22T09:30:03.123Z","topup",100,-240,-140,100,"starter","\'-2"\r\n'
    )
    page = told(get_statement, format="html", **asked)
    as_reviewed("statement.html", re.sub("<style>.*</style>", "<style></style>", page, flags=re.DOTALL))


def test_an_empty_statement_is_a_page_all_the_same() -> None:
    page = told(get_statement, id=101, unit="EUR", format="html")
    assert "<p>From 0 to 0 in 0 entries.</p>" in page
    assert 'd="M12 228.0V228.0h876.000"' in page


def test_an_answer_is_json_and_not_to_be_kept() -> None:
    answer = ask(get_account, id=101)
    assert answer.headers == {
        "cache-control": "no-store",
        "content-type": "application/json",
        "x-content-type-options": "nosniff",
    }


@pytest.mark.parametrize("endpoint", [get_statement, get_docs])
def test_a_page_is_shown_in_the_one_style_that_its_policy_allows(endpoint: ModuleType) -> None:
    if endpoint is get_docs:
        page = endpoint.lambda_handler(EVENT, Context("GetDocs"))
        body, headers = page["body"], {name.lower(): value for name, value in page["headers"].items()}
    else:
        answer = ask(endpoint, format="html", **SMS)
        body, headers = answer.body, answer.headers
    (style,) = re.findall("<style>(.*)</style>", body, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert headers == {
        "cache-control": headers["cache-control"],
        "content-type": "text/html; charset=utf-8",
        "x-content-type-options": "nosniff",
        "content-security-policy": f"default-src 'none'; style-src 'sha256-{digest}'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    }
