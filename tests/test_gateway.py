"""API Gateway's event, read as what it is, and every part of it that cannot be taken apart refused."""

import json
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gateway
from api import change_balance
from everlytic import topup_customer
from gateway import Fields, Unreadable
from ledger.claims import LONGEST_KEY
from mailpartner import add_credit
from ozeki import ozeki_api
from tests.local.gateway import Context
from tests.multipart import TYPE, multipart, part
from tests.template import ROOT

MOST = 5


# -------------------------------------------------------------------------------------------------- what may be missing


@pytest.mark.parametrize(
    "nothing", [{}, {"headers": None, "pathParameters": None, "rawQueryString": None, "body": None}]
)
def test_a_part_that_is_null_or_absent_is_empty(nothing: dict[str, Any]) -> None:
    assert gateway.headers(nothing) == {}
    assert gateway.path(nothing) == {}
    assert gateway.query(nothing, MOST) == []
    assert gateway.body(nothing, 0) == b""
    assert (gateway.request_id(nothing), gateway.domain_name({"requestContext": None})) == ("", "")


# -------------------------------------------------------------------------------------------------------------- headers


def test_headers_are_found_in_whatever_case_and_none_hides_another() -> None:
    found = gateway.headers({"headers": {"Idempotency-Key": "a", "ACCEPT": "*/*", "idempotency-key": "b"}})
    assert found == {"idempotency-key": "a,b", "accept": "*/*"}
    assert gateway.idempotency_key(found) == "a,b"
    assert gateway.idempotency_key({}) is None


def test_a_key_has_so_many_characters() -> None:
    sizes = (0, 1, LONGEST_KEY, LONGEST_KEY + 1)
    assert [gateway.is_key("\N{SNOWMAN}" * size) for size in sizes] == [False, True, True, False]
    assert LONGEST_KEY == 255


# ------------------------------------------------------------------------------------------------------ query and forms


def test_a_query_keeps_its_order_its_blanks_and_what_is_given_twice() -> None:
    event = {"rawQueryString": "b=1+2&a=%2B&b=&c"}
    assert gateway.query(event, 4) == [("b", "1 2"), ("a", "+"), ("b", ""), ("c", "")]
    with pytest.raises(Unreadable):
        gateway.query(event, 3)


def test_what_is_not_utf_8_is_refused_or_nobodys_name() -> None:
    event = {"rawQueryString": "a=%ff"}
    assert gateway.query(event, MOST, "replace") == [("a", "\ufffd")]
    with pytest.raises(Unreadable):
        gateway.query(event, MOST)
    assert gateway.read_fields(b"a=\xff&b=%ff", "", MOST, "replace") == [("a", "\ufffd"), ("b", "\ufffd")]
    assert gateway.read_fields(b"b=%ff", "", MOST) == [("b", "\ufffd")]
    with pytest.raises(Unreadable):
        gateway.read_fields(b"a=\xff", "", MOST)


def test_half_a_surrogate_pair_is_no_text() -> None:
    for undecodable in ("strict", "replace"):
        with pytest.raises(Unreadable):
            gateway.query({"rawQueryString": "a=\ud800"}, MOST, undecodable)
    with pytest.raises(Unreadable):
        gateway.body({"body": "\ud800"}, 9)


def test_a_form_may_end_in_a_line_break_and_begin_with_a_byte_order_mark() -> None:
    assert gateway.read_fields(b"\xef\xbb\xbfa=1&b=2\r\n", "text/plain", 2) == [("a", "1"), ("b", "2")]
    with pytest.raises(Unreadable):
        gateway.read_fields(b"a=1&b=2", "text/plain", 1)


def test_a_name_given_twice_is_refused() -> None:
    assert gateway.once_each([("a", 1), ("b", 1)]) == {"a": 1, "b": 1}
    with pytest.raises(Unreadable):
        gateway.once_each([("a", 1), ("a", 1)])


# ------------------------------------------------------------------------------------------------------------ multipart


