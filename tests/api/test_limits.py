"""Bounds of the API in figures, each on both sides; those too far off to walk to are only named."""

import json
from types import ModuleType
from typing import Any

import pytest

from api import (
    change_balance,
    change_balances,
    create_account,
    get_account,
    get_statement,
    issue_key,
    put_package,
    reserve_credit,
)
from ledger.table import Table
from tests.api.caller import Answer, ask, event, send

SMS: dict[str, Any] = {"id": 101, "unit": "sms"}
TOPUP = {"kind": "topup", "amount": 1}


def faults(answer: Answer) -> list[str]:
    assert answer.status == 400
    return [f"{fault['at']}: {fault['message']}" for fault in answer["errors"]]


def test_a_body_has_524288_characters_at_most(ledger: Table) -> None:
    body = json.dumps(TOPUP)
    for length, refused in ((524_288, []), (524_289, ["body: longer than 524288 characters"])):
        answer = send(change_balance, event(change_balance, body.ljust(length), key="long", parameters=SMS))
        assert (faults(answer) if answer.status == 400 else []) == refused


def test_a_query_has_20_fields_at_most(ledger: Table) -> None:
    for fields, told in (
        (20, "parameters.x0: Extra inputs are not permitted"),
        (21, "parameters: Max number of fields"),
    ):
        query = "&".join(f"x{number}=1" for number in range(fields))
        answer = send(get_account, event(get_account, parameters={"id": 101}) | {"rawQueryString": query})
        assert faults(answer)[0].startswith(told)


def test_ten_faults_are_told_of_at_once_and_a_place_in_100_characters(ledger: Table) -> None:
    body = {**TOPUP, **{f"{number}{'x' * 200}": 1 for number in range(11)}}
    told = ask(change_balance, body, key="1", **SMS)["errors"]
    assert len(told) == 10
    assert {fault["at"] for fault in told} == {f"body.topup.{number}{'x' * 88}" for number in range(10)}


def test_a_batch_has_1_to_100_changes(ledger: Table) -> None:
    item = {"account": 101, "unit": "sms", "idempotency_key": "1", "change": TOPUP}
    assert len(ask(change_balances, {"changes": [item] * 100})["outcomes"]) == 100
    assert faults(ask(change_balances, {"changes": [item] * 101})) == [
        "body.changes: List should have at most 100 items after validation, not 101"
    ]
    assert faults(ask(change_balances, {"changes": []})) == [
        "body.changes: List should have at least 1 item after validation, not 0"
    ]


LIMITS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"reference": "~" * 16}, {"reference": "~" * 17}, "reference: String should have at most 16 characters"),
    ({"reference": "!"}, {"reference": " "}, "reference: String should match pattern '^[!-~]+$'"),
    ({"reason": "ä" * 500}, {"reason": "ä" * 501}, "reason: String should have at most 500 characters"),
    ({"reason": "x"}, {"reason": ""}, "reason: String should have at least 1 character"),
    ({"metadata": {"x" * 40: "y" * 200}}, {"metadata": {"x": "y" * 201}}, "metadata.x: String should have at most 200"),
    (
        {"metadata": {"x": ""}},
        {"metadata": {"x" * 41: ""}},
        f"metadata.{'x' * 41}.[key]: String should have at most 40",
    ),
    (
        {"metadata": {str(number): "" for number in range(20)}},
        {"metadata": {str(number): "" for number in range(21)}},
        "metadata: Dictionary should have at most 20 items",
    ),
    # Written as JSON: an umlaut takes two bytes, and all the quotes, commas and names 61.
    (
        {"reason": "ä" * 500, "metadata": {str(number): "x" * 200 for number in range(4)} | {"4": "x" * 187}},
        {"reason": "ä" * 500, "metadata": {str(number): "x" * 200 for number in range(4)} | {"4": "x" * 188}},
        "metadata: with the reason, at most 2048 bytes",
    ),
    ({"amount": 10**15}, {"amount": 10**15 + 1}, "amount: Input should be less than or equal to 1000000000000000"),
    ({"amount": 1}, {"amount": 0}, "amount: Input should be greater than or equal to 1"),
    ({"amount": 2}, {"amount": True}, "amount: Input should be a valid integer"),
]


