"""ANY /ledger/{proxy+}: answers what no endpoint does: a path that is none, or a method that a path does not have."""

import re
from functools import partial
from typing import Any

from api import openapi, wire
from api.problems import MethodNotAllowed, NoSuchPath
from gateway import Event
from telemetry import Log

_PATHS = [(each.method, each.path) for each in openapi.listed()]
_PATHS += [("GET", openapi.DOCUMENT_PATH), ("GET", openapi.DOCS_PATH)]


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.run(event, "refused", partial(refuse_request, event))


def refuse_request(event: Event, log: Log) -> dict[str, Any]:
    """Name the methods that the path has (405), or say that there is no such path (404), whoever is asking."""
    allowed = sorted(method for method, template in _PATHS if _matches(template, event["rawPath"]))
    if allowed:
        return wire.refuse(MethodNotAllowed(), log, {"Allow": ", ".join(allowed)})
    return wire.refuse(NoSuchPath(), log)


def _matches(template: str, path: str) -> bool:
    pattern = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in template.split("/"))
    return re.fullmatch(pattern, path) is not None
