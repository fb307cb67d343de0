"""The OpenAPI document says what there is: the same routes as template.yaml, and examples that run."""

import json
from html.parser import HTMLParser
from types import ModuleType
from typing import Any

import pytest

from api import get_docs, get_openapi, openapi
from api.problems import REFUSALS
from ledger.table import Table
from tests.api.caller import ask, event
from tests.local.gateway import Context
from tests.local.routes import routes
from tests.template import FUNCTIONS, ROOT

MODULES = [module for modules in openapi.ENDPOINTS.values() for module in modules]


def name_of(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def document() -> dict[str, Any]:
    answer = get_openapi.lambda_handler({"requestContext": {"requestId": "x"}}, None)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "application/json")
    read: dict[str, Any] = json.loads(answer["body"])
    return read


def test_its_paths_are_the_templates_routes() -> None:
    described = {
        (method.upper(), path, operation["operationId"])
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }
    routed = {
        (route.method, route.path, route.handler.split(".")[1])
        for route in routes(FUNCTIONS)
        if route.handler.startswith("api.")
    }
    assert routed - described == {
        ("GET", "/ledger/openapi.json", "get_openapi"),
        ("GET", "/ledger/docs", "get_docs"),
        ("HEAD", "/ledger/openapi.json", "get_openapi"),
        ("HEAD", "/ledger/docs", "get_docs"),
        ("HEAD", "/ledger/accounts/{id}/balances/{unit}/statement", "get_statement"),
    }
    assert described <= routed


def test_every_reference_leads_somewhere() -> None:
    found = document()

    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            here = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return here.union(*map(references, node.values()))
        return set().union(*map(references, node)) if isinstance(node, list) else set()

    assert references(found) == {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_the_example_runs(ledger: Table, module: ModuleType) -> None:
    parameters = {("key_" if name == "key" else name): value for name, value in module.ENDPOINT.example.items()}
    body = parameters.pop("body", None)
    assert ask(module, body, key="order-7", **parameters).status == module.ENDPOINT.status


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_the_event_is_the_example(module: ModuleType) -> None:
    tried = json.loads((ROOT / "events" / f"{name_of(module)}.json").read_text())
    parameters = {("key_" if name == "key" else name): value for name, value in module.ENDPOINT.example.items()}
    body = parameters.pop("body", None)
    made = event(module, None if body is None else json.dumps(body), parameters=parameters)
    for part in ("rawPath", "rawQueryString", "pathParameters", "body"):
        assert tried.get(part) == made.get(part)


class Page(HTMLParser):
    """What a page links to and what it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        named = dict(attrs)
        self.ids.add(named.get("id") or "")
        self.links.add(named.get("href") or "")


def test_the_page_is_whole_and_loads_nothing() -> None:
    answer = get_docs.lambda_handler({"requestContext": {"requestId": "x"}}, Context("GetDocs"))
    page = Page()
    page.feed(answer["body"])
    assert {f"#{each}" for each in page.ids} >= {link for link in page.links if link.startswith("#")}
    assert {link for link in page.links if link and not link.startswith("#")} == {"openapi.json"}
    assert {refusal.code for refusal in REFUSALS.values()} <= page.ids
    assert {name_of(module) for module in MODULES} <= page.ids
    assert not page.tags & {"script", "img", "link", "iframe"}
    assert answer["headers"]["Content-Security-Policy"].startswith("default-src 'none'")
