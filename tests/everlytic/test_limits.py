"""Every limit of a request, from both sides."""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import pytest

import gateway
from everlytic import customer, formats, get_customer, list_customers, marshalling, values, wire, xml_rpc
from everlytic.formats import Item, Page
from ledger.table import Table
from tests.everlytic.caller import ADMIN, ask, basic, read, send
from tests.local.gateway import LARGEST_ANSWER_BYTES, Context
from tests.multipart import TYPE, form


def test_the_limits_are_these() -> None:
    assert (wire.LONGEST_BODY, wire.MOST_FIELDS, wire.MOST_PROBLEMS, wire.LONGEST_ECHO) == (65_536, 50, 10, 40)
    assert (customer.LONGEST_TEXT, customer.LONGEST_EMAIL, customer.LARGEST_QUOTA) == (255, 254, 10**12)
    assert (values.MOST_DIGITS, xml_rpc.MOST_CALLS, xml_rpc.LONGEST_LISTS) == (16, 50, 5_500_000)
    assert (list_customers.LARGEST_PAGE, list_customers.DEEPEST, list_customers.MOST_SORTED) == (500, 100_000, 5_000)


EMAIL = f"{'x' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 61}"  # 254 characters

WITHIN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(({name: "ö" * 255}, {name: "ö" * 256}) for name in ("name", "address", "state_provinces", "postal_code")),
    *(({name: "ö" * 255}, {name: "ö" * 256}) for name in ("telephone", "unique_id")),
    ({"website_url": "http://a.b/" + "x" * 244}, {"website_url": "http://a.b/" + "x" * 245}),
    ({"email": "x" * 64 + "@b.de"}, {"email": "x" * 65 + "@b.de"}),
    ({"email": f"a@{'b' * 63}.de"}, {"email": f"a@{'b' * 64}.de"}),
    ({"email": EMAIL}, {"email": EMAIL + "d"}),
    *(({name: 10**12}, {name: 10**12 + 1}) for name in ("email_quota", "sms_quota", "transactions_quota")),
    *(({name: "0" * 9 + "7" * 9}, {name: -1}) for name in ("email_quota", "sms_quota", "transactions_quota")),
]


@pytest.mark.parametrize(
    ("good", "bad"), WITHIN, ids=lambda each: f"{ascii(each)[:16]} {ascii(each)[-16:]} {len(ascii(each))}"
)
def test_a_property_is_taken_up_to_its_limit(ledger: Table, good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert ask("PUT", "/1", good).status == 200
    ((name, _),) = bad.items()
    status, message = ask("PUT", "/1", bad).error
    assert (status, message.partition(":")[0]) == (400, name)


def test_a_body_has_65536_characters_at_most(ledger: Table) -> None:
    for size, status in ((65_536, 200), (65_537, 400)):
        body = json.dumps({"name": "New"}).ljust(size).encode()
        assert read(send("PUT", "/1", data=body, content_type="application/json")).status == status
    for size, status in ((65_536 // 4 * 3, 200), (65_536 // 4 * 3 + 1, 400)):
        body = json.dumps({"name": "New"}).ljust(size).encode()
        assert read(send("PUT", "/1", data=body, content_type="x/y")).status == status, "as it arrives, in base64"


def test_a_query_has_50_fields_at_most(ledger: Table) -> None:
    for most, expected in ((50, 200), (51, 400)):
        assert ask("GET", "?count=1" + "&page=" * (most - 1)).status == expected


def test_a_form_has_50_fields_at_most(ledger: Table) -> None:
    for most, message in ((50, "x1: not a property to write"), (51, "the body is not a form")):
        fields = {f"x{number}": "1" for number in range(1, most + 1)}
        for body, content_type in ((urlencode(fields).encode(), "text/plain"), (form(fields), TYPE)):
            refused = read(send("PUT", "/1", data=body, content_type=content_type))
            assert (refused.status, refused.message[: len(message)]) == (400, message)


def test_a_key_has_1_to_255_characters(ledger: Table) -> None:
    assert [ask("DELETE", "/1", key=key).status for key in ("", "k", "k" * 255, "k" * 256)] == [400, 200, 200, 400]


def test_a_page_has_500_customers_and_lies_within_100000(ledger: Table) -> None:
    assert [ask("GET", f"?count={count}").status for count in (0, 1, 500, 501)] == [400, 200, 200, 400]
    assert [ask("GET", f"?count=500&page={page}").status for page in (200, 201)] == [200, 400]


@pytest.mark.parametrize("character", ["x", '"', "\N{PILE OF POO}", "\N{CYRILLIC SMALL LETTER ZHE}", "&"])
def test_the_longest_page_is_within_what_lambda_sends(character: str) -> None:
    texts = ("name", "email", "address", "state_provinces", "postal_code", "telephone", "website_url", "unique_id")
    item: Item = {"id": 10**12, "email_quota": 10**12, **dict.fromkeys(texts, character * 255)}
    page = formats.body(Page([item] * list_customers.LARGEST_PAGE, {}, 1, is_last=True), "https://host.example")
    for accept in ("application/json", "application/xml"):
        content_type, body = formats.write(page, accept)
        answer = gateway.response(HTTPStatus.OK, content_type, body)
        assert len(json.dumps(answer, ensure_ascii=False).encode()) < LARGEST_ANSWER_BYTES
    assert marshalling.size([item] * list_customers.LARGEST_PAGE) < LARGEST_ANSWER_BYTES


def test_a_path_without_its_variable_is_nobodys(ledger: Table) -> None:
    """So a real gateway may hand over `/api/2.0/customers/`."""
    event = {"headers": {"authorization": ADMIN}, "requestContext": {}, "rawQueryString": ""}
    assert get_customer.lambda_handler(event, Context("GetCustomer"))["statusCode"] == 404


def test_ten_problems_are_told_and_forty_characters_of_a_name(ledger: Table) -> None:
    for number, told in ((10, 10), (11, 10)):
        message = ask("PUT", "/1", {f"x{each}": 1 for each in range(number)}).message
        assert message.count("not a property to write") == told
    for length in (40, 41):
        assert ask("PUT", "/1", {"x" * length: 1}).message == "x" * 40 + ": not a property to write"


def test_credentials_are_read_to_their_end(ledger: Table) -> None:
    assert ask("GET", auth=ADMIN).status == 200
    assert ask("GET", auth=basic("admin:" + "x" * 5_000)).status == 401
