import pytest

from tests.local.routes import Route, find, path_of, routes

# The guide's own example, with what the rest of this product's APIs will need.
ROUTES = [
    ("GET", "/pets/dog/1"),
    ("GET", "/pets/dog/{id}"),
    ("GET", "/pets/{proxy+}"),
    ("ANY", "/{proxy+}"),
    ("POST", "/xmlrpc"),
    ("POST", "/xmlrpc/{proxy+}"),
    ("POST", "/api/2.0/customers/topup/{id}/{package_identifier}"),
    ("ANY", "/api/2.0/customers/{id}"),
    ("PUT", "/api/2.0/customers/{id}"),
]


def template(*listed: tuple[str, str]) -> list[Route]:
    """Read routes as from a template with one function, listed in the least helpful order."""
    events = {
        str(number): {"Type": "HttpApi", "Properties": {"Method": method, "Path": path}}
        for number, (method, path) in enumerate(sorted(listed, reverse=True))
    }
    return routes({"Function": {"Handler": "module.lambda_handler", "Events": events}})


@pytest.mark.parametrize(
    ("request_line", "route", "variables"),
    [
        ("GET /pets/dog/1", "GET /pets/dog/1", {}),
        ("GET /pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET /pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("POST /pets/dog/1", "ANY /{proxy+}", {"proxy": "pets/dog/1"}),
        ("PUT /api/2.0/customers/7", "PUT /api/2.0/customers/{id}", {"id": "7"}),
        ("GET /api/2.0/customers/7", "ANY /api/2.0/customers/{id}", {"id": "7"}),
        (
            "POST /api/2.0/customers/topup/7/gold%20pack",
            "POST /api/2.0/customers/topup/{id}/{package_identifier}",
            {"id": "7", "package_identifier": "gold pack"},
        ),
    ],
)
def test_the_most_specific_route_answers(request_line: str, route: str, variables: dict[str, str]) -> None:
    found = find(template(*ROUTES), *request_line.split())
    assert found
    assert (found[0].key, found[1]) == (route, variables)


@pytest.mark.parametrize("request_line", ["GET /", "PUT /xmlrpcs", "HEAD /api/2.0/customers/topup/7", "GET //pets"])
def test_the_default_route_takes_what_is_left(request_line: str) -> None:
    events = {"Default": {"Type": "HttpApi", "Properties": {}}}
    default = routes({"Refuse": {"Handler": "module.lambda_handler", "Events": events}})
    listed = [route for route in ROUTES if route != ("ANY", "/{proxy+}")]
    found = find(sorted([*default, *template(*listed)], key=lambda route: route.preference), *request_line.split())
    assert found
    assert (found[0].key, found[1]) == ("$default", {})


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/api?a=/b", "/api"),
        ("/a%2Fb", "/a%2Fb"),
        ("//api//x", "//api//x"),
        ("http://host/api?a", "/api"),
        ("http://host", "/"),
        ("*", "*"),
    ],
)
def test_the_path_of_a_request_is_as_it_was_sent(target: str, path: str) -> None:
    assert path_of(target) == path


def test_an_encoded_slash_stays_inside_its_variable() -> None:
    found = find(template(("GET", "/customers/{id}")), "GET", "/customers/a%2Fb")
    assert found
    assert found[1] == {"id": "a/b"}


def test_a_greedy_variable_takes_a_bare_trailing_slash() -> None:
    found = find(template(*ROUTES), "POST", "/xmlrpc/")
    assert found
    assert (found[0].path, found[1]) == ("/xmlrpc/{proxy+}", {"proxy": ""})


@pytest.mark.parametrize(
    "request_line",
    ["GET /api/", "GET /API", "GET /apis", "GET /", "GET /api/x", "HEAD /api", "PUT /api", "GET /items", "GET /items/"],
)
def test_what_no_route_names_is_answered_by_none(request_line: str) -> None:
    assert find(template(("GET", "/api"), ("POST", "/api"), ("GET", "/items/{id}")), *request_line.split()) is None


def test_a_dot_in_a_path_is_only_a_dot() -> None:
    assert find(template(("GET", "/api/2.0/me")), "GET", "/api/2x0/me") is None
