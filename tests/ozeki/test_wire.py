"""Whatever way a request comes, it is read as what it is; whatever it says, the answer can be read."""

from codecs import BOM_UTF8
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import counter
from ledger.table import Table
from ozeki import wire
from ozeki.wire import LONGEST_BODY, MOST_FIELDS
from tests.local import demo
from tests.multipart import TYPE, form, multipart, part
from tests.ozeki.caller import Answer, credit, event, read, send

QUERY = "action=addcredits&username=admin&password=abc123&useraccount=john&add=244"


def balances(table: Table) -> tuple[int, int]:
    return counter.read(table, demo.ADMIN, "sms").available, counter.read(table, demo.JOHN, "sms").available


# ------------------------------------------------------------------------------------------------- where parameters are


@pytest.mark.parametrize(
    "made",
    [
        event(QUERY),
        event(body=QUERY),
        event(body=QUERY.encode()),
        event(body=QUERY.encode() + b"\r\n"),
        event(body=QUERY.encode(), headers={"content-type": "application/json"}),
        event(body=QUERY, headers={"content-type": "text/plain"}),
        event(QUERY, body=""),
        event(QUERY, body=b""),
        event(QUERY, body='{"add": 7}'),
        event("action=addcredits&add=244", body=b"username=admin&password=abc123&useraccount=john"),
        event("add=244&useraccount=john", body=QUERY.replace("244", "1").replace("john", "admin").encode()),
        event("&&" + QUERY + "&=&x&add=1&useraccount=admin"),
        event(body=form(dict(parse_qsl(QUERY))), headers={"content-type": TYPE}),
        event("add=244", body=form(dict(parse_qsl(QUERY)) | {"add": "1"}), headers={"Content-Type": TYPE}),
        event(body=form(dict(parse_qsl(QUERY))), headers={"CONTENT-TYPE": TYPE.replace("form-data", "Form-Data")}),
        event(body=BOM_UTF8 + QUERY.encode()),
        event(body=b"%EF%BB%BF" + QUERY.encode()),
        event("%EF%BB%BF" + QUERY),
        event("%ef%bb%bf" + QUERY, body=b""),
    ],
    ids=[
        *("query", "body", "base64", "base64 with a line break", "labelled JSON", "labelled text"),
        *("empty body", "empty base64", "a body that is no form", "half and half", "the query wins", "the first wins"),
        *("multipart", "multipart and the query", "multipart, its header in capitals"),
        *("a byte order mark", "one that is escaped", "one in the query", "one in small letters"),
    ],
)
def test_parameters_are_found_wherever_they_are(ledger: Table, made: dict[str, Any]) -> None:
    assert send(made) == credit("john", 744)


@pytest.mark.parametrize("wrong", ["; filename=a.txt", "\r\nContent-Type: multipart/mixed; boundary=y"])
def test_a_file_in_a_form_is_not_ignored(ledger: Table, wrong: str) -> None:
    body = multipart(part("x", "1", wrong))
    refused = send(event(QUERY, body=body, headers={"content-type": TYPE}))
    assert refused == Answer("error", code=2, message="not a valid value: body")
    assert balances(ledger) == (0, 500)


def test_an_empty_parameter_in_the_query_hides_the_one_in_the_body(ledger: Table) -> None:
    assert send(event("add=", body=QUERY.encode())).message == "missing parameter: add"


def test_a_plus_is_a_space_and_a_percent_is_utf_8(ledger: Table) -> None:
    assert send(event(QUERY.replace("abc123", "%61%62c%3123"))) == credit("john", 744)
    assert send(event(QUERY.replace("244", "%2B1"))) == credit("john", 745)
    assert send(event(QUERY.replace("244", "+1"))).message == "not a valid value: add"
    assert send(event(QUERY.replace("john", quote("jöhn")))).code == 6


@pytest.mark.parametrize("bytes_that_are_no_text", ["%ff", "%c3", "%ed%a0%80", "%00"])
def test_a_name_that_is_not_utf_8_is_nobodys(ledger: Table, bytes_that_are_no_text: str) -> None:
    assert send(event(QUERY.replace("admin", bytes_that_are_no_text))).code == 4
    assert send(event(QUERY.replace("abc123", bytes_that_are_no_text))).code == 4
    assert send(event(QUERY.replace("john", bytes_that_are_no_text))).code == 6
    assert send(event(body=QUERY.encode().replace(b"john", b"\xff\xfe"))).code == 6


@pytest.mark.parametrize("body", ["%", "YWN0aW9", "not base64 at all", "\N{SNOWMAN}"])
def test_a_body_that_is_not_the_base64_it_claims_to_be_is_not_ignored(ledger: Table, body: str) -> None:
    broken = {"body": body, "isBase64Encoded": True}
    assert send(event() | broken) == Answer("error", code=3, message="unknown action")
    assert send(event(QUERY) | broken) == Answer("error", code=2, message="not a valid value: body")
    assert balances(ledger) == (0, 500)


