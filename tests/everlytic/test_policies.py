"""Each function may do in DynamoDB what it does, and nothing else: template.yaml against the calls it really makes."""

from collections.abc import Callable
from typing import Any

import pytest

from ledger import flush, packages
from ledger.table import Table
from tests.everlytic.books import add, intercept
from tests.everlytic.caller import EVERLYTIC, ask
from tests.everlytic.test_xml_rpc import call
from tests.local import demo

Send = Callable[..., object]

NEW = {"name": "New", "email": "new@acme.example", "email_package_id": 2, "email_quota": 5}
ALL = {"name": "x", "email": "x@acme.example", "email_quota": 1, "status": "suspended", "email_package_id": 2}
UNTIL_A_PAGE_IS_DUE = range(3)


class Watched:
    """The actions that IAM asks for while a request is answered: a transaction's are those of its parts."""

    def __init__(self, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        self.table = table
        self.actions: set[str] = set()
        self._monkeypatch = monkeypatch
        self._is_watching = False
        table.client.meta.events.register("before-parameter-build.dynamodb", self._note, unique_id="watched")

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        parts = [f"{part.removesuffix('Item')}Item" for each in params.get("TransactItems", []) for part in each]
        if self._is_watching:
            self.actions |= {f"dynamodb:{name}" for name in parts or [model.name]}

    def send(self, act: Send, *request: Any, **more: Any) -> None:
        self.table.recent.clear()
        self._is_watching = True
        act(*request, **more)
        self._is_watching = False

    def send_overtaken(self, act: Send, *request: Any, **more: Any) -> None:
        """Have the customer that is being created topped up before its creator looks at it."""

        def before(asked: Any) -> None:
            if asked["Key"]["sk"]["S"] == "C#000000000002":
                self._is_watching = False
                add(self.table, 2, "sms", 1)
                self._is_watching = True

        with self._monkeypatch.context() as race:
            intercept(race, self.table, before, "get_item")
            self.send(act, *request, **more)

    def close(self) -> None:
        self.table.client.meta.events.unregister("before-parameter-build.dynamodb", unique_id="watched")


def creating(watched: Watched, send: Send, *request: Any) -> None:
    watched.send_overtaken(send, *request, NEW, key="new")
    for _ in UNTIL_A_PAGE_IS_DUE:
        add(watched.table, 2, "transactions", 1)
    watched.send(send, *request, NEW, key="new")


def reading(watched: Watched, send: Send, *request: Any) -> None:
    watched.send(send, *request)


def updating(watched: Watched, send: Send, *request: Any) -> None:
    for amount in UNTIL_A_PAGE_IS_DUE:
        watched.send(send, *request, {"sms_quota": amount})
    for _ in range(2):
        watched.send(send, *request, ALL, key="update")


def deleting(watched: Watched, send: Send, *request: Any) -> None:
    for _ in UNTIL_A_PAGE_IS_DUE:
        add(watched.table, demo.ACME, "sms", 1)
    for _ in range(2):
        watched.send(send, *request, key="delete")


def topping_up(watched: Watched, send: Send, *request: Any) -> None:
    watched.send(send, *request, key="top up")
    for _ in UNTIL_A_PAGE_IS_DUE:
        watched.send(send, *request)
    watched.send(send, *request, key="top up")
    packages.retire(watched.table, demo.ADMIN, "2")
    watched.send(send, *request, key="retired")


def call_with(method: str, *given: Any, key: str | None = None) -> object:
    return call(method, *given, **({} if key is None else {"Idempotency-Key": key}))


def calling(watched: Watched, send: Send) -> None:
    creating(watched, send, "CreateCustomer")
    reading(watched, send, "ListCustomers")
    reading(watched, send, "GetCustomer", demo.JOHN)
    topping_up(watched, send, "Topup", demo.ACME, "2")
    updating(watched, send, "UpdateCustomer", demo.ACME)
    deleting(watched, send, "DeleteCustomer", demo.ACME)


SCENARIOS: dict[str, Callable[[Watched], None]] = {
    "CreateCustomer": lambda watched: creating(watched, ask, "POST", ""),
    "ListCustomers": lambda watched: reading(watched, ask, "GET", "?count=1&page=2"),
    "GetCustomer": lambda watched: reading(watched, ask, "GET", f"/{demo.JOHN}"),
    "UpdateCustomer": lambda watched: updating(watched, ask, "PUT", "/1"),
    "DeleteCustomer": lambda watched: deleting(watched, ask, "DELETE", "/1"),
    "TopupCustomer": lambda watched: topping_up(watched, ask, "PUT", "/topup/1/2"),
    "XmlRpc": lambda watched: calling(watched, call_with),
}


@pytest.mark.parametrize("function", EVERLYTIC)
def test_a_function_may_do_what_it_does_and_nothing_else(
    ledger: Table, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    monkeypatch.setattr(flush, "EVERY", 1)
    monkeypatch.setattr(flush, "KEEP", 1)
    watched = Watched(ledger, monkeypatch)
    SCENARIOS[function](watched)
    watched.close()
    (policy,) = EVERLYTIC[function]["Policies"]
    assert watched.actions == set(policy["Statement"][0]["Action"])
