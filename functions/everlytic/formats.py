"""How Everlytic's answers are written: a customer or a page of them with their links, as JSON or as XML.

XML repeats JSON's names under <response>, a link being a <link>; Accept chooses between the two.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import gateway

_HOME = "/api/2.0"
_CUSTOMERS = "/api/2.0/customers"
_OFFERED = ("application/json", "application/xml", "text/xml")
_PORTS = {"http": "80", "https": "443"}
_PORT = re.compile("[0-9]{1,5}")

Item = dict[str, "str | int"]


@dataclass(frozen=True, slots=True)
class Customer:
    """What most endpoints answer: one customer."""

    item: Item
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the customers. `query` is what was asked for, by which the neighbouring pages are linked."""

    items: Sequence[Item]
    query: Mapping[str, str | int]
    number: int
    is_last: bool
    replayed: bool = False


def base_url(headers: Mapping[str, str], domain_name: str) -> str:
    """Name the host as API Gateway knows it, which is what no caller writes; so are these two headers its own."""
    scheme = "http" if headers.get("x-forwarded-proto") == "http" else "https"
    port = headers.get("x-forwarded-port", "")
    is_usual = port == _PORTS[scheme] or not _PORT.fullmatch(port)
    return f"{scheme}://{domain_name}{'' if is_usual else f':{port}'}"


def body(answered: Customer | Page, base: str) -> dict[str, Any]:
    """Put an answer into the shape that both formats have, linked to its neighbours."""
    home, collection = base + _HOME, base + _CUSTOMERS
    if isinstance(answered, Customer):
        links = {"self": f"{collection}/{answered.item['id']}", "home": home, "collection": collection}
        return {"links": _links(links), "item": answered.item}

    def page(number: int) -> str:
        return f"{collection}?{urlencode({**answered.query, 'page': number})}"

    links = {"self": page(answered.number), "home": home}
    if not answered.is_last:
        links["next"] = page(answered.number + 1)
    if answered.number > 1:
        links["prev"] = page(answered.number - 1)
    return {"links": _links(links), "collection": [{"data": item} for item in answered.items]}


def write(content: Mapping[str, Any], accept: str) -> tuple[str, str]:
    """Write a body as what an Accept header asks for, and name that type."""
    content_type = gateway.preferred(accept, _OFFERED)
    return content_type, json.dumps(content, ensure_ascii=False) if content_type == _OFFERED[0] else _to_xml(content)


def _links(links: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"rel": rel, "href": href} for rel, href in links.items()]


def _to_xml(body: Mapping[str, Any]) -> str:
    response = ElementTree.Element("response")
    _grow(response, body)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(response, encoding="unicode")


def _grow(element: ElementTree.Element, content: Any) -> None:
    match content:
        case dict():
            for name, value in content.items():
                _grow(ElementTree.SubElement(element, name), value)
        case list() if element.tag == "links":
            for link in content:
                _grow(ElementTree.SubElement(element, "link"), link)
        case list():
            for each in content:
                _grow(element, each)
        case _:
            element.text = str(content)
