"""Properties are read in every way in which clients send them, and mean the same in each."""

import json
from typing import Any
from urllib.parse import quote, urlencode
from xmlrpc.client import MAXINT

import pytest

from ledger.kinds import Kind
from ledger.table import Table
from tests.demo_ledger import items
from tests.everlytic.books import happened
from tests.everlytic.caller import ask, read, send
from tests.everlytic.test_xml_rpc import call
from tests.local import demo
from tests.multipart import TYPE, form

FORM = "application/x-www-form-urlencoded"
SENT = {
    "name": "Größe & Söhne",
    "email": "w+1@example.org",
    "sms_quota": "7",
    "address": "1 Long\r\nStreet",
    "country": "",
}
URL_ENCODED = urlencode(SENT).encode()

WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "JSON": ("", {"json": SENT}),
    "JSON labelled a form": ("", {"data": json.dumps(SENT).encode(), "content_type": FORM}),
    "JSON after a byte order mark": ("", {"data": b"\xef\xbb\xbf\r\n" + json.dumps(SENT).encode()}),
    "form": ("", {"data": URL_ENCODED, "content_type": FORM}),
    "form labelled JSON": ("", {"data": URL_ENCODED, "content_type": "application/json"}),
    "form labelled nothing": ("", {"data": URL_ENCODED + b"\r\n"}),
    "multipart": ("", {"data": form(SENT), "content_type": TYPE}),
    "query": (f"?{urlencode(SENT)}", {}),
    "query with %20": (f"?{urlencode(SENT, quote_via=quote)}", {"data": b"", "content_type": "application/json"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_customer_is_created_and_changed_by_properties_however_they_are_sent(ledger: Table, way: str) -> None:
    query, more = WAYS[way]
    changed = read(send("PUT", f"/1{query}", **more))
    assert {name: str(changed.item[name]) for name in SENT} == SENT
    assert happened(ledger, demo.ACME, "sms") == [(Kind.SET, 7, "")]
    ask("PUT", "/1", {"email": "other@acme.example"})
    created = read(send("POST", query, **more))
    assert (created.status, {name: str(created.item[name]) for name in SENT}) == (201, SENT)


def test_the_vendors_own_wrapper_puts_a_form(ledger: Table) -> None:
    assert read(send("PUT", "/1", data=b"email=w%40example.org", content_type=FORM)).item["email"] == "w@example.org"


def test_some_properties_may_be_in_the_body_and_others_in_the_query(ledger: Table) -> None:
    for body in (b'{"telephone": "1"}', b"telephone=1", form({"telephone": "1"})):
        content_type = TYPE if body.startswith(b"--") else FORM
        changed = read(send("PUT", "/1?address=2", data=body, content_type=content_type)).item
        assert (changed["telephone"], changed["address"]) == ("1", "2")
        ask("PUT", "/1", {"telephone": "", "address": ""})


def test_an_empty_field_clears_a_property(ledger: Table) -> None:
    for way in (
        {"data": b"telephone="},
        {"data": form({"telephone": ""}), "content_type": TYPE},
        {"json": {"telephone": ""}},
    ):
        ask("PUT", "/1", {"telephone": "1"})
        assert read(send("PUT", "/1", **way)).item["telephone"] == ""
    ask("PUT", "/1", {"telephone": "1"})
    assert ask("PUT", "/1?telephone=").item["telephone"] == ""


def test_what_is_refused_in_a_form_changes_nothing(ledger: Table) -> None:
    before = items(ledger)
    for body in (b"name=New&sms_quota=x", b"name=New&no=1", b"name=New&name=Newer", b"not json", b"5", b'"name=New"'):
        assert read(send("PUT", "/1", data=body, content_type=FORM)).status == 400
    assert read(send("PUT", "/1?name=New", data=b"name=New")).status == 400
    assert items(ledger) == before


def test_a_top_up_does_not_look_at_its_body(ledger: Table) -> None:
    for number, body in enumerate((b"", b"x", b"[", b"a=1&a=1", b"{}", b"\xff", form({"a": "1"}))):
        assert read(send("POST", "/topup/1/2?x=1", data=body, content_type=FORM)).quotas == (1_000 * (number + 1), 0, 0)


# ------------------------------------------------------------------------------------------------------------ the types


@pytest.mark.parametrize(
    ("sent", "text"),
    [(2196, "2196"), (0, "0"), (-5, "-5"), (2196.0, "2196"), (10**15, "1" + "0" * 15)],
)
def test_a_number_for_a_text_is_its_digits(ledger: Table, sent: float, text: str) -> None:
    for name in ("postal_code", "name", "telephone", "unique_id"):
        assert ask("PUT", "/1", {name: sent}).item[name] == text
        assert call("UpdateCustomer", 1, {name: "other"}) == 1
        assert call("UpdateCustomer", 1, {name: float(sent) if sent > MAXINT else sent}) == 1
        assert ask("GET", "/1").item[name] == text


@pytest.mark.parametrize(
    "number", ["1000", "1000.0", "1e3", "1.0E3", "100000e-2", "1000.00000000000000000000000000000000"]
)
def test_a_whole_number_is_an_integer_however_it_is_written(ledger: Table, number: str) -> None:
    body = f'{{"email_quota": {number}, "email_package_id": 2.0, "id": 1.0}}'
    item = read(send("PUT", "/1", data=body, content_type="application/json")).item
    assert (item["email_quota"], item["email_package_id"]) == (1_000, 2)
    assert happened(ledger, demo.ACME, "email") == [(Kind.SET, 1_000, "")]


def test_no_number_is_rounded_on_its_way(ledger: Table) -> None:
    quota = 999_999_999_999
    for number in (f"{quota}.0", f"{quota}.000000000000000000000000", f"{quota}000e-3"):
        ask("PUT", "/1", {"sms_quota": 0})
        body = f'{{"sms_quota": {number}}}'
        assert read(send("PUT", "/1", data=body, content_type="application/json")).quotas == (0, quota, 0)
    for number in (f"{quota}.0000000000000000000000000000000000001", "0.99999999999999999999999999999999999999"):
        body = f'{{"sms_quota": {number}}}'
        refused = read(send("PUT", "/1", data=body, content_type="application/json"))
        assert refused.error == (400, "sms_quota: Input should be a valid integer")


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_what_is_nothing_is_not_mentioned(ledger: Table, nothing: object) -> None:
    before = items(ledger)
    names = [name for name in ask("GET", "/1").item if name != "id"]
    assert ask("PUT", "/1", dict.fromkeys(names, nothing)).status == 200
    assert call("UpdateCustomer", 1, {name: [] for name in names}) == 1
    assert items(ledger) == before
    new: dict[str, Any] = {"name": "x", "email": "x@x.example", "telephone": nothing, "sms_quota": nothing}
    assert ask("POST", "", new).item["telephone"] == ""
    assert ask("POST", "", {"name": nothing, "email": nothing}).error == (
        400,
        "name: Field required; email: Field required",
    )


@pytest.mark.parametrize("body", ["[]", "{}", " [ ] "])
def test_no_properties_are_an_empty_object_or_as_php_writes_it_an_empty_array(ledger: Table, body: str) -> None:
    before = items(ledger)
    assert read(send("PUT", "/1", data=body)).status == 200
    assert read(send("POST", "", data=body)).error == (400, "name: Field required; email: Field required")
    assert items(ledger) == before
    assert read(send("PUT", "/1?telephone=1", data=body)).item["telephone"] == "1"
