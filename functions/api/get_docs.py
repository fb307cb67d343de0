"""GET /ledger/docs: tells people what this API is, as one page."""

from typing import Any

from api import docs, openapi, wire
from api.statement import HTML

PAGE = docs.page(openapi.document())


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    wire.tell(event, "DocsRead", {})
    headers = {
        "Content-Type": HTML,
        "Content-Security-Policy": docs.POLICY,
        "Cache-Control": "public, max-age=300",
    }
    return {"statusCode": 200, "headers": headers, "body": PAGE}
