"""Answers from the first character to the last: what a caller's parser, of either format, is written against."""

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.table import Table
from tests.everlytic.caller import HOST, ask, send
from tests.everlytic.test_xml_rpc import call, post, read
from tests.local import demo

XML = {"Accept": "application/xml"}
PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'

NOTHING = {
    "name": "",
    "status": "on",
    "email": "",
    "email_package_id": 0,
    "email_quota": 0,
    "sms_quota": 0,
    "transactions_package_id": 0,
    "transactions_quota": 0,
    "deleted": "no",
    "address": "",
    "state_provinces": "",
    "postal_code": "",
    "telephone": "",
    "website_url": "",
    "country": "",
    "industry": "",
    "unique_id": "",
}
JOHN = {"id": demo.JOHN} | NOTHING | {"name": "john", "sms_quota": 500}
ACME = {"id": demo.ACME} | NOTHING | {"name": "Acme", "email": "info@acme.example"}
SUBACCOUNT = {"id": demo.SUBACCOUNT} | NOTHING | {"email": "demo@subaccount.invalid"}
SHOP = (
    {"id": 2}
    | NOTHING
    | {
        "name": "Tom & Jerry <Ltd>",
        "status": "off",
        "email": "tom@shop.example",
        "email_package_id": 2,
        "email_quota": 1_000_000_000_000,
        "sms_quota": 7,
        "transactions_package_id": 2,
        "transactions_quota": 3,
        "address": "1 Long Street",
        "state_provinces": "Gauteng",
        "postal_code": "2196",
        "telephone": "+27 11 000 0000",
        "website_url": "https://shop.example/?a=1&b=2",
        "country": "ZA",
        "industry": "Retail & Wholesale",
        "unique_id": "shop-1",
    }
)


def elements(item: dict[str, Any]) -> str:
    """Write a customer's properties as XML does."""
    return "".join(
        f"<{name}>{escaped}</{name}>" if (escaped := _escaped(value)) else f"<{name} />" for name, value in item.items()
    )


def _escaped(value: object) -> str:
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(rel: str, path: str) -> str:
    return f"<link><rel>{rel}</rel><href>{HOST}/api/2.0{_escaped(path)}</href></link>"


def rels(**paths: str) -> list[dict[str, str]]:
    return [{"rel": rel, "href": f"{HOST}/api/2.0{path}"} for rel, path in paths.items()]


def told(response: TestResponse) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(response.text)
    return read


@pytest.fixture
def shop(ledger: Table) -> dict[str, Any]:
    """Create a customer with every property there is, and answer what that answered."""
    wanted = {name: value for name, value in SHOP.items() if name not in ("id", "deleted")}
    response = send("POST", "", wanted)
    assert response.status_code == 201
    return told(response)


def test_a_customer_is_told_with_every_property_in_the_pages_order(shop: dict[str, Any]) -> None:
    assert shop == {
        "links": rels(self="/customers/2", home="", collection="/customers"),
        "item": SHOP,
    }
    assert list(shop["item"]) == list(SHOP)
    response = send("GET", "/2")
    assert response.json == shop
    assert (response.content_type, response.headers["Cache-Control"]) == ("application/json", "no-store")
    assert send("GET", "/2", headers=XML).text == (
        f"{PROLOG}<response><links>{link('self', '/customers/2')}{link('home', '')}{link('collection', '/customers')}"
        f"</links><item>{elements(SHOP)}</item></response>"
    )


def test_a_page_of_customers_is_told_with_its_neighbours(shop: dict[str, Any]) -> None:
    asked = "count=1&order=name&direction=desc&filter=o"
    pages = {number: f"/customers?page={number}&count=1&order=name&direction=DESC&filter=o" for number in (1, 2, 3, 4)}
    assert send("GET", f"?page=2&{asked}").json == {
        "links": rels(self=pages[2], home="", next=pages[3], prev=pages[1]),
        "collection": [{"data": JOHN}],
    }
    assert send("GET", f"?page=2&{asked}", headers=XML).text == (
        f"{PROLOG}<response><links>{link('self', pages[2])}{link('home', '')}{link('next', pages[3])}"
        f"{link('prev', pages[1])}</links><collection><data>{elements(JOHN)}</data></collection></response>"
    )
    first, last = (told(send("GET", f"?page={number}&{asked}")) for number in (1, 4))
    assert (first["links"], first["collection"]) == (
        rels(self=pages[1], home="", next=pages[2]),
        [{"data": SHOP}],
    )
    assert (last["links"], last["collection"]) == (
        rels(self=pages[4], home="", prev=pages[3]),
        [{"data": SUBACCOUNT}],
    )


