"""What is refused for what was asked, and that nothing has changed then, to the last item."""

import json
from typing import Any

import pytest

from api import (
    change_balance,
    change_balances,
    get_account,
    get_balances,
    get_package,
    issue_key,
    list_entries,
    put_package,
    reserve_credit,
    revoke_key,
    transfer_credit,
    update_account,
)
from ledger.entry import AMOUNT_LIMIT
from tests.api.caller import ask

pytestmark = pytest.mark.usefixtures("unchanged")

ONE: dict[str, object] = {"kind": "topup", "amount": 1}
MOVE: dict[str, object] = {"payer": 101, "payee": 1, "unit": "sms", "amount": 20}
GOLD: dict[str, object] = {"name": "Gold", "quantities": {"sms": 1_000}}

PLACE: dict[str, Any] = {"id": 101, "unit": "sms"}


def each(name: str, *values: object) -> list[dict[str, Any]]:
    """Give one field each of these values."""
    return [{name: value} for value in values]


def item(key: str, amount: int = 1) -> dict[str, object]:
    change = {"kind": "topup", "amount": amount}
    return {"account": 101, "unit": "sms", "idempotency_key": key, "change": change}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "topup", "amount": 0},
        {"kind": "topup", "amount": -1},
        {"kind": "topup", "amount": AMOUNT_LIMIT + 1},
        {"kind": "spend", "amount": 1},
        {"kind": "spend", "amount": 0},
        {"kind": "spend", "amount": -AMOUNT_LIMIT - 1},
        {"kind": "adjustment", "amount": AMOUNT_LIMIT + 1},
        {"kind": "adjustment", "amount": 10**400},
        *({"kind": "topup"} | wrong for wrong in each("amount", "1", 1.5, 1e300, True, None, [1], {})),
        *({"amount": 1} | wrong for wrong in each("kind", "set", "opening", "TOPUP", None, 1, "")),
        {"amount": 1},
        {"kind": "topup"},
        ONE | {"note": "unknown"},
        *(ONE | wrong for wrong in each("reference", "", "x" * 17, "a b", "é", "a\n", 7)),
        *(ONE | wrong for wrong in each("reason", "", "y" * 501, 7)),
        *(ONE | wrong for wrong in each("metadata", [], "", {"": "1"}, {"a": 1}, {"a": None}, {"a": "x" * 201})),
        ONE | {"metadata": {str(number): "" for number in range(21)}},
        ONE | {"metadata": {str(number): "é" * 200 for number in range(6)}},
        *([], "topup", 1, None, True),
    ],
    ids=lambda wrong: ascii(json.dumps(wrong))[-75:],
)
def test_what_is_no_change_is_refused(wrong: object) -> None:
    refused = ask(change_balance, wrong, key="k", id=101, unit="sms")
    assert (refused.status, refused.code) == (400, "invalid_request")
    assert refused["errors"]


def test_one_malformed_change_refuses_them_all() -> None:
    for changes in ([], [item(str(number)) for number in range(101)], [item("1"), item("")], [item("1", 0)]):
        assert ask(change_balances, {"changes": changes}).code == "invalid_request"


@pytest.mark.parametrize(
    "wrong",
    [
        *each("limit", "0", "101", "-1", "1.0", "+1", " 1", "1_0", "x", "", "9" * 5_000, "\u0661"),
        *each("cursor", "0", "-1", "x", ""),
        *each("from_", "", "0", "1700000000", "2026-11-22", "2026-11-22T10:00:00", "2026-13-01T00:00:00Z"),
        *each("to", "2026-11-22T24:00:00Z", "2026-11-22T10:00:00+24:00", "x", "2026-11-22T10:00:00Z\n"),
        *each("kind", "", "refund", "TOPUP"),
        *each("unit", "SMS", "bitcoin", "\0"),
        *each("id", "0", "-1", "1e3", "john", str(10**12), "\0"),
        {"unknown": "1"},
    ],
    ids=lambda wrong: ascii(wrong)[:50],
)
def test_what_is_no_question_is_refused(wrong: dict[str, Any]) -> None:
    refused = ask(list_entries, **{"id": 101, "unit": "sms", **wrong})
    assert (refused.status, refused.code) == (400, "invalid_request")
    assert refused["errors"][0]["at"] == f"parameters.{next(iter(wrong)).rstrip('_')}"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"payee": 101}, "transfer_refused"),
        ({"payee": 7_777}, "account_not_found"),
        ({"payer": 7_777}, "account_not_found"),
        ({"amount": 0}, "invalid_request"),
        ({"amount": -1}, "invalid_request"),
        ({"unit": "USD"}, "invalid_request"),
        ({"payer": "101"}, "invalid_request"),
        ({"note": "x"}, "invalid_request"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused(wrong: dict[str, object], code: str) -> None:
    assert ask(transfer_credit, MOVE | wrong, key="k").code == code


@pytest.mark.parametrize(
    "wrong",
    [
        *each("quantities", {}, {"sms": 0}, {"sms": "1"}, {"USD": 1}, {"sms": 10**15 + 1}, [], None),
        *each("name", "", "x" * 101, "a\nb", "a\u200bb", None),
        *({"price": {"currency": "EUR"} | wrong} for wrong in each("amount", "", "1.23456", "-1", "1,0", 1, "1\n")),
        *({"price": {"amount": "1"} | wrong} for wrong in each("currency", "", "eur", "EURO", None)),
        {"price": {"amount": "1"}},
    ],
    ids=ascii,
)
def test_what_is_no_package_is_refused(wrong: dict[str, object]) -> None:
    assert ask(put_package, GOLD | wrong, identifier="gold").code == "invalid_request"


@pytest.mark.parametrize("identifier", ["x" * 17, "a b", "é", "a/b", "\0", "a\n"], ids=ascii)
def test_an_identifier_is_plain(identifier: str) -> None:
    assert ask(put_package, GOLD, identifier=identifier).code == "invalid_request"
    assert ask(get_package, identifier=identifier).code == "invalid_request"


def test_there_is_no_such_key() -> None:
    assert ask(revoke_key, key_="0" * 32).code == "key_not_found"
    for wrong in ("x", "0" * 31, "0" * 33, "A" * 32):
        assert ask(revoke_key, key_=wrong).code == "invalid_request"


@pytest.mark.parametrize(
    "wrong",
    [{"scopes": []}, {"scopes": ["all"]}, {"scopes": "read"}, {"scopes": None}, {"name": ""}, {"account": "101"}],
    ids=str,
)
def test_what_is_no_key_is_refused(wrong: dict[str, object]) -> None:
    assert ask(issue_key, {"name": "x", "scopes": ["read"]} | wrong, key="k").code == "invalid_request"


@pytest.mark.parametrize("account", [102_000_000, 999_999_999_999])
def test_there_is_no_such_account(account: int) -> None:
    for endpoint in (get_account, get_balances):
        assert ask(endpoint, id=account).code == "account_not_found"
    assert ask(update_account, {"name": "x"}, id=account).code == "account_not_found"
    assert ask(update_account, {"credit_limits": {"sms": 1}}, id=account).code == "account_not_found"


@pytest.mark.parametrize(
    "wrong",
    [
        *each("amount", 0, -1, "1", 1.5, None, 10**15 + 1),
        *each("expires_in_s", 0, -1, "60", 31 * 86_400 + 1, None),
        {"note": "x"},
    ],
    ids=str,
)
def test_what_is_no_hold_is_refused(wrong: dict[str, object]) -> None:
    body = {"amount": 1, "expires_in_s": 60} | wrong
    assert ask(reserve_credit, body, key="k", **PLACE).code == "invalid_request"
