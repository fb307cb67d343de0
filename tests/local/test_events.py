"""Every event of events/ sent over HTTP, with headers named as API Gateway does and as `sam local` does."""

from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import Client

import gateway
from ledger.table import Table
from tests.local.gateway import Gateway
from tests.local.routes import routes
from tests.template import FUNCTIONS
from tests.test_events import ROUTED, event_of, why_it_failed

OURS_TO_ADD = ("x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "content-length")
CLIENTS = {
    sam_headers: Client(Gateway(routes(FUNCTIONS), sam_headers=sam_headers), use_cookies=False)
    for sam_headers in (False, True)
}


def send(event: dict[str, Any], *, sam_headers: bool) -> dict[str, Any]:
    """Send the request that an event was made of, and give the answer as its handler would."""
    response = CLIENTS[sam_headers].open(
        quote(event["rawPath"]),
        method=event["requestContext"]["http"]["method"],
        query_string=event["rawQueryString"],
        data=gateway.body(event, 1_000_000),
        headers={name: value for name, value in event["headers"].items() if name not in OURS_TO_ADD},
    )
    return {"statusCode": response.status_code, "headers": dict(response.headers), "body": response.text}


@pytest.mark.parametrize("sam_headers", CLIENTS)
@pytest.mark.parametrize("function", ROUTED)
def test_an_event_succeeds_over_http(ledger: Table, function: str, *, sam_headers: bool) -> None:
    assert not why_it_failed(function, send(event_of(function), sam_headers=sam_headers))


@pytest.mark.parametrize("sam_headers", CLIENTS)
def test_a_key_is_heeded_however_its_header_is_named(ledger: Table, *, sam_headers: bool) -> None:
    for function in ("OzekiApi", "TopupCustomer", "AddCredit", "ChangeBalance"):
        event = event_of(function)
        keyed = event | {"headers": event["headers"] | {"idempotency-key": f"once {function}"}}
        answers = [send(keyed, sam_headers=sam_headers) for _ in range(2)]
        assert [answer["headers"].get("Idempotency-Replayed") for answer in answers] == [None, "true"], function
