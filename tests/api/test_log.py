"""What is logged of a request, and what never is."""

import io

import pytest

from api import change_balance, change_balances, create_account, get_account, get_docs, get_openapi, issue_key, wire
from ledger.table import Table
from tests.api.caller import ADMIN, ask, event, send
from tests.faulty import broken
from tests.logged import lines


def test_each_request_leaves_one_line_of_numbers_and_names_of_ours(ledger: Table, log: io.StringIO) -> None:
    topup = {"kind": "topup", "amount": 1}
    for _ in range(2):
        ask(change_balance, topup, key="k", id=101, unit="sms")
    ask(change_balance, {"kind": "spend", "amount": -999}, key="2", id=101, unit="sms")
    ask(change_balance, topup, id=101, unit="sms")
    ask(get_account, secret="nobody's", id=101)
    ask(get_account, id=7_777)
    ask(change_balances, {"changes": [{"account": 1, "unit": "sms", "idempotency_key": "3", "change": topup}] * 2})
    for constant in (get_docs, get_openapi):
        constant.lambda_handler({"requestContext": {"requestId": "a request"}}, None)

    ours = ("message", "caller", "unit", "account", "sequence", "replayed", "changes", "refused", "error")
    assert [{name: line[name] for name in ours if name in line} for line in lines(log)] == [
        {"message": "BalanceChanged", "caller": 100, "unit": "sms", "account": 101, "sequence": 2},
        {"message": "BalanceChanged", "caller": 100, "unit": "sms", "account": 101, "sequence": 2, "replayed": True},
        {"message": "refused", "caller": 100, "unit": "sms", "account": 101, "error": "insufficient_credit"},
        {"message": "refused", "caller": 100, "error": "invalid_request"},
        {"message": "refused", "error": "unauthenticated"},
        {"message": "refused", "caller": 100, "error": "account_not_found"},
        {"message": "BalancesChanged", "caller": 100, "account": 1, "changes": 2, "refused": 0},
        {"message": "DocsRead"},
        {"message": "OpenapiRead"},
    ]
    assert {(line["level"], line["correlation_id"]) for line in lines(log)} == {("INFO", "a request")}


def test_no_log_line_holds_a_secret_or_what_the_caller_wrote(
    ledger: Table, log: io.StringIO, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
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
    everything = log.getvalue() + "".join(capfd.readouterr())
    for written in (secret, ADMIN, "in-the-log"):
        assert written not in everything
