"""What no route serves is answered in the form of the dialect that was meant, never by API Gateway itself."""

import io
from collections import defaultdict
from typing import Any
from urllib.parse import urljoin

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client, TestResponse

import everlytic.wire
import refuse_request
from ledger.table import Table
from tests.local import demo
from tests.local.gateway import Context, Gateway
from tests.local.routes import DEFAULT, routes
from tests.logged import counted, lines
from tests.template import FUNCTIONS

ROUTES = [route for route in routes(FUNCTIONS) if route.path != DEFAULT]
CLIENT = Client(Gateway(routes(FUNCTIONS)), use_cookies=False)
PREFIXES = ("/api/2.0", "/api", "/v1", "/ledger")

JSON, XML, PROBLEM = "application/json", "application/xml", "application/problem+json"


def send(method: str, target: str, **headers: str) -> TestResponse:
    """Send a request for this target as it is, without the library's ideas of what a path should look like."""
    raw = {"RAW_URI": target, "QUERY_STRING": target.partition("?")[2]}
    return CLIENT.open("/", method=method, environ_overrides=raw, headers=headers)


def told(answer: TestResponse) -> str:
    """Read what a caller is told, in whatever form, having checked that the form is one."""
    match answer.content_type:
        case "application/problem+json":
            assert answer.json
            assert answer.json["status"] == answer.status_code
            return str(answer.json["detail"])
        case "application/json":
            match answer.json:
                case {"error": {"message": message}}:
                    return str(message)
                case {"success": False, "code": code, "message": message}:
                    assert code == answer.status_code
                    return str(message)
    root = fromstring(answer.text)
    return str(next(filter(None, (root.findtext(path) for path in ("data/errormessage", "error/message", "entry[3]")))))


def test_the_paths_it_knows_are_the_templates_routes() -> None:
    methods: dict[str, set[str]] = defaultdict(set)
    for route in ROUTES:
        methods[route.path].add(route.method)
    assert {path: ", ".join(sorted(methods[path])) for path in methods} == refuse_request.METHODS


# -------------------------------------------------------------------------------------------------- each dialect's form

ERRORS = {(XML, 200): 3, (PROBLEM, 404): "no_such_path", (PROBLEM, 405): "method_not_allowed"}
"""What the log line says of a refusal, where it is not the status."""

NO_PATH, NO_METHOD = "no such path; perhaps ", "this path has no such method; it has "


@pytest.mark.parametrize(
    ("method", "target", "status", "content_type", "message", "allow"),
    [
        ("GET", "/api/2.0/customers/1/", 404, JSON, NO_PATH + "/api/2.0/customers/1", None),
        ("GET", "/api/2.0/nowhere", 404, JSON, "no such path", None),
        ("GET", "/api/2.0", 404, JSON, "no such path", None),
        ("PATCH", "/api/2.0/customers/1", 405, JSON, NO_METHOD + "DELETE, GET, PUT", "DELETE, GET, PUT"),
        ("GET", "/api/2.0/xmlrpc/", 405, JSON, NO_METHOD + "POST", "POST"),
        ("GET", "/customers/1", 404, JSON, NO_PATH + "/api/2.0/customers/1", None),
        ("POST", "/v1/subaccount/create/", 404, JSON, "Ce chemin n'existe pas : peut-être /v1/subaccount/create", None),
        ("GET", "/v1/nowhere?apiKey=secret", 404, JSON, "Ce chemin n'existe pas", None),
        ("GET", "/v1", 404, JSON, "Ce chemin n'existe pas", None),
        ("GET", "/v1/me/?_format=xml", 404, XML, "Ce chemin n'existe pas : peut-être /v1/me", None),
        ("PUT", "/v1/me", 405, JSON, "Ce chemin n'a pas cette méthode : GET", "GET"),
        ("GET", "/api/?action=getcredits", 200, XML, NO_PATH + "/api", None),
        ("GET", "/api/nowhere", 200, XML, "no such path", None),
        ("PUT", "/api", 200, XML, NO_METHOD + "GET, POST", "GET, POST"),
        ("GET", "/ledger/accounts/1/", 404, PROBLEM, NO_PATH + "/ledger/accounts/1", None),
        ("GET", "/ledger/nowhere", 404, PROBLEM, "There is no such path", None),
        ("PUT", "/ledger/accounts", 405, PROBLEM, "This path does not have that method", "GET, POST"),
        ("POST", "/", 405, PROBLEM, "This path does not have that method", "GET, HEAD"),
        ("GET", "/nowhere", 404, PROBLEM, "There is no such path", None),
        ("GET", "/apis", 404, PROBLEM, "There is no such path", None),
        ("OPTIONS", "/favicon.ico", 404, PROBLEM, "There is no such path", None),
    ],
)
def test_a_dialect_refuses_in_its_own_form_what_it_does_not_serve(
    log: io.StringIO, method: str, target: str, status: int, content_type: str, message: str, allow: str | None
) -> None:
    answer = send(method, target)
    assert (answer.status_code, answer.content_type, told(answer)) == (status, content_type, message)
    assert answer.headers.get("allow") == allow
    assert answer.headers["cache-control"] == "no-store"
    (line,) = lines(log)
    assert (line["message"], line["error"]) == ("refused", ERRORS.get((content_type, status), status))
    assert line.keys() == {"message", "error", "timestamp", "location", "level", "service", "correlation_id"}
    assert "secret" not in log.getvalue()