def test_a_request_has_so_many_fields_and_no_more(ledger: Table) -> None:
    most = "&x" * (MOST_FIELDS - 5)
    assert send(event(QUERY + most)) == credit("john", 744)
    assert send(event(QUERY + most + "&x")).code == 3
    assert send(event(QUERY, body="&x" * MOST_FIELDS)) == Answer("error", code=2, message="not a valid value: body")
    assert send(event("x" + "&x" * MOST_FIELDS, body=QUERY)).message == "not a valid value: query"
    assert balances(ledger) == (0, 744)


def test_a_body_is_so_long_and_no_longer(ledger: Table) -> None:
    longest = QUERY + "&x=" + "x" * (LONGEST_BODY - len(QUERY) - 3)
    assert send(event(body=longest)) == credit("john", 744)
    assert send(event(body=longest + "x")).code == 3


# ------------------------------------------------------------------------------------------------------------- anything

anything = settings(
    max_examples=60,
    # One ledger for all examples is the point: each is judged by what it finds, and by what it leaves.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

GOOD = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["addcredits", "setcredits", "getcredits"]),
        "username": st.just("admin"),
        "password": st.just("abc123"),
        "useraccount": st.sampled_from(["john", "admin", ""]),
        "add": st.integers(-1_000, 1_000).map(str),
        "newbalance": st.integers(-1_000, 1_000).map(str),
    }
)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "action": st.text(),
    "username": st.sampled_from(["john", "nobody"]) | st.text(),
    "password": st.sampled_from(["john123", "ABC123"]) | st.text(),
    "useraccount": st.text(),
    "add": st.integers(-(10**16), 10**16).map(str) | st.text(),
    "newbalance": st.integers(-(10**16), 10**16).map(str) | st.text(),
    "responseformat": st.sampled_from(["xml", "urlencoded", "html"]),
}
Fields = list[tuple[str, str]]
FAULTS = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])), max_size=2
)


@anything
@given(
    faults=FAULTS,
    good=GOOD,
    form=FAULTS,
    key=st.none() | st.sampled_from(["a key", "another"]) | st.text(min_size=250, max_size=260),
)
def test_an_error_or_a_replay_changes_nothing_and_an_answer_is_the_balance(
    ledger: Table, faults: Fields, good: dict[str, str], form: Fields, key: str | None
) -> None:
    query = faults + list(good.items())
    asked = dict(reversed(query + form))
    before = balances(ledger)

    answer = send(event(urlencode(query), body=urlencode(form).encode(), key=key))

    if answer.code is not None:
        assert answer.code in {*range(1, 10), 11}
    if answer.code is not None or answer.replayed:
        assert balances(ledger) == before
        return
    after = dict(zip(("admin", "john"), before, strict=True))
    name = asked["useraccount"] or asked["username"]
    if asked["action"] == "addcredits":
        after[name] += int(asked["add"])
    elif asked["action"] == "setcredits" and asked["newbalance"]:
        after[name] = int(asked["newbalance"])
    assert balances(ledger) == tuple(after.values())
    assert (answer.username, answer.balance) == (name, after[name])


@anything
@given(
    query=st.text(),
    body=st.none() | st.text() | st.binary(),
    headers=st.dictionaries(st.text().map(str.lower), st.text(), max_size=3),
    is_base64=st.booleans(),
)
def test_any_request_at_all_is_answered(
    query: str, body: str | bytes | None, headers: dict[str, str], is_base64: bool
) -> None:
    made = event(query, body=body, headers=headers) | {"isBase64Encoded": is_base64}
    assert send(made) == Answer("error", code=3, message="unknown action")


# ------------------------------------------------------------------------------------------------ what is nobody's path


@pytest.mark.parametrize(
    "made",
    [
        event(),
        event("responseformat=urlencoded"),
        event(body="responseformat=urlencoded"),
        event() | {"body": "%", "isBase64Encoded": True},
        event() | {"headers": 7},
    ],
    ids=["nothing", "urlencoded", "urlencoded in the body", "unreadable", "no event at all"],
)
def test_a_request_that_no_function_takes_is_refused_in_its_own_format(made: dict[str, Any]) -> None:
    answer = wire.refuse(made, "no such path: /api is")
    assert read(answer) == Answer("error", code=3, message="no such path: /api is")
    is_urlencoded = "urlencoded" in made["rawQueryString"] + made.get("body", "")
    assert answer["headers"]["Content-Type"].endswith("urlencoded" if is_urlencoded else "xml")