@pytest.mark.parametrize(
    "content_type",
    [
        TYPE,
        "Multipart/Form-Data;boundary=x",
        'multipart/form-data; charset=utf-8; boundary="x"',
        " multipart/form-data ; boundary=x ",
    ],
)
def test_parts_are_fields_in_their_order(content_type: str) -> None:
    content = multipart(
        part("a", "größe".encode()),
        part("p[b]", b"1\r\n2\r\n"),
        part("a", b""),
        part("c", b"Z3I=", "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64"),
    )
    fields: Fields = [("a", "größe"), ("p[b]", "1\r\n2\r\n"), ("a", ""), ("c", "gr")]
    assert gateway.read_fields(content, content_type, 4) == fields
    with pytest.raises(Unreadable):
        gateway.read_fields(content, content_type, 3)


WHOLE = multipart(part("a", b"1"))


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (multipart(part("a", b"1", '; filename="a.txt"')), TYPE),
        (multipart(part("a", b"1", '; filename=""')), TYPE),
        (multipart(("Content-Disposition: form-data", b"1")), TYPE),
        (multipart(('Content-Disposition: attachment; name="a"', b"1")), TYPE),
        (multipart(("X: y", b"1")), TYPE),
        (multipart(("Content-Disposition: form-data; name*=utf-8''a", b"1")), TYPE),
        (multipart(part("a", multipart(part("b", b"1"), boundary="y"), f"\r\nContent-Type: {TYPE[:-1]}y")), TYPE),
        (multipart(part("a", b"X: y\r\n\r\n1", "\r\nContent-Type: message/rfc822")), TYPE),
        (multipart(part("a", b"\xff")), TYPE),
        (WHOLE, "multipart/form-data"),
        (WHOLE, "multipart/form-data; boundary=y"),
        (WHOLE, "multipart/form-data; boundary=\n\n"),
        (WHOLE.replace(b"--x--", b""), TYPE),
        (WHOLE.replace(b"--x\r\n", b""), TYPE),
        (b"--x--\r\n", TYPE),
        (b"a=1", TYPE),
        (b"", TYPE),
    ],
    ids=[
        *(
            "file",
            "file without a name",
            "no name",
            "attachment",
            "no disposition",
            "encoded name",
            "nested",
            "message",
        ),
        *("no UTF-8", "no boundary", "another boundary", "broken type", "no end", "no beginning", "nothing", "form"),
        "empty",
    ],
)
def test_what_is_no_form_of_fields_is_refused(content: bytes, content_type: str) -> None:
    with pytest.raises(Unreadable):
        gateway.read_fields(content, content_type, MOST)


def test_parts_within_parts_are_refused_before_they_cost_much() -> None:
    def nested(inner: str) -> bytes:
        return "".join(f"--{n}\r\nContent-Type: {inner}; boundary={n + 1}\r\n\r\n" for n in range(1_000)).encode()

    for inner in ("multipart/mixed", "message/rfc822"):
        for most in (50, 10_000):
            with pytest.raises(Unreadable):
                gateway.read_fields(nested(inner), "multipart/form-data; boundary=0", most)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from([b"--x", b"--", b"\r\n", b"\n", b"a", b"\xff", b":", b"=", part("a", b"")[0].encode()]))
)
def test_any_bytes_are_fields_or_refused(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    try:
        fields = gateway.read_fields(content, TYPE, MOST)
    except Unreadable:
        return
    assert all(name == "a" for name, _ in fields)


# --------------------------------------------------------------------------------------------------------------- bodies


def test_a_body_is_the_bytes_that_were_sent_up_to_a_length_as_it_arrives() -> None:
    assert gateway.body({"body": "größe"}, 5) == "größe".encode()
    packed = b64encode(b"\xff\x00").decode()
    assert gateway.body({"body": packed, "isBase64Encoded": True}, len(packed)) == b"\xff\x00"
    for event in ({"body": "größe"}, {"body": packed + "=", "isBase64Encoded": True}):
        with pytest.raises(Unreadable, match="longer than 4 characters"):
            gateway.body(event, 4)


@pytest.mark.parametrize("body", ["%", "YWN0aW9", "not base64", "\N{SNOWMAN}"])
def test_what_is_no_base64_is_refused(body: str) -> None:
    with pytest.raises(Unreadable):
        gateway.body({"body": body, "isBase64Encoded": True}, 99)


def test_json_begins_with_a_bracket() -> None:
    for content in (b"{", b"[", b" \r\n{", b"\xef\xbb\xbf{", b"\xef\xbb\xbf\n["):
        assert gateway.is_json(content)
    for content in (b"", b" ", b"a={", b'"{', b"null", b"1", b"\xff{"):
        assert not gateway.is_json(content)


def test_a_form_has_values_and_no_quotes_around_it() -> None:
    for content in (
        b"a=",
        b"=",
        b"a&b=c",
        b" \r\na=1",
        b"\xef\xbb\xbfa=1",
        b"--x\r\nContent-Disposition: form-data; name=a",
    ):
        assert gateway.is_form(content)
    for content in (b"", b" ", b"a", b"not json", b"1", b"null", b'"a=1"', b'\xef\xbb\xbf "a=1"', b"\xff"):
        assert not gateway.is_form(content)


def test_json_is_read_with_the_numbers_a_dialect_wants() -> None:
    content = '\N{BYTE ORDER MARK} {"a": [1, 1.50, "größe \\u00e9"]}'.encode()
    assert gateway.read_json(content) == {"a": [1, 1.5, "größe é"]}
    assert gateway.read_json(content, integer=str, fraction=Decimal)["a"][:2] == ["1", Decimal("1.50")]
    assert gateway.read_json(b"[NaN, -Infinity]", constant=str) == ["NaN", "-Infinity"]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b" ", b"{", b"{}{}", b"\xff", b'{"a": "\xff"}', "[]".encode("utf-16")),
        *(b'{"a": 1, "a": 1}', b'[{"a": 1, "\\u0061": 1}]', b"[NaN]", b"[Infinity]", b"[-Infinity]"),
        *(b'["\\ud800"]', b'{"\\udfff": 1}', b'["\\udc00\\ud800"]', b"[" + b"9" * 5_000 + b"]"),
        *(b"[" * 100_000, b'{"a":' * 100_000),
    ],
    ids=lambda content: ascii(content)[:20],
)
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable):
        gateway.read_json(content)


