"""What API Gateway does between a caller and a handler, in one process: an HTTP API with payload format 2.0.

Checked against the API Gateway developer guide ("Lambda proxy integrations for HTTP APIs", "Routes for HTTP APIs",
quotas); where the guide is silent, against what others measured on the real service, named at the line it settles.
What it does not do: keep a connection open, speak HTTP/2, throttle, or end a call that takes longer than its Timeout.
"""

import json
import sys
import time
import traceback
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from importlib import import_module
from secrets import token_bytes
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

from werkzeug import Request, Response
from werkzeug.exceptions import RequestEntityTooLarge

from tests import environment
from tests.local.routes import Route, find, path_of
from tests.template import FUNCTIONS, GLOBALS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ACCOUNT = "123456789012"
LARGEST_PAYLOAD_BYTES = 10 * 1024 * 1024
LARGEST_HEAD_BYTES = 10_240  # "total combined size of request line and header values"
# What Lambda takes and gives at once, both as JSON: "Request must be smaller than 6291456 bytes" (anomalyco/sst,
# issue 5705), "Exceeded maximum allowed payload size (6291556 bytes)" (anomalyco/console, issue 63). With what status
# API Gateway refuses a head or an event that is too large, nobody says: 431 and 413 are our guess.
LARGEST_EVENT_BYTES = 6_291_456
LARGEST_ANSWER_BYTES = 6_291_556

# Everything else arrives base64-encoded, a missing type, a form and application/*+json included. The guide only says
# "binary"; this list was measured on the real service (github.com/ministackorg/ministack, pull request 766).
_TEXT_TYPES = ("application/json", "application/xml", "application/javascript")

# Python's names of the statuses, which are the RFCs', but for those that newer Pythons have renamed: API Gateway itself
# says "Request Entity Too Large". werkzeug would write all of them in capitals, which no server does.
_PHRASES = {413: "Request Entity Too Large", 414: "Request-URI Too Long", 422: "Unprocessable Entity"}

Handler = Callable[[dict[str, Any], Any], Any]


class Gateway:
    """A WSGI application that answers with the handlers of template.yaml.

    `sam_headers` names headers in events as `sam local` does: Content-Type, Idempotency-Key.
    """

    def __init__(self, routes: Iterable[Route], *, sam_headers: bool = False) -> None:
        self._routes = list(routes)
        self.sam_headers = sam_headers
        # All of them now: an import error should stop the start, not the first caller.
        self._handlers = {route.handler: import_handler(route.handler) for route in self._routes}
        # moto loses updates when two calls meet; and a function instance serves one request at a time anyway.
        self._one_at_a_time = Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        request_id = b64encode(token_bytes(11)).decode()  # as long as the real ones, and ending like them
        answer = self._answer(request, request_id)
        answer.headers["Apigw-Requestid"] = request_id
        answer.status = f"{answer.status_code} {phrase(answer.status_code)}"
        return answer

    def _answer(self, request: Request, request_id: str) -> Response:
        if _head_bytes(request) > LARGEST_HEAD_BYTES:
            return _refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        found = find(self._routes, request.method, path_of(request.environ["RAW_URI"]))
        if found is None:
            return _refusal(HTTPStatus.NOT_FOUND)
        route, variables = found
        request.max_content_length = LARGEST_PAYLOAD_BYTES
        try:
            headers = _sam_headers(request) if self.sam_headers else _headers(request)
            event = payload(request, route, variables, headers, request_id)
        except RequestEntityTooLarge:
            return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if len(_carried(event)) > LARGEST_EVENT_BYTES:
            return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        with self._one_at_a_time:
            try:
                return response(self._handlers[route.handler](event, Context(route.function)))
            except Exception:
                traceback.print_exc(file=sys.stderr)
                return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR)


def import_handler(handler: str) -> Handler:
    """Import what a template's Handler names."""
    module, _, name = handler.rpartition(".")
    function: Handler = getattr(import_module(module), name)
    return function


def payload(
    request: Request, route: Route, variables: dict[str, str], headers: dict[str, str], request_id: str
) -> dict[str, Any]:
    """Make the event, format 2.0, that API Gateway makes of a request."""
    # rawPath is not raw: the real one is decoded too (github.com/honojs/hono, issue 2156).
    path = unquote(path_of(request.environ["RAW_URI"]))
    query = request.query_string.decode()
    now = datetime.now(UTC)
    body = request.get_data()
    is_text = request.mimetype.startswith("text/") or request.mimetype in _TEXT_TYPES
    cookies = request.headers.get("cookie", "")
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
                "userAgent": request.headers.get("user-agent", ""),
            },
            "requestId": request_id,
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
    carried = _carried(answer)
    if len(carried) > LARGEST_ANSWER_BYTES:
        raise ValueError(f"an answer of {len(carried)} bytes is more than Lambda gives")
    answer = json.loads(carried)
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


def phrase(status: int) -> str:
    """Name a status as HTTP/1.1 does."""
    if status in _PHRASES:
        return _PHRASES[status]
    return HTTPStatus(status).phrase if status in {*HTTPStatus} else "Unknown"


def _carried(message: Any) -> bytes:
    """Write what a function gets or gives as Lambda carries it; what it could not carry fails here too.

    The runtime of Python 3.12 and later leaves text as it is (aws-lambda-python-runtime-interface-client, pull 122).
    """
    return json.dumps(message, ensure_ascii=False).encode()


def _head_bytes(request: Request) -> int:
    line = f"{request.method} {request.environ['RAW_URI']} {request.environ['SERVER_PROTOCOL']}"
    return len(line.encode()) + sum(len(value.encode()) for value in request.headers.values())


def _headers(request: Request) -> dict[str, str]:
    """Return the headers lower-cased, a repeated one joined, with those that API Gateway adds, without the cookies."""
    return _joined((name.lower(), value) for name, value in request.headers if name != "Cookie") | {
        "x-forwarded-for": request.remote_addr or "",
        "x-forwarded-port": request.environ["SERVER_PORT"],
        "x-forwarded-proto": request.scheme,
    }


def _sam_headers(request: Request) -> dict[str, str]:
    """Return the headers as `sam local` does: named as Python's web servers name them, the cookies among them.

    github.com/aws/aws-sam-cli, samcli/local/apigw/event_constructor.py.
    """
    return dict(request.headers) | {
        "X-Forwarded-Port": request.environ["SERVER_PORT"],
        "X-Forwarded-Proto": request.scheme,
    }


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _refusal(status: HTTPStatus) -> Response:
    message = json.dumps({"message": phrase(status)}, separators=(",", ":"))
    return Response(message, status, content_type="application/json")
