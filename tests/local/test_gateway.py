import json
import re
import time
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from werkzeug import Response
from werkzeug.test import Client

from tests.local.gateway import (
    LARGEST_ANSWER_BYTES,
    LARGEST_EVENT_BYTES,
    LARGEST_HEAD_BYTES,
    LARGEST_PAYLOAD_BYTES,
    Context,
    Gateway,
    phrase,
)
from tests.local.routes import Route

Event = dict[str, Any]


# ------------------------------------------------------------------------------------ handlers that stand in for ours


def echo(event: Event, _: Context) -> Event:
    return event


def answer(event: Event, _: Context) -> Any:
    """Answer what the body says, as the handler's own return value."""
    return json.loads(event["body"])


def size(event: Event, _: Context) -> int:
    """Answer how long the event is, as Lambda carries it."""
    return len(json.dumps(event, ensure_ascii=False).encode())


def text(event: Event, _: Context) -> str:
    """Answer so many characters, in two bytes each, as the body says; the quotes of the JSON come on top."""
    return "ö" * int(event["body"])


def unserialisable(_: Event, __: Context) -> object:
    return {"balance": object()}


def about(_: Event, context: Context) -> Event:
    return {
        "function": context.function_name,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "request": context.aws_request_id,
    }


running = 0


def alone(_: Event, __: Context) -> bool:
    global running
    running += 1
    time.sleep(0.01)
    was_alone = running == 1
    running -= 1
    return was_alone


def route(method: str, path: str, handler: str) -> Route:
    return Route(method, path, "OzekiApi", f"{__name__}.{handler}")


@pytest.fixture
def client() -> Client:
    """Call a gateway with one route for each handler above."""
    return Client(
        Gateway(
            [
                route("ANY", "/echo", "echo"),
                route("GET", "/echo/{id}/{rest+}", "echo"),
                *(
                    route("POST", f"/{name}", name)
                    for name in ("answer", "size", "text", "unserialisable", "about", "alone")
                ),
            ]
        ),
        use_cookies=False,
    )


def returned(response: Response) -> Any:
    """Read what the handler returned; of echo, the event it was given."""
    return json.loads(response.data)


# ------------------------------------------------------------------------------------------------------- the event


