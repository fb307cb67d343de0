"""GET and HEAD /ledger/openapi.json: tells what this API is, as OpenAPI 3.1."""

import json
from http import HTTPStatus
from typing import Any

import gateway
from api import openapi, wire

_DOCUMENT = json.dumps(openapi.document(), separators=(",", ":"))
ANSWER = gateway.response(HTTPStatus.OK, "application/json", _DOCUMENT, {"Cache-Control": "public, max-age=300"})


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.run(event, "OpenapiRead", lambda _: ANSWER)
