"""Every limit of a request, from both sides; those of body, key and note have tests of their own."""

from typing import Any

import pytest

from api import (
    change_balance,
    change_balances,
    create_account,
    issue_key,
    list_accounts,
    list_entries,
    problems,
    put_package,
    reserve_credit,
    wire,
)
from api.get_statement import LONGEST_ANSWER, MOST_ENTRIES
from ledger.holds import LONGEST_LIFE_MS
from ledger.table import Table
from tests.api.caller import Answer, ask, event, send
from tests.local import demo

PLACE: dict[str, Any] = {"id": demo.JOHN, "unit": "sms"}


def test_the_limits_are_these() -> None:
    assert (wire.LONGEST_BODY, wire.MOST_FIELDS, problems.MOST_FAULTS) == (524_288, 20, 10)
    assert (MOST_ENTRIES, LONGEST_ANSWER, list_entries.MOST_READ) == (5_000, 5_500_000, 1_000)
    assert change_balances.MOST_CHANGES == 100


def faults(answer: Answer) -> list[str]:
    assert (answer.status, answer.code) == (400, "invalid_request")
    return [each["at"] for each in answer["errors"]]


CHANGES: list[tuple[str, Any, Any]] = [
    ("amount", 1, 0),
    ("amount", 10**15, 10**15 + 1),
    ("reference", "!", ""),
    ("reference", "~" * 16, "~" * 17),
    ("reason", "é", ""),
    ("reason", "é" * 500, "é" * 501),
    ("metadata", {str(number): "" for number in range(20)}, {str(number): "" for number in range(21)}),
    ("metadata", {"a": "1"}, {"": "1"}),
    ("metadata", {"é" * 40: "1"}, {"é" * 41: "1"}),
    ("metadata", {"a": "é" * 200}, {"a": "é" * 201}),
]


@pytest.mark.parametrize(
    ("name", "good", "bad"), CHANGES, ids=lambda each: f"{ascii(each)[:16]} {ascii(each)[-16:]} {len(ascii(each))}"
)
def test_a_change_is_taken_up_to_its_limits(ledger: Table, name: str, good: Any, bad: Any) -> None:
    topup = {"kind": "topup", "amount": 1}
    assert ask(change_balance, topup | {name: good}, key="k", **PLACE).status == 201
    (at,) = faults(ask(change_balance, topup | {name: bad}, key="k2", **PLACE))
    assert at.startswith(f"body.topup.{name}")


def test_a_spend_is_of_one_at_least_and_an_adjustment_of_10_to_the_15th_at_most(ledger: Table) -> None:
    def change(kind: str, amount: int) -> Answer:
        return ask(change_balance, {"kind": kind, "amount": amount}, key=f"{kind} {amount}", **PLACE)

    assert change("spend", -1).status == 201
    assert change("spend", 0).status == 400
    assert change("spend", -(10**15)).status == 402
    assert change("spend", -(10**15) - 1).status == 400
    for most in (10**15, -(10**15)):
        assert change("adjustment", most).status == 201
        assert change("adjustment", most + most // abs(most)).status == 400


def test_a_batch_has_1_to_100_changes(ledger: Table) -> None:
    def batch(size: int) -> Answer:
        topup = {"kind": "topup", "amount": 1}
        return ask(
            change_balances,
            {"changes": [{"account": 101, "unit": "sms", "change": topup, "idempotency_key": "k"}] * size},
        )

    assert [batch(size).status for size in (0, 1, 100, 101)] == [400, 207, 207, 400]


@pytest.mark.parametrize(
    ("identifier", "status"), [("x", 200), ("x" * 16, 200), ("x" * 17, 400)], ids=["least", "most", "too long"]
)
def test_a_package_is_named_in_16_characters(ledger: Table, identifier: str, status: int) -> None:
    body = {"name": "Gold", "quantities": {"sms": 1}}
    assert ask(put_package, body, identifier=identifier).status == status


def test_a_name_has_1_to_100_characters(ledger: Table) -> None:
    for module, more in ((create_account, {}), (issue_key, {"scopes": ["read"]})):
        found = [
            ask(module, {"name": "é" * size, **more}, key=f"{module.__name__} {size}").status
            for size in (0, 1, 100, 101)
        ]
        assert found == [400, 201, 201, 400]


def test_a_hold_lives_for_up_to_its_longest_life(ledger: Table) -> None:
    most = LONGEST_LIFE_MS // 1_000
    for seconds, status in ((0, 400), (1, 201), (most, 201), (most + 1, 400)):
        body = {"amount": 1, "expires_in_s": seconds}
        assert ask(reserve_credit, body, key=f"hold {seconds}", **PLACE).status == status


def test_a_page_has_1_to_100_entries_and_a_query_20_fields(ledger: Table) -> None:
    assert [ask(list_entries, limit=limit, **PLACE).status for limit in (0, 1, 100, 101)] == [400, 200, 200, 400]
    assert [ask(list_accounts, limit=limit).status for limit in (0, 1, 100, 101)] == [400, 200, 200, 400]
    for fields, at in ((20, [f"parameters.x{number}" for number in range(10)]), (21, ["parameters"])):
        query = "&".join(f"x{number}=1" for number in range(fields))
        assert faults(send(list_accounts, event(list_accounts) | {"rawQueryString": query})) == at
