"""The HTTP side of the local gateway: werkzeug's server, on this machine only, with a log that keeps secrets."""

import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.local.routes import path_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


class PathOnlyLog(WSGIRequestHandler):
    """Logs method, path and status. The query stays out: Ozeki's callers put their passwords there."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # ascii(): no caller writes control characters to this terminal.
        path = ascii(path_of(getattr(self, "path", "-")))[1:-1]
        status = code.value if isinstance(code, HTTPStatus) else code
        print(self.command or "-", path, status, file=sys.stderr, flush=True)

    def make_environ(self) -> "WSGIEnvironment":
        """Give the target as it was sent: http.server makes one of several slashes at its beginning."""
        return {**super().make_environ(), "RAW_URI": self.requestline.split()[1]}

    def handle_expect_100(self) -> bool:
        """Leave `100 Continue` to werkzeug, or curl would be told twice to go on with a large body."""
        return True

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002 - named so by http.server
        """Print nothing: http.server's messages quote the request line, and log_request has the status."""


def serve(application: "WSGIApplication", port: int) -> BaseWSGIServer:
    """Take the port; the caller then calls serve_forever. Exits with a message when the port is in use."""
    # Threads, so that a caller who connects and sends nothing (browsers do) keeps nobody waiting; the gateway itself
    # takes one request at a time.
    return make_server("127.0.0.1", port, application, threaded=True, request_handler=PathOnlyLog)
