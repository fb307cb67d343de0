"""GET /ledger/openapi.json: tells what this API is, as OpenAPI 3.1."""

import json
from typing import Any

from api import openapi, wire

DOCUMENT = json.dumps(openapi.document(), separators=(",", ":"))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    wire.tell(event, "OpenapiRead", {})
    headers = {"Content-Type": "application/json", "Cache-Control": "public, max-age=300"}
    return {"statusCode": 200, "headers": headers, "body": DOCUMENT}
