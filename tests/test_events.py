"""Every function's event in events/ is what API Gateway would make of a request, and succeeds on the demo's ledger."""

import json
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from ledger.table import Table
from tests.demo_ledger import items
from tests.local import demo
from tests.local.gateway import Context, import_handler
from tests.local.routes import find, routes
from tests.mailpartner import caller as mailpartner
from tests.ozeki import caller as ozeki
from tests.template import FUNCTIONS, ROOT

ROUTES = routes(FUNCTIONS)
ROUTED = sorted({route.function for route in ROUTES})

STATUS = {"RefuseRequest": 404}
"""What is success, where it is not a status in the two hundreds."""


def event_of(function: str) -> dict[str, Any]:
    module = FUNCTIONS[function]["Handler"].split(".")[-2]
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{module}.json").read_text())
    return event


def why_it_failed(function: str, answer: dict[str, Any]) -> object:
    """Tell what an answer complains of, in its dialect; nothing if it is a success."""
    dialect = FUNCTIONS[function]["Handler"].split(".")[0]
    if dialect == "operations":
        return answer.get("error") or answer.get("problems")
    if answer["statusCode"] // 100 != 2 and answer["statusCode"] != STATUS.get(function):
        return answer
    match dialect, function:
        case "ozeki", _:
            return ozeki.read(answer).message
        case "mailpartner", _:
            return mailpartner.read(answer).message
        case _, "XmlRpc":
            return fromstring(answer["body"]).find("fault")
        case _, "ChangeBalances":
            return [each for each in json.loads(answer["body"])["outcomes"] if each["problem"]]
    return None


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_event_succeeds(ledger: Table, function: str) -> None:
    handler = import_handler(FUNCTIONS[function]["Handler"])
    answer = handler(event_of(function), Context(function))
    assert not why_it_failed(function, answer)


@pytest.mark.parametrize("function", ROUTED)
def test_the_event_is_what_its_route_brings(function: str) -> None:
    event = event_of(function)
    http = event["requestContext"]["http"]
    found = find(ROUTES, http["method"], event["rawPath"])
    assert found
    route, variables = found
    assert route.function == function
    assert event["routeKey"] == event["requestContext"]["routeKey"] == route.key
    assert event["rawPath"] == http["path"]
    assert event.get("pathParameters", {}) == variables


def test_seeding_the_demo_again_changes_nothing(ledger: Table) -> None:
    before = items(ledger)
    demo.seed(ledger)
    assert items(ledger) == before


def test_no_two_events_share_an_idempotency_key() -> None:
    keys = [event_of(function)["headers"].get("idempotency-key") for function in ROUTED]
    given = [key for key in keys if key]
    assert len(set(given)) == len(given) > 0


def test_there_is_no_event_without_a_function() -> None:
    events = {path.stem for path in (ROOT / "events").iterdir()}
    assert events == {function["Handler"].split(".")[-2] for function in FUNCTIONS.values()}
