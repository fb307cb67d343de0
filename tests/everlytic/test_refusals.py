"""Bad input of every kind gets its documented error, and changes nothing at all."""

import json

import pytest

from everlytic.update_customer import lambda_handler
from tests.everlytic.caller import ADMIN, RIVAL, USER, Answer, ask, basic, read, send
from tests.local import demo
from tests.local.gateway import Context

pytestmark = pytest.mark.usefixtures("unchanged")

GLOBEX = {"name": "Globex", "email": "info@globex.example"}
UNREADABLE = (400, "the body is not JSON in which each property is given once")


def put(body: str | bytes, content_type: str = "application/json") -> Answer:
    """Send a body as it is."""
    return read(send("PUT", "/1", data=body, content_type=content_type))


# ------------------------------------------------------------------------------------------------------------ who asks


STRANGERS = (
    None,
    "",
    "Basic",
    "Basic ",
    "Basic !!!",
    "Basic YWRtaW4",
    f"Bearer {demo.API_KEY}",
    f"Digest username=admin, response={demo.API_KEY}",
    basic("admin"),
    basic("admin:"),
    basic(f":{demo.API_KEY}"),
    basic(f"admin:{demo.API_KEY} "),
    basic(f"admin:{demo.API_KEY.upper()}"),
    basic(f"john:{demo.API_KEY}"),
    basic(f"admin:x:{demo.API_KEY}"),
    basic(f"{demo.API_KEY}:admin"),
    basic("admin:pass:with:colons"),
    basic("admin:abc123"),
    basic(b"admin:\xff\xfe"),
    basic("admin:" + "x" * 5_000),
    basic("\0:\0"),
)


def test_whoever_is_not_recognised_is_refused_alike() -> None:
    for auth in STRANGERS:
        response = send("PUT", "/nobody", auth=auth, data=b"[", content_type="application/json")
        assert read(response).error == (401, "wrong username or API key"), auth
        assert response.headers["WWW-Authenticate"].startswith('Basic realm="')


def test_every_endpoint_asks_who_calls() -> None:
    for method, path in (("GET", ""), ("POST", ""), ("PUT", "/nobody"), ("DELETE", "/1"), ("POST", "/topup/1/2")):
        assert ask(method, path, auth=None).error == (401, "wrong username or API key")


def test_the_scheme_may_be_written_in_any_case() -> None:
    assert ask("GET", "/1", auth=basic(f"admin:{demo.API_KEY}").replace("Basic", "BASIC ")).status == 200


def test_only_an_operator_may_do_anything() -> None:
    for method, path in (
        ("GET", ""),
        ("POST", ""),
        ("GET", "/1"),
        ("PUT", "/9"),
        ("DELETE", "/1"),
        ("PUT", "/topup/1/2"),
    ):
        assert ask(method, path, auth=USER).error == (403, "only an operator may do this")


# --------------------------------------------------------------------------------------------------- what is not there


@pytest.mark.parametrize(
    "customer",
    ["9", "0", "-1", "+1", "1.0", "1e0", "x", "%20", "1%20", "%00", "1%00", "\u0661", "9" * 12, "9" * 13, "9" * 5_000,
     "100", "1%2F", "..", "%ED%A0%80", "True"],
    ids=lambda each: ascii(each)[:20],
)  # fmt: skip
def test_a_customer_that_does_not_exist_is_not_found(customer: str) -> None:
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", "")):
        answer = ask(method, f"/{customer}{path}", data=b"[", content_type="application/json")
        assert answer.error == (404, "no such customer")
    assert ask("PUT", f"/topup/{customer}/2").error == (404, "no such customer")


def test_another_operators_customer_is_not_found_either() -> None:
    for method, path in (("GET", "/1"), ("PUT", "/1"), ("DELETE", "/1"), ("POST", "/topup/1/2")):
        assert ask(method, path, auth=RIVAL).error == (404, "no such customer")


@pytest.mark.parametrize(
    "identifier",
    [
        "3",
        "02",
        "STARTER",
        "starter%20",
        "%C3%A4",
        "x" * 16,
        "x" * 17,
        "x" * 2_000,
        "%00",
        "2%00",
        "a%2Fb",
        "%ED%A0%80",
    ],
    ids=lambda each: each[:20],
)
def test_an_unknown_package_is_not_found(identifier: str) -> None:
    assert ask("PUT", f"/topup/1/{identifier}").error == (404, "no such package")


# ------------------------------------------------------------------------------------------------------------ the body


