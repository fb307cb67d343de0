"""One customer, one balance: whatever API opened an account, the others can be let at it through `/ledger`.

Each test starts from one of the dialects, and ends with all of them reading, and changing, the same credit.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from ledger.table import Table
from operations import open_account
from tests.local import demo
from tests.local.gateway import Context, Gateway
from tests.local.routes import routes
from tests.template import FUNCTIONS

Told = dict[str, Any]
BASIC = ("admin", demo.API_KEY)
BEARER = {"Authorization": f"Bearer {demo.API_KEY}"}
OZEKI = {"username": "admin", "password": "abc123"}
XML = "application/xml"


@pytest.fixture
def client(ledger: Table) -> Client:
    return Client(Gateway(routes(FUNCTIONS)))


def told(response: TestResponse) -> Told:
    assert response.status_code < 300, response.text
    read: Told = json.loads(response.text)
    return read


def by_everlytic(client: Client) -> int:
    wanted = {"name": "Mary", "email": "mary@mary.example"}
    return int(told(client.post("/api/2.0/customers", json=wanted, auth=BASIC))["item"]["id"])


def by_ozeki(client: Client) -> int:
    client.get("/api", query_string=OZEKI | {"action": "createuser", "type": "user", "name": "mary"})
    found = told(client.get("/ledger/accounts?limit=100", headers=BEARER))["accounts"]
    (opened,) = (account["id"] for account in found if account["username"] == "mary")
    return int(opened)


def by_mailpartner(client: Client) -> int:
    made = told(client.post("/v1/subaccount/create", json={"apiKey": demo.API_KEY, "type": "simple"}))
    found = told(client.get("/v1/subaccount/list", query_string={"apiKey": demo.API_KEY}))["data"]
    (opened,) = (each["id"] for each in found if each["token"] == made["subaccount"]["token"])
    return int(opened)


def by_our_own(client: Client) -> int:
    headers = BEARER | {"Idempotency-Key": "mary"}
    return int(told(client.post("/ledger/accounts", json={"name": "Mary"}, headers=headers))["id"])


def by_operation(_: Client) -> int:
    opened = open_account.lambda_handler(
        {"role": "user", "operator": demo.ADMIN, "username": "mary"}, Context("OpenAccount")
    )
    return int(opened["account"])


@pytest.mark.parametrize("open_it", [by_everlytic, by_ozeki, by_mailpartner, by_our_own, by_operation])
def test_an_account_opened_by_any_api_is_one_balance_to_all(client: Client, open_it: Callable[[Client], int]) -> None:
    account = open_it(client)
    ours = f"/ledger/accounts/{account}"
    names = {
        "login": {"username": "mary", "password": "correct-horse"},
        "email": {"email": "mary@mary.example"},
        "token": {"token": "mary-2026"},
    }
    for name, body in names.items():
        told(client.put(f"{ours}/{name}", json=body, headers=BEARER))

    customer = f"/api/2.0/customers/{account}"
    assert told(client.put(customer, json={"sms_quota": 10}, auth=BASIC))["item"]["sms_quota"] == 10
    added = client.get("/api", query_string=OZEKI | {"action": "addcredits", "useraccount": "mary", "add": "5"})
    assert "<balance>15</balance>" in added.text
    own = {"action": "getcredits", "username": "mary", "password": "correct-horse"}
    assert "<balance>15</balance>" in client.get("/api", query_string=own).text
    spent = client.post(
        f"{ours}/balances/sms/changes",
        json={"kind": "spend", "amount": -3},
        headers=BEARER | {"Idempotency-Key": "spend"},
    )
    assert told(spent)["after"] == 12
    assert told(client.get(customer, auth=BASIC))["item"]["sms_quota"] == 12

    moved = {"apiKey": demo.API_KEY, "credit": "1.5", "tokenSubaccount": "mary-2026"}
    assert told(client.post("/v1/subaccount/credit/add", json=moved))["subaccountCredit"] == 1.5
    assert told(client.get(f"{ours}/balances/EUR", headers=BEARER))["available"] == 1_500

    shown = told(client.get(ours, headers=BEARER))
    assert (shown["username"], shown["email"], shown["token"]) == ("mary", "mary@mary.example", "mary-2026")
    listed = client.get("/api/2.0/customers?filter[email]=mary@mary.example", auth=BASIC, headers={"Accept": XML})
    assert re.findall(r"<id>(\d+)</id>", listed.text) == [str(account)]
