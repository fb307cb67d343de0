"""The API's table of endpoints, and the OpenAPI 3.1 document that is made of it. Nothing in it is written twice.

What an endpoint takes and tells are its pydantic models; what it may refuse is a line of wire.py's table; what it
promises is the first line of its module.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api import (
    capture_hold,
    change_balance,
    change_balances,
    create_account,
    get_account,
    get_balance,
    get_balances,
    get_package,
    get_statement,
    issue_key,
    list_accounts,
    list_entries,
    list_holds,
    list_keys,
    list_packages,
    put_package,
    release_hold,
    remove_login,
    reserve_credit,
    retire_package,
    revoke_key,
    set_email,
    set_login,
    set_token,
    top_up_account,
    transfer_credit,
    update_account,
    update_key,
)
from api.problems import HEADERS_OF, REFUSALS, InternalError, InvalidRequest, Problem
from api.wire import Endpoint, NoBody
from ledger import errors
from ledger.claims import LONGEST_KEY

ENDPOINTS: Mapping[str, Sequence[ModuleType]] = {
    "Accounts": (create_account, get_account, list_accounts, update_account, get_balances),
    "Names": (set_login, remove_login, set_email, set_token),
    "Changes": (change_balance, change_balances, top_up_account, transfer_credit),
    "Holds": (reserve_credit, list_holds, capture_hold, release_hold),
    "History": (get_balance, list_entries, get_statement),
    "Packages": (put_package, get_package, list_packages, retire_package),
    "Keys": (issue_key, list_keys, update_key, revoke_key),
}

_ACCOUNT = {"id": "$request.path.id", "unit": "$request.path.unit"}
_OPENED = {"id": "$response.body#/id"}
_HELD = {**_ACCOUNT, "hold": "$response.body#/hold"}
_PACKAGE = {"identifier": "$request.path.identifier"}

LINKS: Mapping[ModuleType, Mapping[ModuleType, Mapping[str, str]]] = {
    create_account: {get_account: _OPENED, update_account: _OPENED, get_balances: _OPENED, top_up_account: _OPENED},
    change_balance: {get_balance: _ACCOUNT, list_entries: _ACCOUNT, get_statement: _ACCOUNT},
    reserve_credit: {capture_hold: _HELD, release_hold: _HELD, list_holds: _ACCOUNT},
    put_package: {get_package: _PACKAGE, retire_package: _PACKAGE},
    issue_key: {each: {"key": "$response.body#/key/id"} for each in (update_key, revoke_key)},
}
"""What can be done next with what an endpoint told, or with what it was told."""

DOCUMENT_PATH = "/ledger/openapi.json"
DOCS_PATH = "/ledger/docs"

PROBLEM_TYPE = "application/problem+json"

_ABOUT = """\
Prepaid credit, exact. Amounts are integers in the smallest part of their unit: messages, calls, thousandths of a euro.

Whatever changes credit carries an `Idempotency-Key`, any string of 1 to 255 characters. The same request under the same
key, now or next year, gets the first answer, has no second effect, and says `Idempotency-Replayed: true`; another
request under it is refused. A refused request is not recorded: sent again, it is judged afresh.

Of several errors the first in this order is told: 401, 400, 403, 404, then the ledger's own, then 503 and 504.
Whatever else goes wrong here is a 500 with a `correlation_id` to tell to whoever runs this; like a 504 it leaves open
whether the request has been done.
"""

_ANY = (InvalidRequest, errors.WrongCredentials, errors.NotPermitted, errors.Busy, InternalError)
_ANY_WRITE = (*_ANY, errors.OutcomeUnknown)
_ANY_KEYED = (*_ANY_WRITE, errors.KeyReused)

_HEADERS = {
    "Idempotency-Replayed": {
        "description": "`true` if an earlier request under the same key was answered so",
        "schema": {"const": "true"},
    },
    "Location": {"description": "the path of what was opened, if it has one", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "how to authenticate", "schema": {"type": "string"}, "required": True},
    "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}, "required": True},
}


def listed() -> list[Endpoint[Any, Any]]:
    """List every endpoint."""
    return [module.ENDPOINT for modules in ENDPOINTS.values() for module in modules]


def statuses(endpoint: Endpoint[Any, Any]) -> dict[int, list[str]]:
    """Give every status that an endpoint can answer, each with the codes of the problems that come with it."""
    general = _ANY_KEYED if endpoint.keyed else _ANY if endpoint.method == "GET" else _ANY_WRITE
    found: dict[int, list[str]] = defaultdict(list, {endpoint.status: []})
    for error, refusal in REFUSALS.items():
        if error in (*general, *endpoint.errors):
            found[refusal.status].append(refusal.code)
    return dict(sorted(found.items()))


def document() -> dict[str, Any]:
    """Write the OpenAPI document."""
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for tag, modules in ENDPOINTS.items():
        for module in modules:
            endpoint = module.ENDPOINT
            paths[endpoint.path][endpoint.method.lower()] = _operation(tag, module, endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Prepaid", "version": "1.0.0", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": tag} for tag in ENDPOINTS],
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "an API key"}},
        },
    }


def promise(module: ModuleType) -> str:
    """Read an endpoint's promise off the first line of its module."""
    return (module.__doc__ or "").splitlines()[0].partition(": ")[2]


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _schemas() -> dict[str, Any]:
    """Write the schema of every model that travels."""
    validated: list[type[BaseModel]] = [each.body for each in listed() if each.body is not NoBody]
    told: list[type[BaseModel]] = [Problem, *(each.told for each in listed() if each.told)]
    _, schema = models_json_schema(
        [(model, "validation") for model in validated] + [(model, "serialization") for model in told],
        ref_template="#/components/schemas/{model}",
    )
    definitions: dict[str, Any] = schema["$defs"]
    return definitions


