"""What API Gateway does between a caller and a handler, in one process: an HTTP API with payload format 2.0.

Checked against the API Gateway developer guide ("Lambda proxy integrations for HTTP APIs", "Routes for HTTP APIs",
quotas); where the guide is silent, against what others measured on the real service, named at the line it settles.
"""

import json
import sys
import time
import traceback
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import uuid4

from werkzeug import Request, Response
from werkzeug.exceptions import RequestEntityTooLarge

from tests import environment
from tests.local.routes import Route, find
from tests.template import FUNCTIONS, GLOBALS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ACCOUNT = "123456789012"
LARGEST_PAYLOAD_BYTES = 10 * 1024 * 1024

# Everything else arrives base64-encoded, a missing type, a form and application/*+json included. The guide only says
# "binary"; this list was measured on the real service (github.com/ministackorg/ministack, pull request 766).
_TEXT_TYPES = ("application/json", "application/xml", "application/javascript")

Handler = Callable[[dict[str, Any], Any], Any]


class Gateway:
    """A WSGI application that answers with the handlers of template.yaml."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = list(routes)
        # All of them now: an import error should stop the start, not the first caller.
        self._handlers = {route.handler: import_handler(route.handler) for route in self._routes}
        # moto loses updates when two calls meet; and a function instance serves one request at a time anyway.
        self._one_at_a_time = Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        found = find(self._routes, request.method, _path(request))
        if found is None:
            return _refusal(404, "Not Found")
        route, variables = found
        request.max_content_length = LARGEST_PAYLOAD_BYTES
        try:
            event = payload(request, route, variables)
        except RequestEntityTooLarge:
            return _refusal(413, "Request Entity Too Large")
        with self._one_at_a_time:
            try:
                return response(self._handlers[route.handler](event, Context(route.function)))
            except Exception:
                traceback.print_exc(file=sys.stderr)
                return _refusal(500, "Internal Server Error")


def import_handler(handler: str) -> Handler:
    """Import what a template's Handler names."""
    module, _, name = handler.rpartition(".")
    function: Handler = getattr(import_module(module), name)
    return function


def payload(request: Request, route: Route, variables: dict[str, str]) -> dict[str, Any]:
    """Make the event, format 2.0, that API Gateway makes of a request."""
    # rawPath is not raw: the real one is decoded too (github.com/honojs/hono, issue 2156).
    path = unquote(_path(request))
    query = request.query_string.decode()
    now = datetime.now(UTC)
    body = request.get_data()
    is_text = request.mimetype.startswith("text/") or request.mimetype in _TEXT_TYPES
    headers = _headers(request)
    cookies = headers.pop("cookie", "")
    host = request.host.partition(":")[0]
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": request.environ["SERVER_PROTOCOL"],
                "sourceIp": request.remote_addr or "",
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": str(uuid4()),
            "routeKey": route.key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": bool(body) and not is_text,
    }
    if cookies:
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    if query:
        event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True))
    if variables:
        event["pathParameters"] = variables
    if body:
        event["body"] = body.decode(errors="replace") if is_text else b64encode(body).decode()
    return event


def response(answer: Any) -> Response:
    """Make the HTTP response that API Gateway makes of what a handler returned, in either of format 2.0's shapes."""
    answer = json.loads(json.dumps(answer))  # what Lambda could not carry fails here too
    if not (isinstance(answer, dict) and "statusCode" in answer):
        body = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(body, content_type="application/json")
    body = "" if answer.get("body") is None else answer["body"]
    content = b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()
    # A type the handler left out becomes text/plain; charset=utf-8: API Gateway's default and werkzeug's.
    made = Response(content, int(answer["statusCode"]), {k: str(v) for k, v in answer.get("headers", {}).items()})
    made.content_length = len(content)
    for cookie in answer.get("cookies", []):
        made.headers.add("set-cookie", cookie)
    return made


@dataclass(frozen=True)
class Context:
    """What Lambda's Python runtime tells a handler about its function and its call."""

    function_name: str
    function_version: str = "$LATEST"
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    client_context: None = None
    identity: None = None
    clock: Callable[[], float] = time.monotonic
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        """Start the time that the call may take."""
        object.__setattr__(self, "_started", self.clock())

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:{environment.REGION}:{ACCOUNT}:function:{self.function_name}"

    @property
    def memory_limit_in_mb(self) -> str:
        return str(self._setting("MemorySize"))

    @property
    def log_group_name(self) -> str:
        return "/prepaid/local"

    @property
    def log_stream_name(self) -> str:
        return f"{self.function_name}[{self.function_version}]local"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._setting("Timeout") - (self.clock() - self._started)) * 1000))

    def _setting(self, name: str) -> int:
        value: int = FUNCTIONS.get(self.function_name, {}).get(name, GLOBALS[name])
        return value


def _path(request: Request) -> str:
    """Return the path as sent; WSGI's own PATH_INFO is decoded, which would turn `%2F` into a separator."""
    return urlsplit(request.environ["RAW_URI"]).path


def _headers(request: Request) -> dict[str, str]:
    """Return the headers lower-cased, a repeated one joined, with those that API Gateway adds."""
    return _joined((name.lower(), value) for name, value in request.headers) | {
        "x-forwarded-for": request.remote_addr or "",
        "x-forwarded-port": request.environ["SERVER_PORT"],
        "x-forwarded-proto": request.scheme,
    }


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _refusal(status: int, message: str) -> Response:
    return Response(json.dumps({"message": message}, separators=(",", ":")), status, content_type="application/json")
