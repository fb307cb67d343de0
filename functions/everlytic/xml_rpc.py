"""POST /api/2.0/xmlrpc and /api/2.0/xmlrpc/{proxy+}: the same customers, called as methods of XML-RPC.

The second path is there for the first with a slash after it, which API Gateway cannot route otherwise. What a method
meets is a fault, whose code is REST's status and whose text is REST's message; HTTP says 200.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from itertools import product
from typing import Any

import gateway
from everlytic import marshalling, wire
from everlytic.create_customer import create_customer
from everlytic.delete_customer import delete_customer
from everlytic.formats import Customer, Page
from everlytic.get_customer import get_customer
from everlytic.list_customers import list_customers
from everlytic.marshalling import Call, Returned
from everlytic.topup_customer import topup_customer
from everlytic.update_customer import update_customer
from everlytic.wire import Refused, Request
from ledger import metrics
from ledger.credentials import Caller
from ledger.metrics import Metric
from ledger.table import open_table
from telemetry import Log

MOST_CALLS = 50
LONGEST_LISTS = 5_500_000
"""Bytes of all lists in one answer: Lambda sends 6 MB, and what else MOST_CALLS return fits besides."""

_LAST_START_MS = 6_000
"""A call begun later might outlive the function."""

table = open_table()


@dataclass(frozen=True, slots=True)
class Method:
    """A method: the endpoint that does it and how, what it returns, its parameters and the types that each may have."""

    act: Callable[[Request], Customer | Page]
    does: str
    returns: str
    parameters: Mapping[str, tuple[str, ...]]
    least: int

    def signatures(self) -> list[list[str]]:
        """Write its signatures as system.methodSignature does."""
        types = list(self.parameters.values())
        counts = range(self.least, len(types) + 1)
        return [[self.returns, *given] for count in counts for given in product(*types[:count])]


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if gateway.path(event).get("proxy"):
        return wire.run(event, "refused", refuse_path, partial(wire.refuse, event))
    return marshalling.answer(event, xml_rpc, "MethodCalled")


def refuse_path(_: Log) -> dict[str, Any]:
    raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here: XML-RPC is at /api/2.0/xmlrpc")


def xml_rpc(call: Call) -> Returned:
    """Call one method, or several. Who asks is settled, once, before anything that they wrote is read."""
    caller = call.request({}).caller(table, fresh=True)  # whichever method it is: that is not read yet
    name, given = call.read()
    match name, given:
        case "system.multicall", ([*calls],):
            return call_each(call, caller, calls)
    return call_method(call, caller, name, given)


def call_method(call: Call, caller: Caller, name: str, given: Sequence[Any], place: int | None = None) -> Returned:
    """Call a method with what it is given."""
    match name, given:
        case "system.listMethods", ():
            return Returned([*METHODS, *SYSTEM])
        case "system.methodSignature", (str(asked),):
            return Returned(SYSTEM[asked][1] if asked in SYSTEM else _method(asked).signatures())
        case "system.methodHelp", (str(asked),):
            return Returned(SYSTEM[asked][0] if asked in SYSTEM else _method(asked).does)
    method = _method(name)
    if not method.least <= len(given) <= len(method.parameters):
        raise Refused(HTTPStatus.BAD_REQUEST, f"{name} takes ({', '.join(method.parameters)})")
    call.log["method"] = method.act.__name__
    answered = method.act(call.request(dict(zip(method.parameters, given, strict=False)), caller, place))
    if isinstance(answered, Page):
        return Returned(list(answered.items))
    return Returned(answered.item if method.returns == "struct" else answered.item["id"], answered.replayed)


def call_each(call: Call, caller: Caller, calls: Sequence[Any]) -> Returned:
    """Call each method in turn, whatever became of those before it, as long as there is time, and room for its list.

    Each returns an array of one value, or the fault it met as a struct.
    """
    if len(calls) > MOST_CALLS:
        raise Refused(HTTPStatus.BAD_REQUEST, f"system.multicall: more than {MOST_CALLS} calls")
    last_start_ms = table.now_ms() + _LAST_START_MS
    outcomes: list[Any] = []
    replayed, room, refused = False, LONGEST_LISTS, 0
    for place, each in enumerate(calls):
        try:
            if table.now_ms() > last_start_ms:
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "not made, for want of time: send it again")
            returned = call_method(replace(call, log={}), caller, *_named(each), place)
            if isinstance(returned.value, list):
                taken = marshalling.size(returned.value)
                if taken > room:
                    raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "no room in this answer: list fewer at once")
                room -= taken
        except wire.FAILURES as error:
            status, message = wire.judge(error)
            outcomes.append({"faultCode": int(status), "faultString": message})
            metrics.count(Metric.REFUSED, metrics.NO_UNIT)
            refused += 1
        else:
            outcomes.append([returned.value])
            replayed = replayed or returned.replayed
    call.log.update(method="multicall", calls=len(calls), refused=refused)
    return Returned(outcomes, replayed)


def _named(call: object) -> tuple[str, list[Any]]:
    """Read one call of several. Raises Refused."""
    match call:
        case {"methodName": "system.multicall"}:
            raise Refused(HTTPStatus.BAD_REQUEST, "system.multicall: not within another")
        case {"methodName": str(name), "params": [*given], **rest} if not rest:
            return name, given
        case {"methodName": str(name), **rest} if rest in ({}, {"params": {}}):
            return name, []
    raise Refused(HTTPStatus.BAD_REQUEST, "system.multicall: a call is a struct of methodName and params")


def _method(name: str) -> Method:
    if name not in METHODS:
        raise Refused(HTTPStatus.NOT_FOUND, "no such method")
    return METHODS[name]


def _both_names(methods: dict[str, Method]) -> dict[str, Method]:
    """Give each method the full name of the XML-RPC interface and the bare one that the vendor's pages use."""
    return {f"customers.{name}": method for name, method in methods.items()} | methods


_ID = {"id": ("int",)}
_PROPERTIES = {"properties": ("struct",)}
_PACKAGE = {"package_identifier": ("string",)}
_LISTING = {
    "page": ("int",),
    "count": ("int",),
    "order": ("string",),
    "direction": ("string",),
    "filter": ("string", "struct"),
}

METHODS = _both_names(
    {
        "CreateCustomer": Method(
            create_customer, "Creates a customer and returns its id.", "int", _PROPERTIES, least=1
        ),
        "UpdateCustomer": Method(
            update_customer, "Changes the properties given and returns the id.", "int", _ID | _PROPERTIES, least=2
        ),
        "GetCustomer": Method(get_customer, "Returns a customer.", "struct", _ID, least=1),
        "ListCustomers": Method(
            list_customers,
            "Returns a page of customers. The filter is a text in name, email or unique_id, or properties to equal.",
            "array",
            _LISTING,
            least=0,
        ),
        "DeleteCustomer": Method(delete_customer, "Deletes a customer and returns its id.", "int", _ID, least=1),
        "Topup": Method(
            topup_customer, "Adds all of a package and returns the customer.", "struct", _ID | _PACKAGE, least=2
        ),
    }
)

SYSTEM = {
    "system.listMethods": ("Returns the names of all methods.", [["array"]]),
    "system.methodSignature": ("Returns a method's signatures, what it returns being first.", [["array", "string"]]),
    "system.methodHelp": ("Returns what a method does.", [["string", "string"]]),
    "system.multicall": (f"Makes up to {MOST_CALLS} calls, each on its own.", [["array", "array"]]),
}
"""What the methods about methods do, and their signatures."""
