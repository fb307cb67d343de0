"""What is never logged of a request; what is, tests/test_telemetry.py says of all dialects."""

import io

import pytest

from api import change_balance, create_account, get_account, issue_key, wire
from ledger.table import Table
from tests.api.caller import ADMIN, ask, event, send
from tests.faulty import broken
from tests.logged import lines, without_times


@pytest.mark.usefixtures("loud")
def test_no_log_line_holds_a_secret_or_what_the_caller_wrote(
    ledger: Table, log: io.StringIO, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = ask(issue_key, {"name": "name-in-the-log", "scopes": ["topup"]}, key="key-in-the-log")["secret"]
    topup = {
        "kind": "topup",
        "amount": 244,
        "reference": "ref-in-the-log",
        "reason": "reason-in-the-log",
        "metadata": {"in-the-log": "in-the-log"},
    }
    for body in (topup, topup, topup | {"amount": 245}, topup | {"amount": "in-the-log"}, topup | {"in-the-log": 1}):
        ask(change_balance, body, secret=secret, key="key-in-the-log-2", id=101, unit="sms")
    ask(change_balance, topup, secret="secret-in-the-log", key="key-in-the-log-3", id=101, unit="sms")
    ask(create_account, {"name": "name-in-the-log", "metadata": {"in-the-log": "1"}}, key="key-in-the-log-4")
    ask(get_account, id="in-the-log")
    send(get_account, event(get_account, "body-in-the-log", parameters={"id": 101}) | {"isBase64Encoded": True})
    send(get_account, event(get_account, parameters={"id": 101}) | {"rawQueryString": "x=query-in-the-log"})
    monkeypatch.setattr(wire, "table", broken(ledger, 101, "InternalServerError"))
    ask(change_balance, topup, key="key-in-the-log-5", id=101, unit="sms")

    assert len(lines(log)) == 12
    everything = without_times(log.getvalue() + "".join(capfd.readouterr()))
    for written in (secret, ADMIN, "in-the-log"):
        assert written not in everything
