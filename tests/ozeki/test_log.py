"""What is logged of a request, and what never is."""

import io

import pytest

from ledger.table import Table
from tests.logged import lines
from tests.ozeki.books import break_johns_balance
from tests.ozeki.caller import ADD_244, JOHN, ask, event, send


def test_each_request_leaves_one_line_of_numbers_and_names_of_ours(ledger: Table, log: io.StringIO) -> None:
    ask(ADD_244, key="order 1")
    ask(ADD_244, key="order 1")
    ask({"action": "getcredits", **JOHN})
    ask(ADD_244, useraccount="nobody")
    ask({"action": "abc123"})

    ours = ("level", "correlation_id", "action", "caller", "account", "sequence", "replayed", "error")
    assert [{name: line[name] for name in ours if name in line} for line in lines(log)] == [
        {"level": "INFO", "correlation_id": "a request", **rest}
        for rest in (
            {"action": "addcredits", "caller": 100, "account": 101, "sequence": 2},
            {"action": "addcredits", "caller": 100, "account": 101, "sequence": 2, "replayed": True},
            {"action": "getcredits", "caller": 101, "account": 101},
            {"action": "addcredits", "caller": 100, "error": 6},
            {"error": 3},
        )
    ]


def test_no_log_line_holds_a_secret_or_what_the_caller_wrote(
    ledger: Table, log: io.StringIO, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    query = "action=addcredits&username=admin&password=abc123&useraccount=john&add=244"
    send(event(query, key="key-in-the-log"))
    send(event(query, key="key-in-the-log"))
    send(event(query.replace("244", "245"), key="key-in-the-log"))
    send(event(body=query.encode()))
    send(event(body=query))
    send(event(query.replace("abc123", "wrong-password")))
    send(event(query.replace("admin", "name-in-the-log")))
    send(event(query.replace("john", "name-in-the-log")))
    send(event(query.replace("244", "amount-in-the-log")))
    send(event(query.replace("addcredits", "abc123")))
    send(event(query + "&responseformat=format-in-the-log"))
    send(event(query) | {"isBase64Encoded": True, "body": "body-in-the-log"})
    send(event(query, headers={"authorization": "header-in-the-log"}))
    break_johns_balance(monkeypatch, ledger, "InternalServerError")
    send(event(query, key="key-in-the-log-2"))

    assert len(lines(log)) == 14
    everything = log.getvalue() + "".join(capfd.readouterr())
    for secret in ("abc123", "wrong-password", "in-the-log", "useraccount=", "password=", "add="):
        assert secret not in everything
