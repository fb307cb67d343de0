"""GET and HEAD /ledger/docs: tells people what this API is, as one page."""

from http import HTTPStatus
from typing import Any

import gateway
from api import docs, openapi, wire
from api.pages import HTML

_PAGE = docs.page(openapi.document())
ANSWER = gateway.response(
    HTTPStatus.OK,
    HTML,
    _PAGE,
    {"Content-Security-Policy": docs.POLICY, "Cache-Control": "public, max-age=300"},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.run(event, "DocsRead", lambda _: ANSWER)
