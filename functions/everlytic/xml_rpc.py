"""POST /api/2.0/xmlrpc and /api/2.0/xmlrpc/{proxy+}: the same customers, called as methods of XML-RPC.

The second path is there for the first with a slash after it, which API Gateway cannot route otherwise. What a method
meets is a fault, whose code is REST's status and whose text is REST's message; HTTP says 200.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import gateway
from everlytic import marshalling
from everlytic.create_customer import create_customer
from everlytic.delete_customer import delete_customer
from everlytic.formats import Customer, Page
from everlytic.get_customer import get_customer
from everlytic.list_customers import list_customers
from everlytic.marshalling import Call, Returned
from everlytic.topup_customer import topup_customer
from everlytic.update_customer import update_customer
from everlytic.wire import Refused, Request
from ledger.table import open_table

table = open_table()


@dataclass(frozen=True, slots=True)
class Method:
    """A method: the endpoint that does it, what it returns, its parameters with their types, how many it must have."""

    act: Callable[[Request], Customer | Page]
    returns: str
    parameters: dict[str, str]
    least: int

    def signatures(self) -> list[list[str]]:
        """Write its signatures as system.methodSignature does."""
        types = list(self.parameters.values())
        return [[self.returns, *types[:count]] for count in range(self.least, len(types) + 1)]


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if gateway.path(event).get("proxy"):
        # As API Gateway itself answers where there is nothing.
        headers = {"Content-Type": "application/json"}
        return {
            "statusCode": int(HTTPStatus.NOT_FOUND),
            "headers": headers,
            "body": json.dumps({"message": "Not Found"}),
        }
    return marshalling.answer(event, xml_rpc, "MethodCalled")


def xml_rpc(call: Call) -> Returned:
    """Call one method. Who asks is settled before anything that they wrote is read."""
    call.request({}).operator(table)
    name, given = call.read()
    match name, given:
        case "system.listMethods", ():
            return Returned([*METHODS, "system.listMethods", "system.methodSignature"])
        case "system.methodSignature", (str(asked),):
            return Returned(_method(asked).signatures())
    method = _method(name)
    if not method.least <= len(given) <= len(method.parameters):
        raise Refused(HTTPStatus.BAD_REQUEST, f"{name} takes ({', '.join(method.parameters)})")
    call.log["method"] = method.act.__name__
    answered = method.act(call.request(dict(zip(method.parameters, given, strict=False))))
    if isinstance(answered, Page):
        return Returned(list(answered.items))
    return Returned(answered.item if method.returns == "struct" else answered.item["id"], answered.replayed)


def _method(name: str) -> Method:
    if name not in METHODS:
        raise Refused(HTTPStatus.NOT_FOUND, "no such method")
    return METHODS[name]


def _both_names(methods: dict[str, Method]) -> dict[str, Method]:
    """Give each method the full name of the XML-RPC interface and the bare one that the vendor's pages use."""
    return {f"customers.{name}": method for name, method in methods.items()} | methods


_ID = {"id": "int"}
_PROPERTIES = {"properties": "struct"}
_LISTING = {"page": "int", "count": "int", "order": "string", "direction": "string", "filter": "string"}

METHODS = _both_names(
    {
        "CreateCustomer": Method(create_customer, "int", _PROPERTIES, least=1),
        "UpdateCustomer": Method(update_customer, "int", _ID | _PROPERTIES, least=2),
        "GetCustomer": Method(get_customer, "struct", _ID, least=1),
        "ListCustomers": Method(list_customers, "array", _LISTING, least=0),
        "DeleteCustomer": Method(delete_customer, "int", _ID, least=1),
        "Topup": Method(topup_customer, "struct", _ID | {"package_identifier": "string"}, least=2),
    }
)