NO_TEXT_IN_UTF_8 = "name: not text in UTF-8 without control characters"
NEITHER = "the body is neither JSON nor a form"
NO_FORM = "the body is not a form in which each property is given once"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        *((body, UNREADABLE[1]) for body in (b"{", b"{}{}", b"{'name': 'x'}", b'{"name": "x",}', b"[" * 40_000)),
        *((body, UNREADABLE[1]) for body in (b'{"name": "x", "name": "x"}', b'{"name": "x", "n\\u0061me": "y"}')),
        *((body, UNREADABLE[1]) for body in (b'{"a":' * 8_000, b'{"email_quota": 01}')),
        (b'{"email_quota": ' + b"9" * 5_000 + b"}", UNREADABLE[1]),
        (b'{"email_quota": 1e99999999999999999999}', UNREADABLE[1]),
        *((body, NEITHER) for body in (b"name", b"not json", b'"name"', b'"name=x"', b"1", b"-1.5", b"true", b"null")),
        *((body, NEITHER) for body in (b"NaN", b"-Infinity", b"\x00", b"\xff", b"name&email")),
        *((body, NO_FORM) for body in (b"name=x&name=x", b"name=x&n%61me=y", b"a[b]=1&a[b]=1")),
        *((body, NO_FORM) for body in (b"name=\xff", "name=größe".encode("latin-1"), b"&".join([b"a="] * 51))),
        (b"<customer name='x'/>", "<customer name: not a property to write"),
        (b"name=x%FF", NO_TEXT_IN_UTF_8),
        (b"name[]=x", "name[]: not a property to write"),
        (b"name=x&name[a]=y", "name[a]: not a property to write"),
        (b"name[a][b]=x", "name[a][b]: not a property to write"),
        (b"properties[name]=x", "properties[name]: not a property to write"),
        ('{"name": "größe"}'.encode("latin-1"), UNREADABLE[1]),
        ('{"name": "größe"}'.encode("utf-16"), NEITHER),
    ],
    ids=lambda body: ascii(body)[:30],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_what_cannot_be_read_is_refused(body: bytes, message: str, content_type: str) -> None:
    status, told = put(body, content_type).error
    # JSON is text for API Gateway: bytes that are none arrive as U+FFFD.
    assert (status, told) == (400, message) or told == NO_TEXT_IN_UTF_8


@pytest.mark.parametrize("body", ["", " ", "\r\n", "\N{BYTE ORDER MARK}"])
def test_a_request_with_no_property_anywhere_is_refused(body: str) -> None:
    assert put(body).error in ((400, "neither the body nor the query has a property in it"), (400, NEITHER))


@pytest.mark.parametrize("body", ["[{}]", "[1]", '["name"]', '[["name", "x"]]'])
def test_what_is_no_object_is_refused(body: str) -> None:
    assert put(body).error == (400, "the properties must be an object")
    assert read(send("PUT", "/1?name=x", data=body)).error == (400, "the properties must be an object")


@pytest.mark.parametrize("body", [b'{"name": "x", "email": "a@b.de"}', b"name=x&email=a@b.de"])
def test_a_property_in_the_body_and_in_the_query_is_refused_though_it_is_the_same(body: bytes) -> None:
    for query in ("?name=x", "?name=", "?telephone=1&n%61me=x"):
        assert read(send("PUT", f"/1{query}", data=body)).error == (400, "name: given in the body and in the query")
    assert read(send("PUT", "/1?name=x&name=x")).error == (400, "the query is not readable")


def test_a_long_body_is_refused_unread() -> None:
    for size in (64 * 1024 + 1, 1_000_000):
        for content_type in ("application/json", "text/plain", "application/octet-stream"):
            refused = put(b'{"name": "' + b"x" * size + b'"}', content_type)
            assert refused.error == (400, "the body is longer than 65536 characters")
    assert put('{"name":' + " " * 65_000 + '"x", "no": 1}').error == (400, "no: not a property to write")


def test_a_body_that_is_no_base64_is_refused() -> None:
    event = {
        "headers": {"authorization": ADMIN, "host": "x"},
        "pathParameters": {"id": "1"},
        "rawQueryString": "",
        "body": "%",
        "isBase64Encoded": True,
        "requestContext": {"requestId": "a request"},
    }
    refused = lambda_handler(event, Context("UpdateCustomer"))
    assert (refused["statusCode"], json.loads(refused["body"])) == (
        400,
        {"error": {"message": "the body is not readable"}},
    )


# ------------------------------------------------------------------------------------------------------- the properties

TEXTS = (
    "name",
    "email",
    "address",
    "state_provinces",
    "postal_code",
    "telephone",
    "website_url",
    "country",
    "unique_id",
)
INTEGERS = ("email_quota", "sms_quota", "transactions_quota", "email_package_id", "transactions_package_id")
NO_TEXT: list[object] = [
    *(True, 1.5, ["x"], {"x": 1}, [None], {"": None}),
    *("\0", "x\0", "\x1b[2J", "\x7f\0", "\ud800", "\ud83d", "\ufffe", "\ufffd", "x" * 256),
]
NO_INTEGER: list[object] = [
    *(True, False, [1], [0], {"0": 0}, 1.5, -0.5, -1.0, 1e300),
    *("x", "1.0", "1e3", "0x1", "1_0", " 1", "1 ", "1\n", "--1", "+", "\0"),
    *("\u0661", "\uff11", "\u00b2"),
    *(-1, "-1", 10**12 + 1, str(10**12 + 1), 10**40, -(10**40), "9" * 17),
]


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_no_text_is_refused_and_named(name: str) -> None:
    for value in NO_TEXT:
        status, message = ask("PUT", "/1", {name: value}).error
        assert (status, message.startswith(f"{name}: ")) == (400, True), (value, message)