def test_a_number_that_a_dialect_cannot_hold_is_refused() -> None:
    with pytest.raises(Unreadable):
        gateway.read_json(b"[1e99999999999999999999]", fraction=Decimal)


def test_a_dialect_may_want_to_say_itself_where_half_a_surrogate_pair_is() -> None:
    assert gateway.read_json(b'["\\ud800"]', lone_surrogates=True) == ["\ud800"]
    assert gateway.read_json(b'["\\ud83d\\ude00"]') == ["\N{GRINNING FACE}"]


# -------------------------------------------------------------------------------------------------------------- answers


COMMON = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def test_no_answer_is_kept_unless_it_says_so_or_taken_for_what_it_is_not() -> None:
    assert gateway.response(201, "text/plain", "x", {"Location": "/y"}) == {
        "statusCode": 201,
        "headers": COMMON | {"Content-Type": "text/plain", "Location": "/y"},
        "body": "x",
    }
    assert (
        gateway.response(200, "text/plain", "", {"Cache-Control": "max-age=1"})["headers"]["Cache-Control"]
        == "max-age=1"
    )
    assert gateway.no_content({"X": "y"}) == {"statusCode": 204, "headers": COMMON | {"X": "y"}}


JSON, XML, TEXT = OFFERED = ("application/json", "application/xml", "text/xml")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        *((accept, JSON) for accept in ("", "*/*", "*", JSON, "application/*", f"{JSON}, {XML}", f"{XML},{JSON}")),
        *((accept, XML) for accept in (XML, "Application/XML", f" {XML} ; charset=utf-8", f"{TEXT}, {XML}")),
        *((accept, TEXT) for accept in (TEXT, "text/*", f"text/html, {TEXT}", f"{TEXT};q=0.001")),
        # Weights, as the standard writes them and as clients do.
        (f"{JSON};q=0.5, {XML}", XML),
        (f"{XML};q=1.000,{JSON};q=0.999", XML),
        (f"{XML};q=0.5, {JSON};q=0.4, {TEXT};q=0.6", TEXT),
        (f"{XML};Q=.5, {JSON};q=.4", XML),
        (f"{XML}; q = 0.5, {JSON}; q = 0.4", XML),
        (f"{XML};level=1;q=0.5, {JSON};q=0.6", JSON),
        (f"{JSON};q=0.89999999, {XML};q=0.9", XML),
        (f"{JSON};q=0.9, {XML};q=x", XML),
        (f"{XML};q=1.5, {JSON}", JSON),
        # The more specific range weighs a type.
        (f"*/*;q=0.1, {XML};q=0.2", XML),
        (f"{JSON};q=0.1, */*;q=0.2", XML),
        (f"{JSON};q=0.1, application/*;q=0.2, */*", TEXT),
        (f"*/*, application/*;q=0.2, {XML};q=0.3", TEXT),
        ("application/*;q=0.2, text/*;q=0.3", TEXT),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", XML),
        # What is named is liked better than what is let in.
        (f"{XML}, */*", XML),
        (f"*/*, {TEXT}", TEXT),
        ("text/*, */*", TEXT),
        # No weight is no.
        (f"{JSON};q=0, */*", XML),
        (f"{JSON};q=0.000, application/*, */*;q=0.1", XML),
        ("application/*;q=0, */*;q=0.1", TEXT),
        (f"{XML};q=0", JSON),
        # Nothing acceptable.
        *(
            (accept, JSON)
            for accept in (
                "*/*;q=0",
                f"*/*;q=0, {XML};q=0",
                f"{JSON};q=0",
                "text/html",
                "xml",
                ",;,",
                "application/xml+x",
                "/",
            )
        ),
    ],
)
def test_the_caller_gets_the_type_it_likes_best(accept: str, expected: str) -> None:
    assert gateway.preferred(accept, OFFERED) == expected


