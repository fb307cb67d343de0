"""The README's calls as a reader pastes them: the whole block in one shell, against the gateway's own process."""

import csv
import io
import json
import re
import shutil
import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.local import demo
from tests.local.test_main import start
from tests.template import ROOT

README = (ROOT / "README.md").read_text()
PRINTED = "http://127.0.0.1:3000"


def block_with(call: str) -> str:
    """Find the block of shell in the README that has this call in it."""
    (found,) = [block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if call in block]
    return str(found)


def run(calls: str) -> list[str]:
    """Start the gateway, paste these calls into a shell, and give what they print."""
    with start("--port", "0") as local:
        assert local.stdout
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+", local.stdout.readline())
        pasted = subprocess.run(
            ["bash", "-e", "-c", calls.replace(PRINTED, url)], capture_output=True, text=True, check=True
        )
        local.send_signal(signal.SIGINT)
        local.communicate(timeout=10)
    return [line for line in pasted.stdout.splitlines() if line]


pytestmark = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="no curl or bash here")


def test_the_ten_calls_work_as_printed() -> None:
    """And what a reader is told of them is so."""
    calls = block_with("open-mary")
    package, topped_up, spent, captured, released, history, *statement, issued = run(calls)

    assert re.findall(r"# (\d+) ", calls) == [str(number) for number in range(1, 11)]
    assert json.loads(package)["state"] == "active"
    assert json.loads(topped_up)["available"] == {"sms": 100}
    assert json.loads(spent)["after"] == 99
    assert [json.loads(each)["held"] for each in (captured, released)] == [20, 0]
    assert [each["after"] for each in json.loads(history)["entries"]] == [69, 49, 49, 99, 100]
    header, *rows = csv.reader(io.StringIO("\n".join(statement)))
    assert [row[header.index("after")] for row in rows] == ["100", "99", "49", "49", "69"]
    assert json.loads(issued)["secret"]


def test_the_vendors_calls_work_as_printed() -> None:
    printed = "\n".join(run(block_with("addcredits")))
    assert "<balance>744</balance>" in printed
    assert '"email_quota": 1000' in printed
    assert '"credit": 2869.2, "subaccountCredit": 61.8' in printed


def test_it_can_be_read_in_one_sitting() -> None:
    assert len(README.splitlines()) <= 200


LEAKED: dict[str, tuple[Callable[[str], str], str, str]] = {
    "root": (str, demo.API_KEY, demo.ADMINS_KEY_ID),
    "a tenant's": (
        lambda calls: (
            calls.replace('"scopes": ["admin"]', '"scopes": ["read", "spend"], "account": 101')
            .replace("; root=$new", "")
            .replace(demo.ADMINS_KEY_ID, demo.KEY_ID)
        ),
        demo.JOHNS_KEY,
        demo.KEY_ID,
    ),
}


@pytest.mark.parametrize("whose", LEAKED)
def test_a_leaked_key_is_replaced_as_printed(whose: str) -> None:
    as_told, leaked, key_id = LEAKED[whose]
    told = block_with("next-1")
    calls = (
        as_told(told)
        + f"""
as {leaked} -H 'Idempotency-Key: thief' $ledger/keys -d '{{"name": "x", "scopes": ["admin"]}}'
as $new "$ledger/accounts/101/balances/sms"
"""
    )
    keys, entries, thief, new = map(json.loads, run(calls))

    assert re.findall(r"# (\d+) ", told) == ["1", "2", "3", "4"]
    assert {key["id"]: bool(key["revoked"]) for key in keys["keys"]}[key_id]
    assert sum(not key["revoked"] for key in keys["keys"]) == 2
    assert [entry["after"] for entry in entries["entries"]] == [500]
    assert thief["code"] == "unauthenticated", "at once, for what changes keys"
    assert new["available"] == 500
