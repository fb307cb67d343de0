"""What is answered can be read, in JSON and in XML, and every amount is exact."""

import json
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.table import Table
from mailpartner.euros import Euros
from mailpartner.formats import Named, Value, to_json, to_xml
from tests.local.gateway import Context
from tests.mailpartner.caller import HANDLERS, KEY, MOVE, Number, event

FIELDS = {**MOVE, "credit": "100"}

anything = settings(max_examples=40)


def call_for_xml(function: str, body: object, query: str = "_format=xml") -> str:
    response = HANDLERS[function](event(json.dumps(body).encode(), query=query), Context(function))
    assert response["headers"]["Content-Type"] == "application/xml"
    text: str = response["body"]
    return text.removeprefix('<?xml version="1.0" encoding="UTF-8"?>')


def test_xml_has_the_same_values_in_the_same_order_without_their_names(ledger: Table) -> None:
    assert call_for_xml("AddCredit", FIELDS) == (
        "<result><entry>true</entry><entry>200</entry><entry>2669.2</entry><entry>261.8</entry>"
        "<entry><![CDATA[EUR]]></entry></result>"
    )
    assert call_for_xml("AddCredit", {"_format": "xml"}, query="") == (
        "<result><entry>false</entry><entry>1</entry><entry><![CDATA[La Clé API est requise]]></entry></result>"
    )
    assert call_for_xml("RemoveCredit", "not an object").startswith("<result><entry>false</entry><entry>90</entry>")


def test_the_user_of_me_keeps_its_names_in_xml_as_in_the_vendors_sample(ledger: Table) -> None:
    assert call_for_xml("GetMe", KEY) == (
        "<result><entry>true</entry><entry>200</entry><entry><username><![CDATA[admin]]></username>"
        "<firstname><![CDATA[]]></firstname><lastname><![CDATA[]]></lastname></entry>"
        "<entry><entry>0</entry><entry>0</entry><entry>0</entry><entry>0</entry>"
        "<entry><![CDATA[2769.200]]></entry><entry><![CDATA[EUR]]></entry><entry><![CDATA[2769.200]]></entry>"
        "<entry>0</entry></entry></result>"
    )


@pytest.mark.parametrize(
    ("text", "read_back"),
    [
        ("<b>&amp;'\"", None),
        ("a]]>b", None),
        ("]]>]]>]]", None),
        ("]]", None),
        ("a\0b\x1bc\uffffd", "a\ufffdb\ufffdc\ufffdd"),
        ("\N{SNOWMAN} \N{PILE OF POO}", None),
        ("", None),
    ],
)
def test_xml_carries_any_text(text: str, read_back: str | None) -> None:
    (entry,) = fromstring(to_xml({"x": text}))
    assert (entry.text or "") == (text if read_back is None else read_back)


values = st.recursive(
    st.text() | st.booleans() | st.integers() | st.integers(-(10**18), 10**18).map(Euros),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def plain(value: Value) -> Any:
    """Give a value as a JSON reader sees it, numbers as they are written."""
    match value:
        case dict():
            return {name: plain(each) for name, each in value.items()}
        case list():
            return [plain(each) for each in value]
        case bool() | str():
            return value
    return Number(str(value))


@settings(anything)
@given(values)
def test_json_is_what_it_says(value: Value) -> None:
    assert json.loads(to_json(value), parse_float=Number, parse_int=Number) == plain(value)


@settings(anything)
@given(values)
def test_xml_is_well_formed(value: Value) -> None:
    fromstring(to_xml(Named(data=value)))