def test_the_format_is_the_one_that_the_caller_accepts() -> None:
    answer = send("GET", "/api/2.0/customers/1/", Accept=XML)
    assert (answer.status_code, answer.content_type) == (404, XML)
    assert told(answer) == NO_PATH + "/api/2.0/customers/1"


def test_an_ozeki_caller_reads_the_error_it_knows() -> None:
    answer = send("GET", "/API?action=getcredits&password=secret")
    assert fromstring(answer.text).findtext("data/errorcode") == "3"
    assert told(answer) == NO_PATH + "/api"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("target", "dialect"),
    [("/api/2.0/x", "everlytic"), ("/me", "mailpartner"), ("/api/x", "ozeki"), ("/x", "ledger")],
)
def test_it_is_counted_for_its_dialect(capfd: pytest.CaptureFixture[str], target: str, dialect: str) -> None:
    send("GET", target)
    assert counted(capfd.readouterr().out) == {(dialect, "none", "Refused"): 1}


# ------------------------------------------------------------------------------------------------------- what was meant

SENT = {"{id}": "7", "{unit}": "sms", "{package_identifier}": "gold%20pack", "{proxy+}": ""}
NAMED = sorted({*refuse_request.METHODS} - {"/api/2.0/xmlrpc", "/api/2.0/xmlrpc/{proxy+}"})  # any path below is served


def filled(template: str) -> str:
    """Put something for the variables of a path."""
    return "/".join(SENT.get(part, "x-1") if part.startswith("{") else part for part in template.split("/"))


def capitalised(path: str, template: str) -> str:
    """Write in capitals what is fixed in a path."""
    parts = zip(path.split("/"), template.split("/"), strict=True)
    return "/".join(sent if part.startswith("{") else part.upper() for sent, part in parts)


@pytest.mark.parametrize("template", NAMED)
def test_a_path_that_is_nearly_one_is_told_that_one(template: str) -> None:
    path = filled(template)
    prefix = next(each for each in PREFIXES if path.startswith(each))
    near = [
        path + "/",
        path.replace("/", "//"),
        "/" + path + "//",
        capitalised(path, template),
        prefix + path,
        path.removeprefix(prefix),
    ]
    for target in near:
        if target not in ("", path, *refuse_request.DOCS):
            assert told(send("GET", target + "?password=secret")).endswith(f" {path}"), target


@pytest.mark.parametrize(
    "target",
    ["/v1/customers", "/ledger/customers", "/api/me", "/ledger/account", "/api/2.0/customers/1/2/3", "//", "/2.0"],
)
def test_what_is_not_certain_is_not_named(target: str) -> None:
    assert "perhaps" not in told(send("GET", target))
    assert "peut-être" not in told(send("GET", target))