def test_a_request_becomes_the_event_that_the_guide_shows(client: Client) -> None:
    before_ms = time.time_ns() // 1_000_000
    event = returned(
        client.get(
            "/echo?action=getcredits",
            base_url="http://ledger.example:3000",
            headers={"User-Agent": "x/1"},
            environ_base={"REMOTE_ADDR": "203.0.113.9"},
        )
    )

    context = event["requestContext"]
    assert re.fullmatch("[A-Za-z0-9+/]{15}=", context.pop("requestId"))
    assert context.pop("time").endswith(" +0000")
    assert before_ms <= context.pop("timeEpoch") <= time.time_ns() // 1_000_000
    assert event == {
        "version": "2.0",
        "routeKey": "ANY /echo",
        "rawPath": "/echo",
        "rawQueryString": "action=getcredits",
        "headers": {
            "host": "ledger.example:3000",
            "user-agent": "x/1",
            "x-forwarded-for": "203.0.113.9",
            "x-forwarded-port": "3000",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"action": "getcredits"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "ledger.example",
            "domainPrefix": "ledger",
            "http": {
                "method": "GET",
                "path": "/echo",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.9",
                "userAgent": "x/1",
            },
            "routeKey": "ANY /echo",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }


def test_the_query_is_handed_over_as_sent_and_decoded(client: Client) -> None:
    event = returned(client.get("/echo?add=5&add=%2B7&name=J+%C3%B6&empty=&bare"))
    assert event["rawQueryString"] == "add=5&add=%2B7&name=J+%C3%B6&empty=&bare"
    assert event["queryStringParameters"] == {"add": "5,+7", "name": "J ö", "empty": "", "bare": ""}


def test_path_variables_and_the_path_arrive_decoded(client: Client) -> None:
    event = returned(client.get("/echo/a%2Fb%20c/x/y%3Fz"))
    assert event["pathParameters"] == {"id": "a/b c", "rest": "x/y?z"}
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/echo/a/b c/x/y?z"
    assert event["routeKey"] == "GET /echo/{id}/{rest+}"


def test_cookies_are_taken_out_of_the_headers(client: Client) -> None:
    event = returned(client.get("/echo", headers={"Cookie": "a=1; b=2"}))
    assert event["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in event["headers"]


def test_the_path_is_what_was_sent_however_many_slashes_begin_it(client: Client) -> None:
    event = returned(client.get("/echo/a//b/", environ_overrides={"RAW_URI": "/echo/a//b/?c"}))
    assert (event["rawPath"], event["pathParameters"]) == ("/echo/a//b/", {"id": "a", "rest": "/b/"})
    assert client.get("/", environ_overrides={"RAW_URI": "//host/echo"}).status_code == 404
    assert client.get("/", environ_overrides={"RAW_URI": "http://host/echo?c"}).status_code == 200


def test_headers_are_named_as_sam_local_does_when_asked_to() -> None:
    as_sam = Client(Gateway([route("POST", "/echo", "echo")], sam_headers=True), use_cookies=False)
    headers = {"idempotency-key": "1", "x-forwarded-for": "203.0.113.9", "cookie": "a=1; b=2"}
    event = returned(as_sam.post("/echo", data="{}", content_type="application/json", headers=headers))
    assert event["headers"] == {
        "Content-Length": "2",
        "Content-Type": "application/json",
        "Cookie": "a=1; b=2",
        "Host": "localhost",
        "Idempotency-Key": "1",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Port": "80",
        "X-Forwarded-Proto": "http",
    }
    assert event["cookies"] == ["a=1", "b=2"]


def test_what_was_not_sent_is_not_in_the_event(client: Client) -> None:
    event = returned(client.post("/echo"))
    assert not event.keys() & {"body", "cookies", "pathParameters", "queryStringParameters"}
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize(
    "content_type",
    [
        "text/xml",
        "text/plain; charset=utf-8",
        "application/json",
        "Application/JSON;charset=UTF-8",
        "application/xml",
        "application/javascript",
    ],
)
def test_text_arrives_as_text(client: Client, content_type: str) -> None:
    event = returned(client.post("/echo", data="größe".encode(), content_type=content_type))
    assert (event["body"], event["isBase64Encoded"]) == ("größe", False)


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", None, "application/octet-stream", "application/vnd.api+json", "image/png"],
)
def test_everything_else_arrives_in_base64(client: Client, content_type: str | None) -> None:
    event = returned(client.post("/echo", data=b"add=244&\xff", content_type=content_type))
    assert (b64decode(event["body"]), event["isBase64Encoded"]) == (b"add=244&\xff", True)


def test_a_handler_is_told_about_its_call(client: Client) -> None:
    first, second = returned(client.post("/about")), returned(client.post("/about"))
    assert first["function"] == "OzekiApi"
    assert first["arn"] == "arn:aws:lambda:eu-central-1:123456789012:function:OzekiApi"
    assert first["memory"] == "512"
    assert first["request"] != second["request"]


def test_a_handler_is_told_how_much_of_its_time_is_left() -> None:
    seconds = iter((100.0, 100.0, 114.5, 116.0))
    context = Context("OzekiApi", clock=lambda: next(seconds))
    assert [context.get_remaining_time_in_millis() for _ in range(3)] == [15_000, 500, 0]


# ------------------------------------------------------------------------------------------------------ the response


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ({"balance": 744}, '{"balance": 744}'),
        ([1, 2], "[1, 2]"),
        ("Hello from Lambda!", "Hello from Lambda!"),
        (None, "null"),
    ],
)
def test_an_answer_without_a_status_is_a_json_body(client: Client, answer: object, body: str) -> None:
    response = client.post("/answer", data=json.dumps(answer), content_type="application/json")
    assert (response.status_code, response.content_type, response.text) == (200, "application/json", body)


def test_an_answer_with_a_status_is_followed_to_the_letter(client: Client) -> None:
    response = client.post(
        "/answer",
        json={
            "statusCode": 402,
            "headers": {"Content-Type": "application/xml", "Content-Length": "1", "X-Sequence": 7},
            "cookies": ["a=1; Secure", "b=2"],
            "body": "<größe/>",
        },
    )
    assert (response.status_code, response.content_type) == (402, "application/xml")
    assert (response.text, response.content_length) == ("<größe/>", len("<größe/>".encode()))
    assert response.headers["x-sequence"] == "7"
    assert response.headers.getlist("set-cookie") == ["a=1; Secure", "b=2"]


def test_a_binary_answer_is_decoded(client: Client) -> None:
    body = b64encode(b"\x00\xff").decode()
    response = client.post("/answer", json={"statusCode": 200, "isBase64Encoded": True, "body": body})
    assert response.data == b"\x00\xff"


def test_an_answer_that_names_no_type_is_plain_text(client: Client) -> None:
    response = client.post("/answer", json={"statusCode": 200})
    assert (response.data, response.content_type) == (b"", "text/plain; charset=utf-8")


def test_no_content_has_no_length(client: Client) -> None:
    response = client.post("/answer", json={"statusCode": 204})
    assert (response.status_code, response.data, response.headers.get("content-length")) == (204, b"", None)