def _operation(tag: str, module: ModuleType, endpoint: Endpoint[Any, Any]) -> dict[str, Any]:
    name = _name(module)
    summary = promise(module)
    described = [summary[0].upper() + summary[1:]]
    if endpoint.scope:
        described.append(f"Needs a key with the scope `{endpoint.scope}`.")
    if endpoint.operator:
        described.append("A key for a subtree is not good for this.")
    operation: dict[str, Any] = {
        "operationId": name,
        "tags": [tag],
        "summary": name.replace("_", " ").capitalize(),
        "description": " ".join(described),
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint, LINKS.get(module, {})),
    }
    if endpoint.body is not NoBody:
        operation["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _reference(endpoint.body),
                    "example": endpoint.example["body"],
                }
            },
        }
    return operation


def _parameters(endpoint: Endpoint[Any, Any]) -> list[dict[str, Any]]:
    """Tell path, query and key apart; what is optional may be left out but not be null."""
    schema = endpoint.at.model_json_schema()
    found = []
    for name, described in schema.get("properties", {}).items():
        in_path = f"{{{name}}}" in endpoint.path
        parameter = {"name": name, "in": "path" if in_path else "query", "schema": _not_null(described)}
        if name in schema.get("required", ()):
            parameter["required"] = True
        if name in endpoint.example:
            parameter["example"] = endpoint.example[name]
        found.append(parameter)
    if endpoint.keyed:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
            }
        )
    return found


def _not_null(described: Mapping[str, Any]) -> dict[str, Any]:
    schema = {name: value for name, value in described.items() if name not in ("title", "default", "anyOf")}
    if described.get("default") is not None:
        schema["default"] = described["default"]
    for each in described.get("anyOf", ()):
        if each != {"type": "null"}:
            schema |= each
    return schema


def _responses(endpoint: Endpoint[Any, Any], links: Mapping[ModuleType, Mapping[str, str]]) -> dict[str, Any]:
    told: dict[str, Any] = {"description": "Done"}
    if endpoint.told:
        told["content"] = {"application/json": {"schema": _reference(endpoint.told)}}
    elif endpoint.texts:
        told["content"] = {each: {"schema": {"type": "string"}} for each in endpoint.texts}
    if links:
        told["links"] = {
            _name(target): {"operationId": _name(target), "parameters": dict(parameters)}
            for target, parameters in links.items()
        }
    if endpoint.keyed:
        told["headers"] = {name: _HEADERS[name] for name in ("Idempotency-Replayed", "Location")}
    return {str(status): _refusal(status, codes) if codes else told for status, codes in statuses(endpoint).items()}


def _refusal(status: int, codes: Sequence[str]) -> dict[str, Any]:
    titles = {refusal.code: refusal.title for refusal in REFUSALS.values()}
    refusal: dict[str, Any] = {
        "description": ". ".join(f"`{code}`: {titles[code]}" for code in codes),
        "content": {
            PROBLEM_TYPE: {
                "schema": {
                    "allOf": [{"$ref": "#/components/schemas/Problem"}],
                    "properties": {"code": {"enum": list(codes)}, "status": {"const": status}},
                },
                "examples": {
                    code: {
                        "value": {
                            "type": f"{DOCS_PATH}#{code}",
                            "title": titles[code],
                            "status": status,
                            "detail": titles[code],
                            "code": code,
                        }
                    }
                    for code in codes
                },
            }
        },
    }
    if status in HEADERS_OF:
        refusal["headers"] = {name: _HEADERS[name] for name in HEADERS_OF[status]}
    return refusal


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
