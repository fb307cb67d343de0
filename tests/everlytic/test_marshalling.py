"""What is sent to the XML-RPC interface that is no call, or not one that a customer could be meant by."""

import random
from contextlib import suppress
from typing import Any
from xmlrpc import client
from xmlrpc.client import Binary, DateTime, Fault, dumps

import pytest

from everlytic import marshalling
from everlytic.wire import Refused
from tests.everlytic.test_xml_rpc import call, post, read

pytestmark = pytest.mark.usefixtures("unchanged")

NO_CALL = (400, "the body is not an XML-RPC call without a DTD")
CALL = dumps((1, {"name": "New"}), "UpdateCustomer")
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def with_value(value: str) -> str:
    """Write a call of GetCustomer with this in its one <value>."""
    return (
        f"<methodCall><methodName>GetCustomer</methodName><params><param><value>{value}</value></param></params>"
        "</methodCall>"
    )


@pytest.mark.parametrize(
    "body",
    [
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>{with_value("&l9;")}',
        f'<!DOCTYPE x [<!ENTITY e "{"x" * 50_000}">]>{with_value("&e;" * 100)}',
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{with_value("&e;")}',
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:9/">]>{with_value("&e;")}',
        f'<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1:9/x.dtd"> %e;]>{with_value("<int>1</int>")}',
        f'<!DOCTYPE x [<!NOTATION n SYSTEM "x"><!ENTITY e SYSTEM "x" NDATA n>]>{with_value("<int>1</int>")}',
        f'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">{with_value("<int>1</int>")}',
        f"<!DOCTYPE methodCall>{with_value('<int>1</int>')}",
    ],
    ids=["laughs", "blow-up", "file", "url", "parameter entity", "unparsed entity", "external DTD", "DTD"],
)
def test_a_dtd_is_refused_whatever_is_in_it(body: str) -> None:
    assert read(post(body)) == NO_CALL


VALUES = [
    *(f"<int>{digits}</int>" for digits in ("", "x", "1.0", "1_0", "\u0661", "0x1", "1e3", "9" * 20)),
    *(f"<double>{digits}</double>" for digits in ("", ".", "x", "1_0", "\u0661", "0x1", "NaN", "inf", "1e", "1e1000")),
    *("<double>" + "9" * 81 + "</double>", "<float>1,5</float>", "<bigdecimal>NaN</bigdecimal>", "<i16>1</i16>"),
    *(f"<{tag}>1.0</{tag}>" for tag in ("i1", "i2", "i4", "i8", "biginteger")),
    *("<boolean>2</boolean>", "<base64>\u00e9</base64>", "&undefined;", "&#0;", "&#xd800;", "\x1b"),
    "<struct><member><name>a</name></member></struct>",
    "<struct><member><value>1</value></member></struct>",
    "<struct>" + "<member><name>a</name><value>1</value></member>" * 2 + "</struct>",
    "<struct><member><value><array><data/></array></value><value>1</value></member></struct>",
]
BODIES = [
    *("", " ", "x", "{}", "\0", "&", "<", "<methodCall", "<methodCall/>", "<x/>", "<?xml version='1.0'?>"),
    '<?xml version="1.0" encoding="no-such"?><methodCall/>',
    with_value("1") + with_value("1"),
    with_value("1").replace("</methodName>", "</methodname>"),
    with_value("1").removesuffix("</methodCall>"),
    "<methodCall><params/></methodCall>",
    "<methodResponse><params/></methodResponse>",
    "<methodResponse><fault><value><int>1</int></value></fault></methodResponse>",
    dumps(Fault(1, "x")),
    *map(with_value, VALUES),
]


def test_what_is_no_call_is_a_fault() -> None:
    for body in BODIES:
        assert read(post(body)) in (NO_CALL, (400, "the body names no method")), body


def test_a_long_body_is_refused_unread() -> None:
    for size in (64 * 1024, 1_000_000):
        assert read(post(with_value("x" * size))) == (400, "the body is longer than 65536 characters")


def test_nested_garbage_is_a_fault() -> None:
    for depth in (10, 900):
        nested = "<value><array><data>" * depth + "</data></array></value>" * depth
        assert call("GetCustomer", 1, 2) == (400, "GetCustomer takes (id)")
        assert read(post(with_value(f"<array><data>{nested}</data></array>"))) == (404, "no such customer")
        assert read(post(CALL.replace("<string>New</string>", f"<array><data>{nested}</data></array>")))[0] == 400


