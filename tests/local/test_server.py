import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from tests.local.gateway import Context, Gateway
from tests.local.routes import Route
from tests.local.server import serve


def echo(event: dict[str, object], _: Context) -> dict[str, object]:
    return event


@pytest.fixture
def port() -> Iterator[int]:
    """Serve /api on a free port."""
    server = serve(Gateway([Route("GET", "/api", "OzekiApi", f"{__name__}.echo")]), port=0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.port
    server.shutdown()
    thread.join()


def get(port: int, path: str) -> tuple[int, int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("GET", path)
    connection.putheader("X-Twice", "1")
    connection.putheader("X-Twice", "2")
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.version, response.status, body


def test_a_caller_speaks_http_1_1_and_repeated_headers_are_joined(port: int) -> None:
    version, status, body = get(port, "/api")
    assert (version, status) == (11, 200)
    assert b'"x-twice": "1,2"' in body


def test_the_log_has_method_path_and_status_but_no_query(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    get(port, "/api?username=admin&password=abc123")
    get(port, "/nowhere?password=abc123")
    assert capsys.readouterr().err == "GET /api 200\nGET /nowhere 404\n"


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /api?password=abc 123 HTTP/1.1",
        "GET /api?password=abc123 HTTP/9.9",
        "GET /api?password=abc123&" + "x" * 70_000,
    ],
)
def test_a_malformed_request_leaves_no_password_in_the_log(
    port: int, capsys: pytest.CaptureFixture[str], request_line: str
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as caller:
        caller.sendall(f"{request_line}\r\n\r\n".encode())
        assert caller.recv(1)
    logged = capsys.readouterr().err
    assert logged
    assert "abc" not in logged


def test_control_characters_reach_no_terminal(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as caller:
        caller.sendall(b"GET /\x1b[2J HTTP/1.1\r\nHost: x\r\n\r\n")
        assert caller.recv(1)
    assert capsys.readouterr().err == "GET /\\x1b[2J 404\n"


def test_a_caller_who_asks_whether_to_go_on_is_told_once(port: int) -> None:
    head = "POST /api HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as caller, caller.makefile("rb") as answers:
        caller.sendall(head.encode())
        assert answers.readline() + answers.readline() == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(b"x")
        assert answers.readline() == b"HTTP/1.1 404 Not Found\r\n"


def test_a_body_in_chunks_arrives_whole(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    sent = iter([b"add=", b"244"])
    connection.request("GET", "/api", sent, {"Content-Type": "text/plain"}, encode_chunked=True)
    assert json.loads(connection.getresponse().read())["body"] == "add=244"
    connection.close()


def test_a_path_that_begins_with_two_slashes_is_another(port: int) -> None:
    assert get(port, "//api")[1] == 404


def test_a_caller_that_says_nothing_keeps_nobody_waiting(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)):
        assert get(port, "/api")[1] == 200


def test_a_port_in_use_is_said_plainly(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        serve(Gateway([]), port)
    assert f"Port {port} is in use" in capsys.readouterr().err
