"""A caller of the /ledger API: makes the events API Gateway would make, and holds every answer to the OpenAPI document.

An answer that its endpoint does not announce (a status, a code, a field) fails the test that got it, whatever the test
is about.
"""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

from api.openapi import statuses
from api.problems import Problem
from tests.local import demo
from tests.local.gateway import Context

ADMIN = demo.API_KEY


@dataclass(frozen=True)
class Answer:
    """What a caller can tell from an answer."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """Give the code of a problem; empty if there is none."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""

    @property
    def replayed(self) -> bool:
        return self.headers.get("idempotency-replayed") == "true"

    def __getitem__(self, name: str) -> Any:
        """Give a field of the body."""
        return self.body[name]


def ask(
    endpoint: ModuleType,
    body: object = None,
    *,
    secret: str | None = ADMIN,
    key: str | None = None,
    **parameters: Any,
) -> Answer:
    """Call an endpoint with these path and query parameters (`from_` is `from`) and this JSON body."""
    return send(endpoint, event(endpoint, None if body is None else json.dumps(body), secret, key, parameters))


def event(
    endpoint: ModuleType,
    body: str | bytes | None = None,
    secret: str | None = ADMIN,
    key: str | None = None,
    parameters: dict[str, object] | None = None,
) -> dict[str, Any]:
    """Make an event of format 2.0; a body of bytes travels in base64, as all does that API Gateway takes for binary."""
    given = {name.rstrip("_"): str(value) for name, value in (parameters or {}).items()}
    path = {name: value for name, value in given.items() if f"{{{name}}}" in endpoint.ENDPOINT.path}
    headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
    made: dict[str, Any] = {
        "version": "2.0",
        "rawPath": endpoint.ENDPOINT.path.format(**path),
        "rawQueryString": urlencode({name: value for name, value in given.items() if name not in path}),
        "headers": headers if key is None else headers | {"idempotency-key": key},
        "requestContext": {"requestId": "a request", "http": {"method": endpoint.ENDPOINT.method}},
        "isBase64Encoded": isinstance(body, bytes),
    }
    if path:
        made["pathParameters"] = path
    if body is not None:
        made["body"] = b64encode(body).decode() if isinstance(body, bytes) else body
    return made


def send(endpoint: ModuleType, made: dict[str, Any]) -> Answer:
    """Call an endpoint with an event, and fail on an answer that its OpenAPI operation does not announce."""
    response = json.loads(json.dumps(endpoint.lambda_handler(made, Context("api"))))
    headers = {name.lower(): value for name, value in response["headers"].items()}
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    text = response.get("body", "")
    kind = headers.get("content-type", "")
    body = json.loads(text) if kind.endswith("json") else text
    answer = Answer(response["statusCode"], body, headers)
    announced = statuses(endpoint.ENDPOINT)
    assert answer.status in announced
    if answer.status == endpoint.ENDPOINT.status:
        told = endpoint.ENDPOINT.told
        if isinstance(told, tuple):
            assert kind in told
        elif told is not None:
            assert kind == "application/json"
            assert body.keys() == told.model_fields.keys()
    else:
        assert kind == "application/problem+json"
        assert answer.code in announced[answer.status]
        assert Problem.model_validate(body).status == answer.status
        assert body["type"] == f"/ledger/docs#{answer.code}"
    return answer
