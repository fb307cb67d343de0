"""What an answer looks like: JSON, or the XML that the vendor's serialiser makes of the same data.

In XML the names of fields are lost, every value is an `<entry>` in its place, and text is CDATA (doc: the sample answer
of /me). Only an object keeps its names there; `Named` marks one.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias
from xml.dom.minidom import Document, Element

import gateway
from mailpartner.euros import Euros

Value: TypeAlias = "str | bool | int | Euros | Sequence[Value] | Mapping[str, Value]"


class Named(dict[str, Value]):
    """Fields whose names are kept in XML too."""


def to_json(value: Value) -> str:
    """Write JSON. The json module has no number with a fraction but the float, so amounts never reach it."""
    match value:
        case Euros():
            return str(value)
        case Mapping():
            return "{" + ", ".join(f"{_text(name)}: {to_json(each)}" for name, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(to_json, value)) + "]"
        case _:
            return _text(value)


def to_xml(value: Value) -> str:
    """Write XML."""
    document = Document()
    document.appendChild(_grown(document, "result", value))
    return document.toxml("UTF-8").decode()


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _grown(document: Document, tag: str, value: Value) -> Element:
    element = document.createElement(tag)
    match value:
        case Mapping():
            for name, each in value.items():
                element.appendChild(_grown(document, name if isinstance(value, Named) else "entry", each))
        case list():
            for each in value:
                element.appendChild(_grown(document, "entry", each))
        case str():
            # A section cannot contain what ends one, so the text is divided there.
            for part in re.split("(?<=]])(?=>)", gateway.xml_text(value)):
                element.appendChild(document.createCDATASection(part))
        case bool() | int() | Euros():
            element.appendChild(document.createTextNode(to_json(value)))
    return element
