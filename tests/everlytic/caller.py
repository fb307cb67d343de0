"""A caller of the Everlytic API: goes through the local gateway, as HTTP would, and reads the answers back strictly."""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring
from werkzeug.test import Client, TestResponse

from tests.local import demo
from tests.local.gateway import Gateway
from tests.local.routes import routes
from tests.template import FUNCTIONS

EVERLYTIC = {name: each for name, each in FUNCTIONS.items() if each["Handler"].startswith("everlytic.")}
CUSTOMERS = "/api/2.0/customers"
HOST = "https://api.example"
QUOTAS = ("email_quota", "sms_quota", "transactions_quota")

ROUTES = routes(EVERLYTIC)


def basic(credentials: str | bytes) -> str:
    """Write a Basic Authorization header."""
    raw = credentials.encode() if isinstance(credentials, str) else credentials
    return f"Basic {b64encode(raw).decode()}"


ADMIN = basic(f"admin:{demo.API_KEY}")
RIVAL = basic("rival:rival-key")
USER = basic("mary:user-key")


@dataclass(frozen=True)
class Answer:
    """What a caller can tell from an answer."""

    status: int
    item: dict[str, Any] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    message: str = ""
    replayed: bool = False

    @property
    def quotas(self) -> tuple[int, ...]:
        """The three prepaid quotas: e-mails, SMS, transactions."""
        return tuple(self.item[name] for name in QUOTAS)

    @property
    def error(self) -> tuple[int, str]:
        """What went wrong."""
        assert self.message
        return self.status, self.message


def ask(
    method: str,
    path: str = "",
    properties: dict[str, Any] | None = None,
    *,
    key: str | None = None,
    auth: str | None = ADMIN,
    **more: Any,
) -> Answer:
    """Call an endpoint below /customers."""
    return read(send(method, path, properties, key=key, auth=auth, **more))


def send(
    method: str,
    path: str = "",
    properties: dict[str, Any] | None = None,
    *,
    key: str | None = None,
    auth: str | None = ADMIN,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> TestResponse:
    """Call an endpoint below /customers and give the response as it is."""
    sent = {**({} if auth is None else {"Authorization": auth}), **({} if key is None else {"Idempotency-Key": key})}
    if properties is not None:
        more["json"] = properties
    # A gateway takes one request at a time, and some tests make one in the middle of another.
    client = Client(Gateway(ROUTES))
    return client.open(CUSTOMERS + path, method=method, base_url=HOST, headers={**sent, **(headers or {})}, **more)


def create(name: str, **properties: Any) -> int:
    """Create a customer with a made-up e-mail address and give its id."""
    answer = ask("POST", "", {"name": name, "email": f"{name.lower()}@example.com", **properties})
    assert answer.status == 201
    number: int = answer.item["id"]
    return number


def top_up(customer: int, package: str = "2", **more: Any) -> Answer:
    return ask("PUT", f"/topup/{customer}/{package}", **more)


def read(response: TestResponse) -> Answer:
    """Read an answer, in either format, and fail on anything that no caller of Everlytic's could read."""
    assert response.status_code < 500 or response.status_code in (503, 504), response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    body = response.json if response.content_type == "application/json" else _xml(response)
    replayed = response.headers.get("Idempotency-Replayed") == "true"
    match body:
        case {"error": {"message": str(message), **inside}, **rest} if not (inside or rest):
            return Answer(response.status_code, message=message)
        case {"links": links, "item": item, **rest} if not rest:
            return Answer(response.status_code, item=_checked(item), links=_links(links), replayed=replayed)
        case {"links": links, "collection": items, **rest} if not rest:
            shown = [_checked(each["data"]) for each in items if each.keys() == {"data"}]
            assert len(shown) == len(items)
            return Answer(response.status_code, items=shown, links=_links(links))
    raise AssertionError(f"not an answer: {body}")


def _checked(item: dict[str, Any]) -> dict[str, Any]:
    integers = {name for name, value in item.items() if type(value) is int}
    assert integers == {"id", "email_package_id", "transactions_package_id", *QUOTAS}
    assert all(isinstance(item[name], str) for name in item.keys() - integers)
    return item


def _links(links: list[dict[str, str]]) -> dict[str, str]:
    assert all(link.keys() == {"rel", "href"} for link in links)
    return {link["rel"]: link["href"] for link in links}


def _xml(response: TestResponse) -> dict[str, Any]:
    assert response.content_type in ("application/xml", "text/xml")
    root = fromstring(response.data)
    assert root.tag == "response"
    plain: dict[str, Any] = {}
    for part in root:
        match part.tag:
            case "links":
                plain["links"] = [_flat(link) for link in part]
            case "collection":
                plain["collection"] = [{each.tag: _typed(_flat(each))} for each in part]
            case "item":
                plain["item"] = _typed(_flat(part))
            case other:
                plain[other] = _flat(part)
    return plain


def _flat(element: Element) -> dict[str, Any]:
    return {each.tag: each.text or "" for each in element}


def _typed(item: dict[str, Any]) -> dict[str, Any]:
    """Read as integers what JSON has as integers."""
    return {n: int(v) if n in ("id", *QUOTAS) or n.endswith("_package_id") else v for n, v in item.items()}
