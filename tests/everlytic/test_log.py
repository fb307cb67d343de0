"""What is logged of a request, and what never is."""

import io

import pytest

from ledger.table import Table
from tests.everlytic.books import failing, intercept
from tests.everlytic.caller import ask, basic, send, top_up
from tests.everlytic.test_xml_rpc import call
from tests.local import demo
from tests.logged import lines


def test_each_request_leaves_one_line_of_numbers_and_names_of_ours(ledger: Table, log: io.StringIO) -> None:
    ask("POST", "", {"name": "New", "email": "new@acme.example"})
    top_up(demo.ACME, key="order 1")
    top_up(demo.ACME, key="order 1")
    ask("GET")
    ask("GET", "/1")
    ask("PUT", "/1", {"name": "x"})
    ask("DELETE", "/1")
    ask("PUT", "/1", {"name": "y"})
    ask("PUT", "/1", {"secret": "y"})
    ask("GET", "/7")
    ask("GET", auth=None)
    call("Topup", 1, 2)

    ours = ("message", "caller", "account", "method", "replayed", "error")
    assert all(line["level"] == "INFO" and line["correlation_id"] for line in lines(log))
    assert [{name: line[name] for name in ours if name in line} for line in lines(log)] == [
        {"message": "CustomerCreated", "caller": 100, "account": 2},
        {"message": "CustomerToppedUp", "caller": 100, "account": 1},
        {"message": "CustomerToppedUp", "caller": 100, "account": 1, "replayed": True},
        {"message": "CustomersListed", "caller": 100},
        {"message": "CustomerRead", "caller": 100, "account": 1},
        {"message": "CustomerUpdated", "caller": 100, "account": 1},
        {"message": "CustomerDeleted", "caller": 100, "account": 1},
        {"message": "refused", "caller": 100, "account": 1, "error": 409},
        {"message": "refused", "caller": 100, "account": 1, "error": 400},
        {"message": "refused", "caller": 100, "account": 7, "error": 404},
        {"message": "refused", "error": 401},
        {"message": "refused", "caller": 100, "account": 1, "method": "topup_customer", "error": 409},
    ]


def test_no_log_line_holds_a_secret_or_what_the_caller_wrote(
    ledger: Table, log: io.StringIO, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    new = {"name": "name-in-the-log", "email": "email-in-the-log@acme.example"}
    ask("POST", "", new, key="key-in-the-log")
    ask("POST", "", new, key="key-in-the-log")
    ask("POST", "", new | {"email_quota": 987_654_321}, key="key-in-the-log")
    ask("POST", "", new)
    ask("PUT", "/1", {"telephone": "text-in-the-log"})
    ask("PUT", "/1", {"unknown-in-the-log": "value-in-the-log", "country": "value-in-the-log"})
    send("PUT", "/1", data=b'{"name": "body-in-the-log', content_type="application/json")
    ask("GET", "?filter=filter-in-the-log&order=order-in-the-log")
    ask("GET", "/id-in-the-log")
    ask("PUT", "/topup/1/package-in-the-log")
    ask("GET", auth=basic("admin:wrong-key-in-the-log"))
    ask("GET", auth=basic(f"user-in-the-log:{demo.API_KEY}"))
    ask("GET", auth="Basic header-in-the-log")
    call("method-in-the-log", "parameter-in-the-log")
    call("GetCustomer", "parameter-in-the-log")
    send("GET", headers={"Host": "host-in-the-log", "X-Other": "header-in-the-log"})
    intercept(monkeypatch, ledger, failing("InternalServerError"))
    ask("PUT", "/1", {"name": "name-in-the-log"}, key="key-in-the-log-2")

    assert len(lines(log)) == 17
    everything = log.getvalue() + "".join(capfd.readouterr())
    for secret in (demo.API_KEY, basic(f"admin:{demo.API_KEY}")[6:], "in-the-log", "987654321", "Basic "):
        assert secret not in everything
