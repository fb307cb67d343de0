"""What is never logged of a request; what is, tests/test_telemetry.py says of all dialects."""

import io

import pytest

from ledger.table import Table
from tests.everlytic.books import failing, intercept
from tests.everlytic.caller import ask, basic, send
from tests.everlytic.test_xml_rpc import call
from tests.local import demo
from tests.logged import lines, without_times


@pytest.mark.usefixtures("loud")
def test_no_log_line_holds_a_secret_or_what_the_caller_wrote(
    ledger: Table, log: io.StringIO, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
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
    everything = without_times(log.getvalue() + "".join(capfd.readouterr()))
    for secret in (demo.API_KEY, basic(f"admin:{demo.API_KEY}")[6:], "in-the-log", "987654321", "Basic "):
        assert secret not in everything