@pytest.mark.parametrize(("last", "beyond", "why"), LIMITS)
def test_the_last_change_that_can_be_and_the_first_that_cannot(
    ledger: Table, last: dict[str, Any], beyond: dict[str, Any], why: str
) -> None:
    taken = ask(change_balance, TOPUP | last, key="1", id=1, unit="sms")
    assert (taken.status, {name: taken[name] for name in last}) == (201, last)
    (fault,) = faults(ask(change_balance, TOPUP | beyond, key="2", id=1, unit="sms"))
    assert fault.startswith(f"body.topup.{why}")


def test_a_hold_lives_for_31_days_at_most(ledger: Table) -> None:
    for seconds, status in ((1, 201), (31 * 86_400, 201), (0, 400), (31 * 86_400 + 1, 400)):
        wanted = {"amount": 1, "expires_in_s": seconds}
        assert ask(reserve_credit, wanted, key=f"{seconds}", **SMS).status == status


def test_no_account_lies_more_than_8_levels_below_its_operator(ledger: Table) -> None:
    parent = 101  # on the first level itself
    for level in range(2, 9):
        opened = ask(create_account, {"name": f"level {level}", "parent": parent}, key=f"{level}")
        assert opened.status == 201
        parent = opened["id"]
    assert faults(ask(create_account, {"name": "level 9", "parent": parent}, key="9")) == [
        "body.parent: no account may lie 9 levels below its operator"
    ]


def test_a_packages_name_is_printable(ledger: Table) -> None:
    wanted = {"name": "no\u2028line", "quantities": {"sms": 1}}
    assert faults(ask(put_package, wanted, identifier="x")) == ["body.name: printable characters only"]


def test_a_statement_ends_before_lambda_would_cut_it_off() -> None:
    assert get_statement.MOST_ENTRIES == 5_000
    assert get_statement.LONGEST_ANSWER == 5_500_000 < 6 * 1024 * 1024


def test_a_body_has_4000_values_at_most(ledger: Table) -> None:
    def names(count: int) -> dict[str, int]:
        return {str(number): 1 for number in range(count)}

    for count, told in ((3_998, "Extra inputs are not permitted"), (3_999, "more than 4000 values")):
        assert faults(ask(change_balance, TOPUP | names(count), key="1", **SMS))[0].endswith(told)
    nested = {"changes": [[names(1_000), names(1_000)], [names(1_000), [names(992)]]]}
    assert faults(ask(change_balances, nested))[0] != "body: more than 4000 values"
    nested["changes"].append([{"one": "more"}])
    assert faults(ask(change_balances, nested)) == ["body: more than 4000 values"]


def test_the_largest_batch_that_there_can_be_has_few_enough_values(ledger: Table) -> None:
    texts = {"reason": "x", "metadata": {str(number): "" for number in range(20)}, "reference": "x"}
    item = {"account": 101, "unit": "sms", "idempotency_key": "1", "change": TOPUP | texts}
    assert ask(change_balances, {"changes": [item] * 100}).status == 207


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        (change_balance, {**TOPUP, **{f"{number:x}": 1 for number in range(48_000)}}),
        (change_balances, {"changes": [0] * 170_000}),
        (change_balances, {"changes": [{f"{number:x}": 1 for number in range(480)}] * 100}),
        (create_account, {"name": "x", "balances": {f"{number:x}": 1 for number in range(48_000)}}),
        (create_account, {"name": "x", "metadata": {f"{number:x}": 1 for number in range(48_000)}}),
        (issue_key, {"name": "x", "scopes": [0] * 170_000}),
        (put_package, {"name": "x", "quantities": {f"{number:x}": 1 for number in range(48_000)}}),
    ],
)
def test_a_body_of_many_thousand_faults_gets_a_short_answer(
    ledger: Table, endpoint: ModuleType, body: dict[str, Any]
) -> None:
    places: dict[ModuleType, dict[str, Any]] = {change_balance: SMS, put_package: {"identifier": "x"}}
    text = json.dumps(body, separators=(",", ":"))
    answer = send(endpoint, event(endpoint, text, key="faults", parameters=places.get(endpoint)))
    assert faults(answer) == ["body: more than 4000 values"]
    assert len(json.dumps(answer.body)) < 1_000


def test_what_a_refusal_says_is_no_longer_than_ten_faults_however_many_there_are(ledger: Table) -> None:
    told = ask(change_balance, {**TOPUP, **{f"{number}{'x' * 100}": 1 for number in range(3_000)}}, key="1", **SMS)
    assert told["detail"] == "; ".join(f"{fault['at']}: {fault['message']}" for fault in told["errors"])
    assert len(told["errors"]) == 10