def test_without_a_query_the_first_fifty_are_told_by_id(ledger: Table) -> None:
    assert send("GET").json == {
        "links": rels(self="/customers?page=1", home=""),
        "collection": [{"data": ACME}, {"data": JOHN}, {"data": SUBACCOUNT}],
    }


def test_an_error_is_told_in_either_format(ledger: Table) -> None:
    refused = send("GET", "/9", auth=None)
    assert refused.json == {"error": {"message": "wrong username or API key"}}
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="Everlytic API", charset="UTF-8"'
    assert send("GET", "/9", headers=XML).text == (
        f"{PROLOG}<response><error><message>no such customer</message></error></response>"
    )


INDUSTRIES = (
    *("Personal Use", "Agriculture & Environmental", "Automotive", "Business & Consulting Services", "E-commerce"),
    *("Education & Training", "Financial Institutions", "Governmental Organisations", "Hospitality, Travel & Tourism"),
    *("Industry, Trade & Manufacture", "Lifestyle, Arts & Entertainment", "Logistic Services", "Publishing & Media"),
    *("Agencies & Marketing", "Medical & Healthcare", "Non Governmental Organisations", "Property & Real Estate"),
    *("Retail & Wholesale", "Technology & Science"),
)


def test_each_industry_of_the_vendors_page_is_taken(ledger: Table) -> None:
    assert [ask("PUT", "/1", {"industry": each}).item["industry"] for each in INDUSTRIES] == list(INDUSTRIES)


@pytest.mark.parametrize(
    ("name", "largest", "beyond", "message"),
    [
        ("name", "x" * 255, "x" * 256, "longer than 255 characters"),
        ("unique_id", "ä" * 255, "ä" * 256, "longer than 255 characters"),
        ("email", f"{'x' * 64}@{'y' * 63}.de", f"{'x' * 65}@{'y' * 63}.de", "not an e-mail address"),
        ("email", f"x@{'y' * 63}.de", f"x@{'y' * 64}.de", "not an e-mail address"),
        ("email", "aa@" + ".".join(["x" * 62] * 4), "aaa@" + ".".join(["x" * 62] * 4), "not an e-mail address"),
        ("email_quota", 10**12, 10**12 + 1, "Input should be less than or equal to 1000000000000"),
        ("sms_quota", 0, -1, "Input should be greater than or equal to 0"),
        ("email_package_id", "2", 10**12 + 1, "Input should be less than or equal to 1000000000000"),
        ("country", "zw", "zz", "not a country code of ISO 3166-1"),
        ("website_url", "HTTP://x", "ftp://x", "not an http or https URL"),
    ],
)
def test_the_largest_is_taken_and_what_is_beyond_is_refused(
    ledger: Table, name: str, largest: Any, beyond: Any, message: str
) -> None:
    taken = ask("PUT", "/1", {name: largest})
    assert taken.status == 200
    assert ask("PUT", "/1", {name: beyond}).error == (400, f"{name}: {message}")
    assert ask("GET", "/1").item == taken.item


@pytest.mark.parametrize("kind", ["int", "i4", "i8", "string"])
def test_a_call_may_name_a_customer_in_any_of_the_ways_clients_write_integers(ledger: Table, kind: str) -> None:
    given = f"<params><param><value><{kind}>101</{kind}></value></param></params>"
    body = f"<?xml version='1.0'?><methodCall><methodName>customers.GetCustomer</methodName>{given}</methodCall>"
    assert read(post(body)) == JOHN


def test_the_methods_and_their_signatures_are_told(ledger: Table) -> None:
    bare = ("CreateCustomer", "UpdateCustomer", "GetCustomer", "ListCustomers", "DeleteCustomer", "Topup")
    listed = call("system.listMethods")
    assert {*listed} >= {*bare, *(f"customers.{name}" for name in bare), "system.listMethods", "system.methodSignature"}
    listing = ["int", "int", "string", "string", "string"]
    signatures = {
        "CreateCustomer": [["int", "struct"]],
        "UpdateCustomer": [["int", "int", "struct"]],
        "GetCustomer": [["struct", "int"]],
        "ListCustomers": [*(["array", *listing[:count]] for count in range(6)), ["array", *listing[:4], "struct"]],
        "DeleteCustomer": [["int", "int"]],
        "Topup": [["struct", "int", "string"]],
    }
    for name, signature in signatures.items():
        assert call("system.methodSignature", name) == call("system.methodSignature", f"customers.{name}") == signature
    assert call("GetCustomer") == (400, "GetCustomer takes (id)")
    assert call("ListCustomers", 1, 50, "id", "ASC", "", "more") == (
        400,
        "ListCustomers takes (page, count, order, direction, filter)",
    )
    assert call("Topup", 1) == (400, "Topup takes (id, package_identifier)")
