"""What holds of every answer: its format, its links, and that XML can carry any text there is."""

import json
from http import HTTPStatus
from typing import Any

import pytest

from everlytic import get_customer, wire
from tests.everlytic.caller import ADMIN, CUSTOMERS, HOST, ask, send
from tests.local.gateway import Context
from tests.template import ROOT

pytestmark = pytest.mark.usefixtures("unchanged")

XML, TEXT_XML, JSON = "application/xml", "text/xml", "application/json"

RANKED = {
    JSON: ["", "*/*", JSON, "text/html", f"{XML}, {JSON}", f"{XML};q=0", f"{JSON};q=0.9,{XML};q=0.899"],
    XML: [XML, "Application/XML", f"{XML}, */*", f"{TEXT_XML}, {XML}", f"{JSON};q=0.5, {XML}"],
    TEXT_XML: [TEXT_XML, "text/*", f"{TEXT_XML};q=0.9, */*;q=0.8"],
}


@pytest.mark.parametrize("written", RANKED)
def test_the_type_that_the_caller_likes_best_is_written_in_errors_too(written: str) -> None:
    for accept in RANKED[written]:
        assert send("GET", "/1", headers={"Accept": accept}).content_type == written, accept
        assert send("GET", "/9", headers={"Accept": accept}).content_type == written, accept


def test_a_request_can_be_refused_from_elsewhere_in_the_form_of_every_error() -> None:
    accept = {"Accept": "text/xml"}
    for headers, content_type, body in (
        ({}, JSON, '{"error": {"message": "<no>"}}'),
        (
            accept,
            TEXT_XML,
            '<?xml version="1.0" encoding="UTF-8"?>\n<response><error><message>&lt;no&gt;</message></error></response>',
        ),
    ):
        refused = wire.refuse({"headers": headers}, HTTPStatus.METHOD_NOT_ALLOWED, "<no>", {"Allow": "GET"})
        common = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": content_type}
        assert refused == {"statusCode": 405, "headers": common | {"Allow": "GET"}, "body": body}
    assert "WWW-Authenticate" in wire.refuse({}, HTTPStatus.UNAUTHORIZED, "who", {"X": "y"})["headers"]


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
    ("headers", "scheme", "port"),
    [
        ({}, "https", ""),
        ({"x-forwarded-proto": "https", "x-forwarded-port": "443"}, "https", ""),
        ({"x-forwarded-proto": "http", "x-forwarded-port": "3000"}, "http", ":3000"),
        ({"x-forwarded-proto": "http", "x-forwarded-port": "80"}, "http", ""),
        ({"x-forwarded-proto": "javascript", "x-forwarded-port": "1/@x"}, "https", ""),
        ({"host": "evil.example", "x-forwarded-host": "evil.example"}, "https", ""),
    ],
)
def test_links_are_absolute_and_lead_to_the_api_whatever_host_the_caller_writes(
    headers: dict[str, str], scheme: str, port: str
) -> None:
    base = f"{scheme}://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com{port}"
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