@pytest.mark.parametrize("name", INTEGERS)
def test_what_is_no_integer_is_refused_and_named(name: str) -> None:
    for value in NO_INTEGER:
        status, message = ask("PUT", "/1", {name: value}).error
        assert (status, message.startswith(f"{name}: ")) == (400, True), (value, message)
    if name.endswith("quota"):
        assert ask("PUT", "/1", {name: ""}).status == 400


def test_numbers_that_json_has_not_are_refused() -> None:
    for number in (
        "NaN",
        "Infinity",
        "-Infinity",
        "1E400",
        "1e-1",
        "0e400",
        "0.1",
        "1." + "0" * 400 + "1",
        "1" + "0" * 400,
    ):
        assert put(f'{{"email_quota": {number}}}').message.startswith("email_quota: "), number


OUTSIDE: dict[str, list[object]] = {
    "name": ["", " ", "\n"],
    "email": [
        *("", "x", "@", "a@b", "a@.b", "a@b.", "a@b..de", "a@-b.de", "a@b@c.de"),
        *("a b@c.de", "a@b c.de", "<a@b.de>", "a@b.de,", 'a"b@c.de', "a@b.de\nBcc: x@y.de"),
        *("x" * 65 + "@b.de", "a@" + "x" * 64 + ".de", f"a@{'x' * 62}.{'y' * 62}.{'z' * 62}.{'x' * 62}.de"),
    ],
    "status": ["ON", "On", "active", "yes", " on", 1, True, ["on"]],
    "deleted": ["YES", "true", "deleted", True, 1],
    "country": ["X", "XX", "ZAF", "South Africa", "Z A", "zz", "U\u212a"],
    "industry": ["personal use", "Retail", "Hospitality", "Industry", " Retail & Wholesale", 1],
    "website_url": [
        *("acme.example", "//acme.example", "http://", "https:///x", "http://[", "http://[::1"),
        *("http://a b", "http://x\ty", "ftp://acme.example", "mailto:a@b.de", "javascript:alert(1)"),
    ],
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_values_outside_the_documented_ones_are_refused_and_named(name: str) -> None:
    for value in OUTSIDE[name]:
        status, message = ask("PUT", "/1", {name: value}).error
        assert (status, message.startswith(f"{name}: ")) == (400, True), (value, message)


@pytest.mark.parametrize("name", ["Name", "ID", "quota", "email_quota ", "", "__class__", "x" * 1_000, "links", "item"])
def test_an_unknown_property_is_refused_and_named(name: str) -> None:
    refused = ask("PUT", "/1", {name: 1, "email_quota": 5})
    assert refused.error == (400, f"{name[:40]}: not a property to write")


def test_an_unknown_name_of_any_characters_is_refused() -> None:
    for name in ("\0", "\ud800", "<x>&", "\x1b[2J", "ö\u2028"):
        for accept in ("application/json", "application/xml"):
            assert ask("PUT", "/1", {name: 1}, headers={"Accept": accept}).status == 400
    assert ask("PUT", "/1", {f"x{number}": 1 for number in range(2_000)}).message.count(";") == 9


def test_an_id_is_read_only() -> None:
    for number in (2, "2", 0, -1, "01x"):
        status, message = ask("PUT", "/1", {"id": number, "name": "New"}).error
        assert (status, message[:4]) == (400, "id: ")
    assert ask("POST", "", GLOBEX | {"id": 7}).error == (400, "id: not a property to write")


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({}, "name: Field required; email: Field required"),
        ({"name": "Globex"}, "email: Field required"),
        ({"email": "a@b.de"}, "name: Field required"),
        (GLOBEX | {"name": ""}, "name: required, so not empty"),
        (GLOBEX | {"status": "deleted"}, "status, deleted: a customer is not created deleted"),
        (GLOBEX | {"deleted": "yes"}, "status, deleted: a customer is not created deleted"),
        (GLOBEX | {"email_package_id": 3}, "email_package_id: no such package"),
        (GLOBEX | {"transactions_package_id": "10"}, "transactions_package_id: no such package"),
    ],
    ids=str,
)
def test_what_a_new_customer_must_and_must_not_have(sent: dict[str, object], message: str) -> None:
    assert ask("POST", "", sent).error == (400, message)


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    refused = (400, "Idempotency-Key: 1 to 255 characters")
    assert ask("POST", "", GLOBEX, key=key).error == refused
    assert ask("PUT", "/1", {"name": "New"}, key=key).error == refused
    assert ask("DELETE", "/1", key=key).error == refused
    assert ask("PUT", "/topup/1/2", key=key).error == refused


def test_there_is_nothing_anywhere_else() -> None:
    for method, path in (
        ("PATCH", "/1"),
        ("POST", "/1"),
        ("DELETE", ""),
        ("GET", "/topup/1/2"),
        ("PUT", "/topup/1"),
        ("GET", "/"),
    ):
        assert send(method, path).status_code == 404
