"""No answer comes near what Lambda can give, beyond which callers would get API Gateway's own 500."""

import json
from typing import Any

import pytest

from api import change_balances, create_account, get_docs, get_openapi, get_statement, list_accounts, list_entries
from ledger.notes import LONGEST_BYTES
from ledger.table import Table
from tests.api.caller import ask, event
from tests.local.gateway import LARGEST_ANSWER_BYTES, Context

# The worst of what a text may hold: escaped in our JSON, and what that comes to again in Lambda's.
QUOTE, CONTROL = '"', "\1"


def size(answer: dict[str, Any]) -> int:
    """Tell how many bytes Lambda carries for an answer."""
    return len(json.dumps(answer, ensure_ascii=False).encode())


def test_a_page_of_entries_with_the_longest_texts_is_far_from_it(ledger: Table) -> None:
    reason, metadata = QUOTE * 200, {f"name-{number}": QUOTE * 100 for number in range(7)}
    written = json.dumps({"metadata": metadata, "reason": reason}, separators=(",", ":"))
    assert LONGEST_BYTES - 250 < len(written) <= LONGEST_BYTES
    change = {"kind": "topup", "amount": 1, "reason": reason, "metadata": metadata}
    changes = [
        {"account": 101, "unit": "sms", "idempotency_key": f"{number}", "change": change} for number in range(100)
    ]
    assert all(each["status"] == 201 for each in ask(change_balances, {"changes": changes})["outcomes"])

    page = event(list_entries, parameters={"id": 101, "unit": "sms", "limit": 100})
    answer = list_entries.lambda_handler(page, Context("ListEntries"))
    assert len(json.loads(answer["body"])["entries"]) == 100
    assert size(answer) < LARGEST_ANSWER_BYTES / 8


def test_a_page_of_accounts_with_the_longest_texts_is_far_from_it(ledger: Table) -> None:
    """One is measured: a page has 100."""
    metadata = {CONTROL * 38 + f"{number:02}": CONTROL * 200 for number in range(20)}
    assert ask(create_account, {"name": QUOTE * 100, "metadata": metadata}, key="1").status == 201
    page = event(list_accounts, parameters={"parent": 100})
    answer = list_accounts.lambda_handler(page, Context("ListAccounts"))
    assert metadata in [each["metadata"] for each in json.loads(answer["body"])["accounts"]]
    assert 100 * size(answer) < LARGEST_ANSWER_BYTES * 0.6


def test_a_statement_is_refused_before_it_comes_there() -> None:
    """That it is refused from LONGEST_ANSWER on is for test_history.py; what it counts is never less than it sends."""
    headers = {"Content-Type": "text/csv", "Content-Disposition": "x" * 1_000}
    for text in ("a", QUOTE, CONTROL, "ö", "\N{PILE OF POO}"):
        most = text * (get_statement.LONGEST_ANSWER // (len(json.dumps(text)) - 2))
        assert size({"statusCode": 200, "headers": headers, "body": most}) < LARGEST_ANSWER_BYTES


@pytest.mark.parametrize("answer", [get_docs.ANSWER, get_openapi.ANSWER], ids=["docs", "openapi"])
def test_the_pages_about_the_api_are_far_from_it(answer: dict[str, Any]) -> None:
    assert size(answer) < LARGEST_ANSWER_BYTES / 20
