"""No password and no API key is written at any level: neither what is sent, nor what is shown once, nor a guess.

Everything that any library logs is captured, botocore's requests to the database included, as it would be if somebody
turned Lambda's log level to DEBUG and asked Powertools to log events.
"""

import io
import json
import logging
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import Client

import telemetry
from ledger import logins
from ledger.table import Table
from operations import open_account, reset_credentials
from tests.local import demo
from tests.local.gateway import Context, Gateway
from tests.local.routes import routes
from tests.template import FUNCTIONS

BEARER = {"Authorization": f"Bearer {demo.API_KEY}"}
GUESS = "guess-of-a-thief"
SET = ["correct-horse-1", "correct-horse-2"]


class Everything(logging.Formatter):
    """Write all that a record holds, what is in `extra` too."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.getMessage()} {record.__dict__}"


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Capture what any logger has to say, from DEBUG on."""
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Everything())
    root, ours = logging.getLogger(), telemetry.logger
    levels = root.level, ours.log_level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    ours.setLevel(logging.DEBUG)
    yield written
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    root.removeHandler(handler)


def shown(content: Any) -> list[str]:
    """Give the secrets that an answer shows."""
    found = content if isinstance(content, dict) else json.loads(content)
    found = found.get("subaccount", found)
    return [found[name] for name in ("secret", "apiKey", "password", "api_key") if found.get(name)]


def test_no_secret_is_written_at_any_level(ledger: Table, captured: io.StringIO, capfd: Any) -> None:
    client = Client(Gateway(routes(FUNCTIONS)))
    admin = {"username": "admin", "password": "abc123"}
    secrets = [GUESS, *SET, demo.API_KEY, demo.JOHNS_KEY]

    login = {"username": "acme", "password": SET[0]}
    client.put(f"/ledger/accounts/{demo.ACME}/login", json=login, headers=BEARER)
    client.put(f"/ledger/accounts/{demo.ACME}/login", json=login | {"username": GUESS * 2}, headers=BEARER)
    for action in ("createuser", "configuser"):
        client.get("/api", query_string={**admin, "action": action, "name": "jane", "PASSWORD": SET[1]})
    for password in (SET[1], GUESS, *[f"{GUESS[:-2]}{number}" for number in range(7)]):
        client.post("/api", data={"action": "getcredits", "username": "jane", "password": password})
    client.get("/api/", query_string={**admin, "password": SET[0]})

    issued = {"name": "office", "scopes": ["admin"], "expires_in_days": 1}
    secrets += shown(client.post("/ledger/keys", json=issued, headers=BEARER | {"Idempotency-Key": "k"}).text)
    client.get("/ledger/accounts", headers={"Authorization": f"Bearer {demo.JOHNS_KEY}"})
    client.get("/ledger/accounts", headers={"Authorization": f"Bearer {GUESS}"})

    made = {"apiKey": demo.API_KEY, "type": "simple"}
    secrets += shown(client.post("/v1/subaccount/create", json=made).text)
    client.get("/v1/me", query_string={"apiKey": GUESS})
    client.get("/api/2.0/customers/1", auth=("admin", demo.API_KEY))
    client.get("/api/2.0/customers/1", auth=("admin", GUESS))
    secrets += [b64encode(f"admin:{secret}".encode()).decode() for secret in (demo.API_KEY, GUESS)]

    rival = {"role": "admin", "username": "rival"}
    secrets += shown(open_account.lambda_handler(rival, Context("OpenAccount")))
    again = {"account": demo.JOHN, "password": True, "api_key": True}
    secrets += shown(reset_credentials.lambda_handler(again, Context("ResetCredentials")))

    assert len(secrets) == 13
    out, err = capfd.readouterr()
    written = captured.getvalue() + out + err
    assert "Making request for OperationModel" in written, "what botocore does is in it"
    assert "LoginSet" in written
    assert [secret for secret in secrets if secret in written] == []


@pytest.mark.usefixtures("failing", "ledger")
def test_nor_when_something_goes_wrong_that_nobody_expected(
    captured: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception may say in its words what a caller wrote."""

    def fail(*given: Any) -> None:
        raise RuntimeError(f"cannot set {given}")

    monkeypatch.setattr(logins, "set_login", fail)
    login = {"username": "acme", "password": SET[0]}
    answer = Client(Gateway(routes(FUNCTIONS))).put("/ledger/accounts/1/login", json=login, headers=BEARER)
    assert answer.status_code == 500
    assert "failed" in captured.getvalue()
    for secret in (SET[0], demo.API_KEY):
        assert secret not in captured.getvalue() + answer.text
