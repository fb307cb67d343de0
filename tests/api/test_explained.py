"""Reasons and metadata: kept with whatever moves credit, and told again by its history."""

from types import ModuleType
from typing import Any

import pytest

from api import capture_hold, list_entries, put_package, reserve_credit, top_up_account, transfer_credit
from ledger.table import Table
from tests.api.caller import Answer, ask

TEXTS = {"reason": "Rechnung für März ☃", "metadata": {"order": "A-77"}}
PLACE: dict[str, Any] = {"id": 101, "unit": "sms"}
TRANSFER = {"payer": 101, "payee": 100, "unit": "sms", "amount": 20}
HOLD = {"amount": 100, "expires_in_s": 60}

NOTED: list[tuple[ModuleType, dict[str, Any], dict[str, Any]]] = [
    (transfer_credit, TRANSFER, {}),
    (top_up_account, {"package": "both"}, {"id": 101}),
    (reserve_credit, HOLD, PLACE),
    (capture_hold, {"amount": 1}, PLACE),
]


@pytest.fixture(autouse=True)
def _package(ledger: Table) -> None:
    ask(put_package, {"name": "Both", "quantities": {"sms": 1, "email": 2}}, identifier="both")


def told(account: int, unit: str) -> tuple[str, dict[str, str]]:
    newest = ask(list_entries, id=account, unit=unit)["entries"][0]
    return newest["reason"], newest["metadata"]


def send(endpoint: ModuleType, body: dict[str, Any], place: dict[str, Any], key: str = "explained") -> Answer:
    if endpoint is capture_hold:
        place = place | {"hold": ask(reserve_credit, HOLD, key="hold", **PLACE)["hold"]}
    return ask(endpoint, body, key=key, **place)


@pytest.mark.parametrize(("endpoint", "body", "place"), NOTED)
def test_texts_are_told_at_once_in_the_history_and_by_a_replay(
    endpoint: ModuleType, body: dict[str, Any], place: dict[str, Any]
) -> None:
    first, again = (send(endpoint, body | TEXTS, place) for _ in range(2))
    assert first.status == 201
    assert (again.replayed, again.body) == (True, first.body)
    assert told(101, "sms") == (TEXTS["reason"], TEXTS["metadata"])
    entries = [first[part] for part in ("paid", "received", "entry") if part in first.body]
    assert all((each["reason"], each["metadata"]) == told(101, "sms") for each in entries)


def test_both_sides_of_a_transfer_and_all_units_of_a_package_say_why() -> None:
    ask(transfer_credit, TRANSFER | TEXTS, key="1")
    assert told(100, "sms") == told(101, "sms") == (TEXTS["reason"], TEXTS["metadata"])
    ask(top_up_account, {"package": "both", "reason": "spring"}, key="2", id=101)
    assert told(101, "sms") == told(101, "email") == ("spring", {})


@pytest.mark.parametrize(("endpoint", "body", "place"), NOTED)
def test_other_texts_are_another_request(endpoint: ModuleType, body: dict[str, Any], place: dict[str, Any]) -> None:
    send(endpoint, body | TEXTS, place)
    for other in ({}, {"reason": "another"}, {"metadata": TEXTS["metadata"]}):
        assert send(endpoint, body | other, place).code == "idempotency_key_reused"


@pytest.mark.parametrize(("endpoint", "body", "place"), NOTED)
def test_texts_that_are_too_long_refuse_it_all(
    endpoint: ModuleType, body: dict[str, Any], place: dict[str, Any]
) -> None:
    metadata = {str(number): "é" * 200 for number in range(6)}
    refused = send(endpoint, body | {"metadata": metadata}, place)
    assert (refused.status, refused["errors"][0]["at"]) == (400, "body.metadata")
