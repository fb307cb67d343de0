"""Whatever way a request comes, it is read as what it is; whatever it says, the answer can be read."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.table import Table
from mailpartner import wire
from mailpartner.euros import Euros
from tests.local import demo
from tests.local.gateway import Context
from tests.mailpartner.books import balances
from tests.mailpartner.caller import HANDLERS, KEY, MOVE, Answer, event, moved, send
from tests.multipart import TYPE, form, multipart, part

FIELDS = {**MOVE, "credit": "100"}
JSON = json.dumps(FIELDS)
FORM = urlencode(FIELDS)

anything = settings(max_examples=40)

# ------------------------------------------------------------------------------------------------- where parameters are


@pytest.mark.parametrize(
    "made",
    [
        event(JSON.encode()),
        event(JSON, content_type="application/json"),
        event(JSON, content_type="text/plain"),
        event(f"\N{ZERO WIDTH NO-BREAK SPACE}\r\n {JSON}\n".encode()),
        event(JSON.replace('"100"', "100").encode()),
        event(JSON.replace("demo", "\\u0064emo").encode()),
        event(FORM.encode()),
        event(FORM.encode() + b"\r\n"),
        event(FORM, content_type="application/json"),
        event(FORM.replace("demo", "%64emo").encode()),
        event(form(FIELDS), content_type=TYPE),
        event(form({**FIELDS, "credit": "1"}), query="credit=100", content_type=TYPE),
        event(JSON.encode(), content_type=TYPE),
        event(query=FORM),
        event(query=FORM, body=b""),
        event(query=FORM, body=" "),
        event(query=FORM, body="{}"),
        event(query=f"apiKey={demo.API_KEY}", body=JSON.replace(demo.API_KEY, "another").encode()),
        event(query=f"apiKey={demo.API_KEY}&tokenSubaccount={demo.TOKEN}", body=b"credit=100"),
        event(query="credit=100&_format=json", body=JSON.replace("100", "1").encode()),
        event(json.dumps({**FIELDS, "parameters": {"a": [{}]}, "x": [1.5], "y": None}).encode()),
    ],
    ids=[
        *("PHP", "JSON", "JSON as text", "JSON with a byte order mark", "a number", "escaped"),
        *("form", "form with a line break", "form labelled JSON", "form with escapes"),
        *("multipart", "multipart and the query", "JSON labelled multipart"),
        *("query", "empty body", "blank body", "empty object", "key in the query", "half and half", "the query counts"),
        "what nobody asked for",
    ],
)
def test_parameters_are_found_wherever_they_are(shared_ledger: Table, made: dict[str, Any]) -> None:
    parent, child = balances(shared_ledger)
    assert send("AddCredit", made) == moved(str(Euros(parent - 100_000)), str(Euros(child + 100_000)))


@pytest.mark.parametrize(
    "made",
    [
        event(f"apiKey={demo.API_KEY}&type=simple&parameters[title]=Jane+D%C3%B6e&parameters[creditToAttribute]=0.5"),
        event(query=f"apiKey={demo.API_KEY}&type=simple&parameters%5BcreditToAttribute%5D=0.5&parameters[title]=Jane"),
        event(json.dumps({**KEY, "type": "simple", "parameters": {"creditToAttribute": 0.5}, "title": "x"})),
        event(form({**KEY, "type": "simple", "parameters[creditToAttribute]": "0.5"}), content_type=TYPE),
    ],
    ids=["form", "query", "JSON", "multipart"],
)
def test_an_object_of_parameters_can_be_said_in_every_way(shared_ledger: Table, made: dict[str, Any]) -> None:
    parent, _ = balances(shared_ledger)
    assert send("CreateSubaccount", made).code == 200
    assert balances(shared_ledger)[0] == parent - 500


@pytest.mark.parametrize(
    "body",
    [
        multipart(part("apiKey", demo.API_KEY), part("credit", "1", '; filename="credit.txt"')),
        multipart(part("credit", "1"), part("credit", "2")),
        multipart(part("apiKey", b"\xff")),
        FORM.encode(),
        form(FIELDS)[:-5],
    ],
    ids=["a file", "a name twice", "not UTF-8", "no parts", "cut short"],
)
@pytest.mark.usefixtures("shared_ledger")
def test_a_form_in_parts_that_is_none_is_refused(body: bytes) -> None:
    refused = Answer(90, message="La requête est illisible : body")
    assert send("AddCredit", event(body, content_type=TYPE)) == refused


@pytest.mark.parametrize("bytes_that_are_no_text", ["%ff", "%c3", "%ed%a0%80", "%00"])
@pytest.mark.usefixtures("shared_ledger")
def test_a_name_that_is_not_utf_8_is_nobodys(bytes_that_are_no_text: str) -> None:
    assert send("AddCredit", event(query=FORM.replace("demo-api-key", bytes_that_are_no_text))).code == 10
    assert send("AddCredit", event(FORM.replace("demo-subaccount", bytes_that_are_no_text).encode())).code == 7
    assert send("AddCredit", event(FORM.replace("100", bytes_that_are_no_text).encode())).code == 5


# ------------------------------------------------------------------------------------------------------------- anything

NAMES = ["apiKey", "credit", "tokenSubaccount", "token", "type", "parameters", "page", "_format", "x"]
WORDS = [demo.API_KEY, demo.TOKEN, "1", "0.5", "simple", "xml", "-1", "1e5", ""]
texts = st.sampled_from(WORDS) | st.text(max_size=5)
anything_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=9),
    max_leaves=20,
)


@anything
@given(body=anything_json, key=st.none() | st.sampled_from(["a key", "another"]))
@pytest.mark.parametrize("function", ["AddCredit", "CreateSubaccount"])
@pytest.mark.usefixtures("shared_ledger")
def test_any_json_is_answered(function: str, body: object, key: str | None) -> None:
    made = event(json.dumps(body).encode(), key=key)
    assert HANDLERS[function](made, Context(function))["statusCode"] in (200, 400, 409)


@settings(anything, max_examples=15)
@given(
    amount=st.integers(-2_000, 200_000),
    written=st.sampled_from(["{}", "{}0", "+{}", "{}e0"]),
    quotes=st.sampled_from(["", '"']),
)
def test_an_error_changes_nothing_and_an_answer_is_the_balances(
    shared_ledger: Table, amount: int, written: str, quotes: str
) -> None:
    before = balances(shared_ledger)
    credit = quotes + written.format(Euros(amount)) + quotes
    answer = send("AddCredit", event(JSON.replace('"100"', credit)))
    after = balances(shared_ledger)
    if answer.code == 200:
        assert before[0] - after[0] == after[1] - before[1] > 0
        assert answer == moved(str(Euros(after[0])), str(Euros(after[1])))
    else:
        assert after == before


@anything
@given(
    query=st.text(),
    body=st.none() | st.text() | st.binary(),
    content_type=st.text(),
    is_base64=st.booleans(),
)
@pytest.mark.parametrize("function", HANDLERS)
def test_any_request_at_all_is_answered(
    function: str, query: str, body: str | bytes | None, content_type: str, *, is_base64: bool
) -> None:
    made = event(body, query=query, content_type=content_type) | {"isBase64Encoded": is_base64}
    assert HANDLERS[function](made, Context(function))["statusCode"] in (200, 400)


@pytest.mark.usefixtures("shared_ledger")
def test_a_plus_is_a_space_in_a_form_and_a_percent_is_utf_8() -> None:
    assert send("AddCredit", event(FORM.replace("100", "+100").encode())).code == 5
    assert send("AddCredit", event(FORM.replace("100", "0.%30%301").encode())).code == 200
    assert send("AddCredit", event(FORM.replace("100", "").encode())) == Answer(2, message="Le crédit est requis")


# ------------------------------------------------------------------------------------------------ what is nobody's path


@pytest.mark.parametrize(
    ("made", "content_type"),
    [
        (event(), "application/json"),
        (event(b'{"_format": "json"}'), "application/json"),
        (event(b'{"_format": "xml"}'), "application/xml"),
        (event(query="_format=xml"), "application/xml"),
        (event("%") | {"isBase64Encoded": True}, "application/json"),
        (event() | {"headers": 7}, "application/json"),
    ],
    ids=["nothing", "JSON", "XML", "XML in the query", "unreadable", "no event at all"],
)
def test_a_request_that_no_endpoint_takes_is_refused_in_its_own_format(made: dict[str, Any], content_type: str) -> None:
    answer = wire.refuse(made, 404, 404, "Aucune méthode ici")
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (404, content_type)
    if content_type == "application/json":
        assert json.loads(answer["body"]) == {"success": False, "code": 404, "message": "Aucune méthode ici"}
    else:
        told = "<entry>false</entry><entry>404</entry><entry><![CDATA[Aucune méthode ici]]></entry>"
        assert f"<result>{told}</result>" in answer["body"]
