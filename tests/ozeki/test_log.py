"""What is never logged of a request; what is, tests/test_telemetry.py says of all dialects."""

import io

import pytest

from ledger.names import find_username
from ledger.table import Table
from tests.local import demo
from tests.logged import lines, without_times
from tests.ozeki.books import break_johns_balance
from tests.ozeki.caller import event, send


@pytest.mark.usefixtures("loud")
def test_no_log_line_holds_a_secret_or_what_the_caller_wrote(
    ledger: Table, log: io.StringIO, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
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
    monkeypatch.undo()
    for action in ("createuser", "configuser", "stopuser", "startuser", "deleteuser"):
        send(
            event(
                f"action={action}&username=admin&password=abc123&name=nm-in-the-log&PASSWORD=pw-in-the-log",
                key=f"{action} in-the-log",
            )
        )

    assert len(lines(log)) == 19
    everything = without_times(log.getvalue() + "".join(capfd.readouterr()))
    for secret in ("abc123", "wrong-password", "in-the-log", "useraccount=", "password=", "add="):
        assert secret not in everything


@pytest.mark.usefixtures("loud")
def test_a_users_line_says_whose_account_and_names_no_unit(ledger: Table, log: io.StringIO) -> None:
    send(event("action=createuser&username=admin&password=abc123&name=mary"))
    send(event("action=stopuser&username=admin&password=abc123&name=john"))
    told = [{name: line.get(name) for name in ("action", "caller", "account", "unit", "error")} for line in lines(log)]
    mary = find_username(ledger, "mary")[1]
    about = {"caller": demo.ADMIN, "unit": None, "error": None}
    assert told == [
        {"action": "createuser", "account": mary, **about},
        {"action": "stopuser", "account": demo.JOHN, **about},
    ]
