"""What the OpenAPI document and the page say, held against copies that were read line by line.

Everything in them is made of the models and tables that also judge requests, so they are where a lost `required`, a
limit off by one or a parameter gone astray shows. When one of these fails, the difference is what callers will see:
read it, then take it over into the copy.
"""

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api import get_docs, get_openapi
from tests.local.gateway import Context
from tests.template import ROOT

FOLDER = ROOT / "tests" / "api"
SECTIONS = ("reserve_credit", "get_statement", "NewChange", "NewHold", "Outcome", "Scope")
EVENT = {"requestContext": {"requestId": "x"}, "headers": {}, "rawQueryString": "", "isBase64Encoded": False}
LIMITS = {
    "minimum": ">= {}",
    "maximum": "<= {}",
    "minLength": "{} or more characters",
    "maxLength": "{} characters at most",
    "minItems": "{} or more",
    "maxItems": "{} at most",
    "maxProperties": "{} at most",
    "pattern": "like {}",
    "default": "default {}",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(get_openapi.lambda_handler(EVENT, Context("GetOpenapi"))["body"])
    return read


def as_reviewed(name: str, told: str) -> None:
    reviewed = (FOLDER / name).read_text()
    changed = list(difflib.unified_diff(reviewed.splitlines(), told.splitlines(), "reviewed", "told", lineterm="", n=1))
    assert not changed, "\n".join(changed)


def test_the_document_is_openapi(document: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_one_operation_is_told_as_reviewed_and_so_is_what_holds_for_all(document: dict[str, Any]) -> None:
    told = {name: part for name, part in document.items() if name not in ("paths", "components")}
    told["securitySchemes"] = document["components"]["securitySchemes"]
    told["reserve_credit"] = document["paths"]["/ledger/accounts/{id}/balances/{unit}/holds"]["post"]
    as_reviewed("reserve_credit.json", json.dumps(told, indent=2))


def test_every_operation_and_every_model_has_the_outline_that_was_reviewed(document: dict[str, Any]) -> None:
    as_reviewed("outline.txt", "\n".join([*operations(document), "", *models(document)]))


def test_the_page_says_it_as_reviewed() -> None:
    page = get_docs.lambda_handler(EVENT, Context("GetDocs"))["body"]
    page = re.sub("<style>.*</style>", "<style></style>", page, flags=re.DOTALL)
    head, *sections = re.split("(?=<h[23])", page)
    told = [head, *(each for each in sections if each.startswith(("<h2", *(f'<h3 id="{name}"' for name in SECTIONS))))]
    as_reviewed("docs.html", "".join(told))


def operations(document: dict[str, Any]) -> Iterator[str]:
    """Write each operation in a few lines; `!` marks what is required."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}"
            yield f"  {operation['operationId']}, {operation['summary']}, of {', '.join(operation['tags'])}"
            yield f"  {operation['description']}"
            for each in operation["parameters"]:
                need = "!" if each.get("required") else ""
                example = f", such as {each['example']}" if "example" in each else ""
                yield f"  {each['in']} {each['name']}{need}: {kind(each['schema'])}{example}"
            if body := operation.get("requestBody"):
                ((media, content),) = body["content"].items()
                need = "!" if body["required"] else ""
                yield f"  body{need}: {kind(content['schema'])} as {media}, such as {json.dumps(content['example'])}"
            for status, response in operation["responses"].items():
                if status.startswith("2"):
                    yield from success(status, response)


def success(status: str, response: dict[str, Any]) -> Iterator[str]:
    said = [f"{kind(each['schema'])} as {media}" for media, each in response.get("content", {}).items()]
    yield f"  {status}: {' or '.join([*said, *response.get('headers', {})]) or 'nothing'}"
    for name, link in response.get("links", {}).items():
        given = ", ".join(f"{parameter} = {value}" for parameter, value in link["parameters"].items())
        yield f"    then {name} {link['operationId']}: {given}"


def models(document: dict[str, Any]) -> Iterator[str]:
    """Write each model with its fields; `!` marks what is required or, in answers, always there."""
    for name, schema in document["components"]["schemas"].items():
        closed = ", and nothing else" if schema.get("additionalProperties") is False else ""
        yield f"{name}: {kind(schema)}{closed}"
        for field, each in schema.get("properties", {}).items():
            yield f"  {field}{'!' if field in schema.get('required', ()) else ''}: {kind(each)}"


def kind(schema: dict[str, Any]) -> str:
    """Say in words what a value may be."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix("#/components/schemas/")
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            by = schema.get("discriminator", {}).get("propertyName")
            return " | ".join(map(kind, schema[choice])) + (f" by {by}" if by else "")
    if "const" in schema:
        return json.dumps(schema["const"])
    words = [" ".join(filter(None, (schema.get("type", "any"), schema.get("format"))))]
    if "enum" in schema:
        words[0] = " | ".join(map(json.dumps, schema["enum"]))
    if schema.get("uniqueItems"):
        words[0] += " without repetition"
    if "items" in schema:
        words[0] += f" of ({kind(schema['items'])})"
    if isinstance(values := schema.get("additionalProperties"), dict):
        words[0] += f" of ({kind(schema.get('propertyNames', {}))}) to ({kind(values)})"
    words += [limit.format(schema[name]) for name, limit in LIMITS.items() if name in schema]
    return ", ".join(words)