def test_bytes_and_text_in_other_encodings_are_read_as_they_are() -> None:
    ascii_only = with_value("<int>1</int>")
    assert read(post(f'<?xml version="1.0" encoding="ISO-8859-1"?>{ascii_only}'))["name"] == "Acme"
    assert marshalling.read_call(f'<?xml version="1.0" encoding="UTF-16"?>{with_value("ö")}'.encode("utf-16")) == (
        "GetCustomer",
        ("ö",),
    )
    assert marshalling.read_call(f'<?xml version="1.0" encoding="ISO-8859-1"?>{with_value("ö")}') == (
        "GetCustomer",
        ("ö",),
    )
    assert read(post(dumps((1, {"name": "Größe"}), "UpdateCustomer").encode("latin-1"))) == (
        400,
        "name: not text in UTF-8 without control characters",
    )


def test_an_unknown_method_is_a_fault() -> None:
    for method in (
        "",
        "x",
        "customers.x",
        "getcustomer",
        "system.multicall2",
        "__class__",
        "customers",
        "GetCustomer ",
    ):
        assert call(method, 1)[0] in (400, 404)
    assert call("customers.Nothing") == (404, "no such method")
    assert call("system.methodSignature", "Nothing") == (404, "no such method")
    assert call("system.methodSignature", 7) == (404, "no such method")
    assert call("system.listMethods", 7) == (404, "no such method")


@pytest.mark.parametrize(
    ("method", "given", "text"),
    [
        ("GetCustomer", (), "GetCustomer takes (id)"),
        ("customers.Topup", (1,), "customers.Topup takes (id, package_identifier)"),
        ("UpdateCustomer", (1, {}, {}), "UpdateCustomer takes (id, properties)"),
        ("ListCustomers", (1, 2, "id", "ASC", "", 6), "ListCustomers takes (page, count, order, direction, filter)"),
        ("UpdateCustomer", (1, "x"), "the properties must be an object"),
        ("UpdateCustomer", (1, [1]), "the properties must be an object"),
        ("CreateCustomer", (7,), "the properties must be an object"),
    ],
)
def test_what_a_method_does_not_take_is_a_fault(method: str, given: tuple[object, ...], text: str) -> None:
    assert call(method, *given) == (400, text)


def test_values_of_wrong_types_are_refused_and_named() -> None:
    wrong: list[Any] = [True, 1.5, Binary(b"x"), DateTime("20261101T12:00:00"), [1], {"x": 1}, "x", "\ufffd"]
    for value in wrong:
        body = dumps((1, {"email_quota": value}), "UpdateCustomer", allow_none=True)
        code, text = read(post(body))
        assert (code, text.startswith("email_quota: ")) == (400, True), value
    for value in [*wrong[4:], True, Binary(b"1"), -1, 10**6]:
        assert call("GetCustomer", value) == (404, "no such customer")
        assert call("Topup", 1, value) == (404, "no such package")
    for value in [*wrong[4:], True, 0]:
        assert call("ListCustomers", value)[0] == 400
    assert call("ListCustomers", "", "", "", "", "") == call("ListCustomers")


def test_no_bytes_at_all_are_more_than_a_fault() -> None:
    """The parser and the marshaller do not say what they raise, so they are tried."""
    chance = random.Random(7)
    tags = [
        *("methodCall", "methodResponse", "methodName", "params", "param", "fault"),
        *("value", "struct", "member", "name", "array", "data", "x:struct"),
        *("int", "i8", "x:int", "double", "x:float", "boolean", "nil", "base64", "string", "dateTime.iso8601"),
    ]

    def grow(depth: int) -> str:
        if depth == 0 or chance.random() < 0.2:
            return chance.choice(["", "1", "x", "GetCustomer", "&#10;", "\u00e9", "2026"])
        inside = "".join(grow(depth - 1) for _ in range(chance.randrange(4)))
        tag = chance.choice(tags)
        return f"<{tag}>{inside}</{tag}>"

    for _ in range(1_500):
        body: str | bytes = f"<methodCall xmlns:x='x'>{grow(6)}{grow(4)}</methodCall>"
        if chance.random() < 0.2:
            body = bytes(chance.choice([byte, byte, byte, chance.randrange(256)]) for byte in str(body).encode())
        with suppress(Refused):
            marshalling.read_call(body)


def test_the_parsers_of_the_process_are_left_alone() -> None:
    assert client.FastParser is None
    assert "double" in client.Unmarshaller.dispatch
    assert client.loads(dumps((1.5, 2**31 - 1))) == ((1.5, 2**31 - 1), None)
