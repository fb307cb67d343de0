"""What is revoked changes no account and no credential from then on, in any dialect, whoever remembers it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from api import issue_key
from ledger import api_keys, logins
from ledger.accounts import HOUSE
from ledger.table import Table
from tests.api.caller import ask
from tests.demo_ledger import items
from tests.local import demo
from tests.local.gateway import Gateway
from tests.local.routes import routes
from tests.template import FUNCTIONS

Send = Callable[[Client, str], TestResponse]


def everlytic(method: str, path: str = "", **more: Any) -> Send:
    return lambda client, secret: client.open(
        f"/api/2.0/customers{path}",
        method=method,
        auth=("admin", secret),
        headers={"Accept": "application/json"},
        **more,
    )


def by_xml_rpc(method: str, params: str) -> Send:
    call = f"<methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>"
    return lambda client, secret: client.post(
        "/api/2.0/xmlrpc", data=call, auth=("admin", secret), headers={"Content-Type": "text/xml"}
    )


def mailpartner(method: str, path: str, **fields: object) -> Send:
    return lambda client, secret: client.open(
        f"/v1/{path}", method=method, data=json.dumps({"apiKey": secret, **fields}), content_type="application/json"
    )


ID = f"<param><value><int>{demo.ACME}</int></value></param>"
CHANGES: dict[str, Send] = {
    "everlytic create": everlytic("POST", json={"name": "x", "email": "x@x.example"}),
    "everlytic update": everlytic("PUT", f"/{demo.ACME}", json={"sms_quota": 5}),
    "everlytic delete": everlytic("DELETE", f"/{demo.ACME}"),
    "everlytic xml-rpc": by_xml_rpc("DeleteCustomer", ID),
    "mailpartner create": mailpartner("POST", "subaccount/create", type="simple"),
    "mailpartner remove": mailpartner("DELETE", "subaccount/remove", token=demo.TOKEN),
}
READS: dict[str, Send] = {
    "everlytic": everlytic("GET", f"/{demo.ACME}"),
    "mailpartner": lambda client, secret: client.get(f"/v1/me?apiKey={secret}"),
}


def unknown(answer: TestResponse) -> bool:
    """Say whether an answer is, in its dialect, that there is no such key."""
    return answer.status_code == 401 or '"code": 10' in answer.text or "<int>401</int>" in answer.text


@pytest.fixture
def client(ledger: Table) -> Client:
    return Client(Gateway(routes(FUNCTIONS)))


@pytest.fixture
def unchanged(ledger: Table) -> Iterator[Callable[[], None]]:
    """Give what begins to watch: from then on nothing may change, but for guesses that are counted."""

    def all_but_guesses() -> list[dict[str, Any]]:
        return [item for item in items(ledger) if not item["pk"]["S"].startswith("F#")]

    seen: list[list[dict[str, Any]]] = []
    yield lambda: seen.append(all_but_guesses())
    assert seen == [all_but_guesses()]


@pytest.mark.parametrize("change", CHANGES)
def test_a_revoked_key_changes_no_account(
    ledger: Table, client: Client, unchanged: Callable[[], None], change: str
) -> None:
    made = ask(issue_key, {"name": "x", "scopes": ["admin"]}, key="k")
    dialect, secret = change.split()[0], made["secret"]
    assert not unknown(READS[dialect](client, secret))
    api_keys.revoke(replace(ledger, recent={}), demo.ADMIN, made["key"]["id"])
    unchanged()

    assert not unknown(READS[dialect](client, secret)), "it is remembered for half a minute where that is harmless"
    assert unknown(CHANGES[change](client, secret))
    assert unknown(READS[dialect](client, secret)), "what was found out is remembered instead"


@pytest.mark.parametrize("action", ["createuser", "configuser", "startuser", "stopuser", "deleteuser"])
def test_a_password_that_was_changed_changes_no_user(
    ledger: Table, client: Client, unchanged: Callable[[], None], action: str
) -> None:
    as_admin = "username=admin&password=abc123"
    reading = f"/api?action=getcredits&{as_admin}&useraccount=john"
    assert "500" in client.get(reading).text
    logins.set_login(replace(ledger, recent={}), HOUSE, demo.ADMIN, "admin", "correct-horse")
    unchanged()

    assert "500" in client.get(reading).text
    name = "mary&type=user" if action == "createuser" else "john&PASSWORD=new-secret"
    refused = client.get(f"/api?action={action}&{as_admin}&name={name}")
    assert "<errorcode>" in refused.text
    assert "500" not in client.get(reading).text
