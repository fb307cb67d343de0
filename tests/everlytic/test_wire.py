"""What holds of every answer: its format, its links, and that XML can carry any text there is."""

import json
from typing import Any

import pytest

from everlytic import get_customer
from tests.everlytic.caller import ADMIN, CUSTOMERS, HOST, ask, send
from tests.local.gateway import Context
from tests.template import ROOT

pytestmark = pytest.mark.usefixtures("unchanged")

XML, JSON = "application/xml", "application/json"


RANKED = {
    JSON: [
        *("", "*/*", JSON, "text/html", "xml", "application/xml+x"),
        *(f"{JSON}, {XML}", f"{XML}, {JSON}", f"{XML};q=0", f"{XML};q=0.5, {JSON}", f"{JSON};q=0.9,{XML};q=0.899"),
    ],
    XML: [
        *(XML, "text/xml", "Application/XML", f"{XML}, */*", f"{XML} ; charset=utf-8", f"{XML};q=x"),
        *(f"{JSON};q=0.5, {XML}", f"{XML};q=1.000,{JSON};q=0.999"),
    ],
}


@pytest.mark.parametrize("written", RANKED)
def test_xml_is_written_for_who_ranks_it_first(written: str) -> None:
    for accept in RANKED[written]:
        assert send("GET", "/1", headers={"Accept": accept}).content_type == written, accept
        assert send("GET", "/9", headers={"Accept": accept}).content_type == written, accept


def test_xml_and_json_say_the_same() -> None:
    for path in ("/1", "", "?count=1&page=2", "/9"):
        assert ask("GET", path, headers={"Accept": XML}) == ask("GET", path)
    assert send("GET", "/9", headers={"Accept": XML}).text == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<response><error><message>no such customer</message></error></response>"
    )


def event(**headers: str) -> dict[str, Any]:
    """Make the example's event with other headers; None of them is sent but these."""
    example: dict[str, Any] = json.loads((ROOT / "events" / "get_customer.json").read_text())
    return example | {"headers": {"authorization": ADMIN, **headers}}


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"host": "api.example", "x-forwarded-proto": "https"}, "https://api.example"),
        ({"host": "127.0.0.1:3000", "x-forwarded-proto": "http"}, "http://127.0.0.1:3000"),
        ({"host": "[::1]:3000"}, "https://[::1]:3000"),
        ({"host": "api.example", "x-forwarded-proto": "javascript"}, "https://api.example"),
        *(({"host": host}, "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com") for host in
          ("", 'x"><script>', "a/b", "a b", "x" * 256)),
        ({}, "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"),
    ],
)  # fmt: skip
def test_links_are_absolute_and_lead_to_where_the_caller_came(headers: dict[str, str], base: str) -> None:
    answer = get_customer.lambda_handler(event(**headers), Context("GetCustomer"))
    assert {link["rel"]: link["href"] for link in json.loads(answer["body"])["links"]} == {
        "self": f"{base}/api/2.0/customers/1",
        "home": f"{base}/api/2.0",
        "collection": f"{base}/api/2.0/customers",
    }


def test_the_links_can_be_followed() -> None:
    links = ask("GET", "/1").links
    assert ask("GET", links["self"].removeprefix(HOST + CUSTOMERS)).item["name"] == "Acme"
    assert ask("GET", links["collection"].removeprefix(HOST + CUSTOMERS)).items