def test_equally_liked_types_are_given_in_the_order_in_which_they_are_offered() -> None:
    for offered in (OFFERED, OFFERED[::-1]):
        assert {gateway.preferred(accept, offered) for accept in ("", "*/*", ", ".join(OFFERED))} == {offered[0]}


def test_a_replay_is_said_and_noted() -> None:
    log: dict[str, object] = {}
    assert (gateway.replay_headers(False, log), log) == ({}, {})
    assert (gateway.replay_headers(True, log), log) == ({"Idempotency-Replayed": "true"}, {"replayed": True})


def test_text_becomes_what_xml_can_carry() -> None:
    assert gateway.xml_text("a\t\n\r\x00\x1b\ud800\ufffe\uffffé\ufffd\U0001f600") == "a\t\n\r�����é�\U0001f600"
    assert gateway.xml_text("<&]]>") == "<&]]>"


# -------------------------------------------------------------------------------------------------- and in each dialect

KEYED: dict[str, Callable[[dict[str, Any], Any], dict[str, Any]]] = {
    "ozeki_api": ozeki_api.lambda_handler,
    "topup_customer": topup_customer.lambda_handler,
    "add_credit": add_credit.lambda_handler,
    "change_balance": change_balance.lambda_handler,
}


@pytest.mark.parametrize("name", KEYED)
@pytest.mark.usefixtures("ledger")
def test_every_dialect_finds_a_key_in_whatever_case(name: str) -> None:
    event = json.loads((ROOT / "events" / f"{name}.json").read_text())
    others = {each.title(): value for each, value in event["headers"].items() if each != "idempotency-key"}
    answers = [
        KEYED[name](event | {"headers": {**others, key: "k"}}, Context(name))
        for key in ("idempotency-key", "Idempotency-Key", "IDEMPOTENCY-KEY")
    ]
    assert ["Idempotency-Replayed" in answer["headers"] for answer in answers] == [False, True, True]
    assert len({answer["body"] for answer in answers}) == 1


@pytest.mark.parametrize("name", KEYED)
@pytest.mark.usefixtures("unchanged")
def test_every_dialect_answers_an_event_of_which_nothing_is_there(name: str) -> None:
    for nothing in ({}, {"headers": None, "pathParameters": None, "rawQueryString": None, "body": None}):
        answer = KEYED[name](nothing, Context(name))
        assert answer["statusCode"] in (200, 401)
        assert "error" in answer["body"] or '"code": 1' in answer["body"] or "unauthenticated" in answer["body"]


@pytest.mark.parametrize("mark", ["%EF%BB%BF", "%ef%bb%bf", "\ufeff"])
def test_a_byte_order_mark_before_a_form_or_a_query_is_not_seen(mark: str) -> None:
    text = f"{mark}a=1&%EF%BB%BFb=2"
    fields = [("a", "1"), ("\ufeffb", "2")]
    assert gateway.query({"rawQueryString": text}, 2) == fields
    assert gateway.read_fields(text.encode(), "application/x-www-form-urlencoded", 2) == fields