def test_head_is_told_what_get_would_be_but_not_the_body(client: Client) -> None:
    response = client.head("/echo", buffered=True)
    assert (response.data, response.status_code, response.content_type) == (b"", 200, "application/json")
    assert (response.content_length or 0) > 500


@pytest.mark.parametrize("path", ["/echo", "/nowhere"])
def test_every_answer_has_the_id_of_its_request(client: Client, path: str) -> None:
    first, second = client.get(path), client.get(path)
    assert first.headers["apigw-requestid"] != second.headers["apigw-requestid"]
    if path == "/echo":
        assert first.headers["apigw-requestid"] == returned(first)["requestContext"]["requestId"]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (200, "OK"),
        (402, "Payment Required"),
        (409, "Conflict"),
        (413, "Request Entity Too Large"),
        (422, "Unprocessable Entity"),
        (429, "Too Many Requests"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
        (599, "Unknown"),
    ],
)
def test_a_status_has_its_usual_name(client: Client, status: int, name: str) -> None:
    assert phrase(status) == name
    assert client.post("/answer", json={"statusCode": status}).status == f"{status} {name}"


# ----------------------------------------------------------------------------------------------------- the refusals


def test_no_route_is_404(client: Client) -> None:
    response = client.get("/nowhere")
    assert (response.status_code, response.content_type) == (404, "application/json")
    assert response.text == '{"message":"Not Found"}'


def test_an_exception_is_500_and_its_traceback_is_ours_alone(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    response = client.post("/answer", data="not json", content_type="text/plain")
    assert (response.status_code, response.content_type) == (500, "application/json")
    assert response.text == '{"message":"Internal Server Error"}'
    assert "JSONDecodeError" in capsys.readouterr().err


@pytest.mark.parametrize(
    "malformed",
    [
        {"statusCode": "many"},
        {"statusCode": 200, "body": {}},
        {"statusCode": 200, "body": "?", "isBase64Encoded": True},
        {"statusCode": 200, "headers": {"X-A": "one\r\nX-B: two"}},
    ],
)
def test_an_answer_that_makes_no_sense_is_500(client: Client, malformed: object) -> None:
    assert client.post("/answer", json=malformed).status_code == 500


def test_an_answer_that_lambda_could_not_carry_is_500(client: Client) -> None:
    assert client.post("/unserialisable").status_code == 500


def test_more_than_ten_megabytes_are_refused(client: Client) -> None:
    refused = client.post("/size", data=bytes(LARGEST_PAYLOAD_BYTES + 1))
    assert (refused.status_code, refused.text) == (413, '{"message":"Request Entity Too Large"}')


def test_a_request_is_as_large_as_lambda_takes_it_and_no_larger(client: Client) -> None:
    """In base64 it grows by a third, so this is less than what API Gateway itself would take."""
    empty = returned(client.post("/size", data=b"123"))
    pad = (LARGEST_EVENT_BYTES - empty) // 4 * 3 - 99
    taken = client.post("/size", data=bytes(pad))
    assert LARGEST_EVENT_BYTES - 200 < returned(taken) <= LARGEST_EVENT_BYTES
    refused = client.post("/size", data=bytes(pad + 300))
    assert (refused.status_code, refused.text) == (413, '{"message":"Request Entity Too Large"}')


def test_an_answer_is_as_large_as_lambda_gives_it_and_no_larger(client: Client) -> None:
    most = (LARGEST_ANSWER_BYTES - len('""')) // 2
    whole = client.post("/text", data=str(most), content_type="text/plain")
    assert (whole.status_code, len(whole.data)) == (200, LARGEST_ANSWER_BYTES - len('""'))
    refused = client.post("/text", data=str(most + 1), content_type="text/plain")
    assert (refused.status_code, refused.text) == (500, '{"message":"Internal Server Error"}')


def test_request_line_and_header_values_are_bounded(client: Client) -> None:
    line, host = "GET /echo? HTTP/1.1", "localhost"
    most = LARGEST_HEAD_BYTES - len(line) - len(host)
    target = {"RAW_URI": "/echo?" + "x" * most}
    assert client.get("/echo", environ_overrides=target, headers={"User-Agent": ""}).status_code == 200
    refused = client.get("/echo", environ_overrides=target, headers={"User-Agent": "x"})
    assert (refused.status_code, refused.text) == (431, '{"message":"Request Header Fields Too Large"}')


def test_handlers_run_one_at_a_time(client: Client) -> None:
    with ThreadPoolExecutor(4) as callers:
        answers = [callers.submit(client.post, "/alone") for _ in range(8)]
    assert all(answer.result().json is True for answer in answers)
