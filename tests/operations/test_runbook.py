"""The runbook's lines about credentials and states, as they are printed, on an operator that was just opened."""

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ledger import credentials
from ledger.errors import WrongCredentials
from ledger.table import open_table
from tests.demo_ledger import quick_passwords
from tests.local.gateway import Context, import_handler
from tests.template import FUNCTIONS, ROOT

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

RUNBOOK = (ROOT / "functions" / "operations" / "README.md").read_text()
LINE = re.compile(r"^sam remote invoke (\w+) --stack-name prepaid --event '(.*?)'", re.MULTILINE)


def lines(function: str) -> list[str]:
    return [event for name, event in LINE.findall(RUNBOOK) if name == function]


def invoke(function: str, event: str) -> dict[str, Any]:
    answer: dict[str, Any] = import_handler(FUNCTIONS[function]["Handler"])(json.loads(event), Context(function))
    return answer


@pytest.fixture(autouse=True)
def _quick(dynamodb: "DynamoDBClient") -> Any:
    with quick_passwords():
        yield


def lets_in(shown: dict[str, Any]) -> list[str]:
    """Say which of these credentials let their account in, for a process that remembers nothing."""
    fresh = replace(open_table(), recent={})
    good = []
    for name in ("api_key", "password"):
        try:
            if name == "api_key":
                credentials.by_key(fresh, shown["api_key"])
            else:
                credentials.by_password(fresh, "acme", shown["password"])
        except WrongCredentials:
            continue
        good.append(name)
    return good


def test_each_line_about_credentials_replaces_what_it_says() -> None:
    (opening,) = lines("OpenAccount")
    lost = invoke("OpenAccount", opening)
    assert invoke("OpenAccount", opening)["account"] == 1, "sent again it tells the account, and nothing else"
    both, key, password = lines("ResetCredentials")

    first = invoke("ResetCredentials", both)
    assert (lets_in(lost), lets_in(first)) == ([], ["api_key", "password"])
    second = invoke("ResetCredentials", key)
    assert lets_in(first) == ["password"]
    third = invoke("ResetCredentials", password)
    assert lets_in(first) == []
    assert lets_in(second | third) == ["api_key", "password"]


def test_each_line_about_states_does_what_it_says() -> None:
    invoke("OpenAccount", lines("OpenAccount")[0])
    states = [invoke("SetAccountState", event)["state"] for event in lines("SetAccountState")]
    assert states == ["suspended", "open", "closed"]