def test_what_the_caller_wrote_is_bounded_and_cannot_be_taken_for_more_than_a_path() -> None:
    longest = "a" * 64
    assert told(send("GET", f"/ledger/accounts/{longest}/")).endswith(f" /ledger/accounts/{longest}")
    assert told(send("GET", f"/ledger/accounts/{longest}a/")).endswith(" /ledger/accounts/{id}")
    hostile = "%3Cscript%3E%0A%22%C3%B6%3Fapi%3D1"
    assert told(send("GET", f"/ledger/accounts/{hostile}/")).endswith(f" /ledger/accounts/{hostile}")


# ------------------------------------------------------------------------------------------------------------- anything

PATHS = st.lists(
    st.sampled_from(["", "api", "2.0", "v1", "ledger", "docs", "customers", "me", "1", "{id}", "..", "%00"])
    | st.text(min_size=1),
    max_size=8,
).map("/".join)


@given(PATHS)
def test_there_is_no_path_that_it_cannot_refuse(path: str) -> None:
    event = {"rawPath": f"/{path}", "requestContext": {"requestId": "x", "http": {"method": "PUT"}}}
    answer = refuse_request.lambda_handler(event, Context("RefuseRequest"))
    assert answer["statusCode"] in (200, 404, 405)
    assert answer["body"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("target", ["/", "/x", "/api/x", "/api/2.0/x", "/v1/x", "/ledger/x", "//api", "/%2Fapi", "*"])
def test_nobody_meets_api_gateways_own_answers(method: str, target: str) -> None:
    answer = send(method, target)
    assert answer.status_code in (200, 302, 404, 405)
    assert not answer.text.startswith('{"message"')


@pytest.mark.usefixtures("failing")
def test_a_failure_is_told_as_what_it_failed_to_tell(monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    refuse, tries = everlytic.wire.refuse, []

    def fail_once(*arguments: Any) -> dict[str, Any]:
        tries.append(arguments)
        if len(tries) == 1:
            raise RuntimeError
        return refuse(*arguments)

    monkeypatch.setattr(everlytic.wire, "refuse", fail_once)
    answer = send("GET", "/api/2.0/customers/1/")
    assert (answer.status_code, told(answer)) == (404, "no such path")
    (line,) = lines(log)
    assert line["message"] == "failed"


# ---------------------------------------------------------------------------------------------------------------- pages


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("target", ["/", "/docs", "/ledger", "/ledger/", "/?a=secret"])
def test_whoever_looks_around_is_led_to_the_docs(log: io.StringIO, method: str, target: str) -> None:
    answer = send(method, target)
    assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (302, "", "no-store")
    assert urljoin(f"https://prepaid.example{target}", answer.headers["location"]).endswith("example/ledger/docs")
    assert [line["message"] for line in lines(log)] == ["DocsFound"]
    assert "secret" not in log.getvalue()


def test_the_way_to_the_docs_also_leads_there_behind_a_path_of_a_proxys() -> None:
    """Which cuts /prepaid off before it asks; its caller resolves Location against what it asked for itself."""
    for target in refuse_request.DOCS:
        location = send("GET", target).headers["location"]
        assert (
            urljoin(f"https://proxy.example/prepaid{target}", location) == "https://proxy.example/prepaid/ledger/docs"
        )


@pytest.mark.parametrize(
    "path",
    ["/ledger/docs", "/ledger/openapi.json", "/ledger/accounts/101/balances/sms/statement?format=html"],
)
def test_head_has_the_headers_of_get_and_no_body(ledger: Table, path: str) -> None:
    get, head = (send(method, path, Authorization=f"Bearer {demo.API_KEY}") for method in ("GET", "HEAD"))
    assert (head.status_code, head.data) == (200, b"")
    assert len(get.data) == head.content_length
    for answer in (get, head):
        answer.headers.remove("apigw-requestid")
    assert (head.status, head.headers) == (get.status, get.headers)
