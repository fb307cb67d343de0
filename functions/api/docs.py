"""The API's description as a page for people: one file, no script, made of the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from api.pages import policy
from api.problems import REFUSALS

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733 }
h2 { margin-top: 2.5rem; border-bottom: 2px solid #1769aa } h3 { margin-top: 2rem } h3 code { font-size: 1rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .25rem .5rem }
tr { border-bottom: 1px solid #d8dee6 } pre { background: #f5f7fa; padding: .75rem; overflow-x: auto }
.method { color: #1769aa; font-weight: 700 }
"""
POLICY = policy(_STYLE)
"""The Content-Security-Policy under which the page is shown."""


def page(document: Mapping[str, Any]) -> str:
    """Write the page."""
    about = "".join(f"<p>{_text(part)}</p>\n" for part in document["info"]["description"].strip().split("\n\n"))
    schemas = document["components"]["schemas"]
    models = "".join(f'<h3 id="{name}">{name}</h3>\n{_model(schema)}' for name, schema in sorted(schemas.items()))
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Prepaid: the API</title><style>{_STYLE}</style></head>
<body>
<h1>Prepaid</h1>
{about}<p>Send <code>Authorization: Bearer &lt;API key&gt;</code>.</p>
<p>For programs: <a href="openapi.json">the same as OpenAPI 3.1</a>.</p>
{"".join(_tag(tag["name"], document) for tag in document["tags"])}
<h2>Errors</h2>
<table>
<tr><th>status</th><th>code</th><th></th></tr>
{"".join(_error(*refusal) for refusal in REFUSALS.values())}</table>
<h2>Schemas</h2>
{models}</body>
</html>
"""


def _tag(tag: str, document: Mapping[str, Any]) -> str:
    return f"<h2>{tag}</h2>\n" + "".join(
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag in operation["tags"]
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    rows = "".join(_parameter(each) for each in operation["parameters"])
    codes = ", ".join(_statuses(operation["responses"]))
    return f"""\
<h3 id="{operation["operationId"]}"><code><span class="method">{method.upper()}</span> {escape(path)}</code></h3>
<p>{_text(operation["description"])}</p>
<pre>{escape(_curl(method, path, operation))}</pre>
{f"<table>{rows}</table>" if rows else ""}
<p>{_shape(operation)}Answers {codes}.</p>
"""


def _parameter(parameter: Mapping[str, Any]) -> str:
    need = "required" if parameter.get("required") else "optional"
    schema = escape(_kind(parameter["schema"]))
    return f"<tr><td><code>{parameter['name']}</code></td><td>{parameter['in']}, {need}</td><td>{schema}</td></tr>\n"


def _shape(operation: Mapping[str, Any]) -> str:
    """Refer to the schemas of the body and of the answer."""
    parts = []
    if body := operation.get("requestBody"):
        parts.append(f"Body: {_link(body['content']['application/json']['schema'])}. ")
    for response in operation["responses"].values():
        if schema := response.get("content", {}).get("application/json"):
            parts.append(f"Answer: {_link(schema['schema'])}. ")
    return "".join(parts)


def _statuses(responses: Mapping[str, Any]) -> Iterator[str]:
    for status, response in responses.items():
        problem = response.get("content", {}).get("application/problem+json", {"examples": {}})
        codes = " or ".join(f'<a href="#{code}">{code}</a>' for code in problem["examples"])
        yield f"{status} {codes}".strip()


def _error(status: int, code: str, title: str) -> str:
    return f'<tr id="{code}"><td>{status}</td><td><code>{code}</code></td><td>{escape(title)}</td></tr>\n'


def _model(schema: Mapping[str, Any]) -> str:
    described = f"<p>{_text(schema.get('description', ''))}</p>\n"
    if "oneOf" in schema:
        return described + "<p>One of " + ", ".join(map(_link, schema["oneOf"])) + ".</p>\n"
    if "enum" in schema:
        return described + f"<p>{escape(_kind(schema))}</p>\n"
    rows = "".join(
        f"<tr><td><code>{name}</code>{'' if name in schema.get('required', ()) else ' (optional)'}</td>"
        f"<td>{_link(each) if '$ref' in each else escape(_kind(each))}</td></tr>\n"
        for name, each in schema.get("properties", {}).items()
    )
    return f"{described}<table>{rows}</table>\n"


def _kind(schema: Mapping[str, Any]) -> str:
    """Say in words what a value may be."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return json.dumps(schema["const"])
    if schema.get("type") == "array":
        return f"array of {_kind(schema.get('items', {}))}"
    limits = [
        f"{word} {schema[name]}"
        for name, word in (
            *(("minimum", "from"), ("maximum", "to"), ("minLength", "at least"), ("maxLength", "at most")),
            ("pattern", "like"),
        )
        if name in schema
    ]
    return ", ".join([" ".join(filter(None, [schema.get("type", "any"), schema.get("format")])), *limits])


def _link(schema: Mapping[str, Any]) -> str:
    name = str(schema["$ref"]).rpartition("/")[2]
    return f'<a href="#{name}">{name}</a>'


def _curl(method: str, path: str, operation: Mapping[str, Any]) -> str:
    """Write the operation's example as a call to paste."""
    query = []
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        elif "example" in parameter:
            query.append(f"{parameter['name']}={parameter['example']}")
    lines = [f'curl -X {method.upper()} "$URL{path}{"?" if query else ""}{"&".join(query)}"']
    lines.append('-H "Authorization: Bearer $KEY"')
    if any(parameter["in"] == "header" for parameter in operation["parameters"]):
        lines.append("-H 'Idempotency-Key: order-7'")
    if body := operation.get("requestBody"):
        lines.append(f"-d '{json.dumps(body['content']['application/json']['example'])}'")
    return " \\\n  ".join(lines)


def _text(described: str) -> str:
    """Escape a text and set what stands in backquotes as code."""
    parts = escape(described).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))
