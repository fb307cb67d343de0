"""The customers as methods of XML-RPC: one behaviour with REST, called as its own clients call."""

from collections.abc import Iterator
from typing import Any
from xmlrpc.client import Fault, ProtocolError, ServerProxy, dumps, loads

import pytest
from werkzeug.test import Client, TestResponse

from ledger.kinds import Kind
from ledger.table import Table
from tests.demo_ledger import items
from tests.everlytic.books import add, available, happened, open_rival, open_user, serving
from tests.everlytic.caller import ADMIN, RIVAL, ROUTES, USER, ask, basic
from tests.local import demo
from tests.local.gateway import Gateway

PATH = "/api/2.0/xmlrpc"


def post(body: str | bytes, auth: str | None = ADMIN, path: str = PATH, **headers: str) -> TestResponse:
    """Send a body as it is."""
    sent = {**({} if auth is None else {"Authorization": auth}), **headers}
    return Client(Gateway(ROUTES)).post(path, data=body, headers=sent, content_type="text/xml")


def call(method: str, *parameters: Any, auth: str | None = ADMIN, **headers: str) -> Any:
    """Call a method; give what it returns, or the fault's code and text."""
    return read(post(dumps(parameters, method), auth, **headers))


def read(response: TestResponse) -> Any:
    assert (response.status_code, response.content_type) == (200, "text/xml")
    try:
        ((value,), _) = loads(response.text)
    except Fault as fault:
        return fault.faultCode, fault.faultString
    return value


@pytest.fixture
def api(ledger: Table) -> Iterator[Any]:
    """Give Python's own client of the API, over HTTP and with the trailing slash."""
    with (
        serving() as base_url,
        ServerProxy(f"{base_url}{PATH}/".replace("://", f"://admin:{demo.API_KEY}@")) as proxy,
    ):
        yield proxy


def test_pythons_own_client_drives_a_customer_from_its_creation_to_its_end(api: Any, ledger: Table) -> None:
    number = api.customers.CreateCustomer({"name": "Größe & <Söhne>", "email": "a@b.example", "email_quota": 5})
    assert number == 2
    assert api.customers.UpdateCustomer(number, {"email": "c@d.example", "sms_quota": "7", "country": "za"}) == number
    customer = api.customers.GetCustomer(number)
    assert customer == ask("GET", f"/{number}").item
    assert (customer["name"], customer["email"], customer["country"]) == ("Größe & <Söhne>", "c@d.example", "ZA")

    topped_up = api.customers.Topup(number, "starter")
    assert topped_up == customer | {"email_quota": 505, "sms_quota": 107, "transactions_quota": 50}
    assert [each["id"] for each in api.customers.ListCustomers(1, 50, "name", "ASC", "b.example")] == []
    assert api.customers.ListCustomers(1, 50, "name", "ASC", "D.EXAMPLE") == [topped_up]
    assert [each["id"] for each in api.customers.ListCustomers()] == [1, 2, demo.JOHN, demo.SUBACCOUNT]
    assert [each["id"] for each in api.customers.ListCustomers(2, 1)] == [2]
    assert api.customers.DeleteCustomer(number) == number
    assert api.customers.GetCustomer(number) == topped_up | {"status": "deleted", "deleted": "yes"}
    with pytest.raises(Fault, match=r"409.*the customer is deleted"):
        api.customers.Topup(number, "starter")

    names = api.system.listMethods()
    assert {"customers.CreateCustomer", "Topup", "system.listMethods"} <= set(names)
    assert len(names) == len(set(names)) == 16
    assert api.system.methodSignature("UpdateCustomer") == [["int", "int", "struct"]]
    assert len(api.system.methodSignature("customers.ListCustomers")) == 7


def test_the_bare_names_of_the_vendors_pages_answer_too(ledger: Table) -> None:
    assert call("UpdateCustomer", 1, {"email": "office@acme.example"}) == 1
    assert call("Topup", 1, 2) == call("GetCustomer", 1)
    assert happened(ledger, demo.ACME, "email") == [(Kind.TOP_UP, 1_000, "2")]


def test_integers_past_32_bits_travel_as_doubles_of_digits_only(ledger: Table) -> None:
    for amount, tag in ((2**31 - 1, "int"), (2**31, "double"), (10**12, "double")):
        assert call("UpdateCustomer", 1, {"email_quota": str(amount)}) == 1
        assert f"<{tag}>{amount}</{tag}>" in post(dumps((1,), "GetCustomer")).text
        assert call("GetCustomer", 1)["email_quota"] == amount
    body = dumps((1, {"sms_quota": 1}), "UpdateCustomer").replace(
        "<int>1</int></value>\n</member>", "<i8>+0000000000000000000000099</i8></value></member>"
    )
    assert read(post(body)) == 1
    add(ledger, demo.ACME, "transactions", -(10**12))
    assert "<double>-1000000000000</double>" in post(dumps((1,), "GetCustomer")).text
    assert available(ledger, demo.ACME)[1] == 99


def test_a_method_is_replayed_under_its_header_whichever_way_it_is_sent_again(ledger: Table) -> None:
    key = {"Idempotency-Key": "order 1"}
    first = post(dumps((1, "2"), "Topup"), **key)
    again = post(dumps((1, 2), "customers.Topup"), **key)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert read(again) == read(first) == ask("PUT", "/topup/1/2", key="order 1").item
    assert available(ledger, demo.ACME) == (1_000, 0, 0)
    assert call("Topup", 1, "starter", **key) == (409, "the Idempotency-Key was used for something else")

    assert call("CreateCustomer", {"name": "New", "email": "new@acme.example"}, **{"Idempotency-Key": "new"}) == 2
    assert ask("POST", "", {"name": "New", "email": "new@acme.example"}, key="new").replayed


def test_faults_are_rests_errors_in_the_same_order(ledger: Table) -> None:
    open_rival(ledger)
    open_user(ledger)
    garbage = b"<methodCall"
    assert read(post(garbage, auth="Basic %")) == (401, "wrong username or API key")
    assert read(post(garbage, auth=USER)) == (403, "only an operator may do this")
    assert call("GetCustomer", 1, auth=RIVAL) == (404, "no such customer")
    assert call("GetCustomer", 9) == (404, "no such customer")
    assert call("Topup", 1, "9") == (404, "no such package")
    assert call("UpdateCustomer", 9, {"x": 1}) == (404, "no such customer")
    assert call("UpdateCustomer", 1, {"id": 2}) == (400, "id: read only, and not that of this customer")
    assert call("CreateCustomer", {"name": "x"}) == (400, "email: Field required")
    assert call("CreateCustomer", {"name": "x", "email": "info@acme.example"}) == (
        409,
        "email: another customer has it",
    )
    assert call("DeleteCustomer", 1, **{"Idempotency-Key": ""}) == (400, "Idempotency-Key: 1 to 255 characters")
    call("DeleteCustomer", 1)
    assert call("UpdateCustomer", 1, {"name": "New"}) == (409, "the customer is deleted")


def test_who_sends_no_credentials_is_asked_for_them_by_http_and_who_sends_wrong_ones_gets_a_fault(
    ledger: Table,
) -> None:
    body = dumps((1,), "GetCustomer")
    for sent in (body, "<methodCall"):
        asked = post(sent, auth=None)
        assert (asked.status_code, asked.content_type) == (401, "text/xml")
        assert asked.headers["WWW-Authenticate"] == 'Basic realm="Everlytic API", charset="UTF-8"'
        with pytest.raises(Fault, match=r"401.*wrong username or API key"):
            loads(asked.text)
    for auth in ("Basic %", "Bearer x", basic("admin:wrong"), basic("admin:")):
        assert read(post(body, auth=auth)) == (401, "wrong username or API key")
    with serving() as base_url, ServerProxy(f"{base_url}{PATH}") as proxy, pytest.raises(ProtocolError, match="401"):
        proxy.GetCustomer(1)


@pytest.mark.parametrize(
    "written",
    [
        *(f"<double>{number}</double>" for number in ("1000", "1000.0", "+1000.", " 1e3 ", "1.0E3", "100000e-2")),
        *("<ex:float>1000.0</ex:float>", "<ex:bigdecimal>1000.00</ex:bigdecimal>", "<biginteger>1000</biginteger>"),
        *("<i8>1000</i8>", "<ex:i2>1000</ex:i2>", "<int>\n1000</int>", "<string>1000</string>", "1000"),
    ],
)
def test_a_whole_number_of_any_type_is_an_integer_and_for_a_text_its_digits(ledger: Table, written: str) -> None:
    members = "".join(
        f"<member><name>{name}</name><value>{written}</value></member>" for name in ("sms_quota", "telephone")
    )
    body = dumps((1, {"x": "y"}), "UpdateCustomer")
    inside = body[body.index("<member>") : body.index("</struct>")]
    assert read(post(body.replace(inside, members))) == 1
    item = ask("GET", "/1").item
    assert (item["sms_quota"], item["telephone"]) == (1_000, "1000")


def test_a_fraction_is_refused_by_the_property_it_was_meant_for(ledger: Table) -> None:
    assert call("UpdateCustomer", 1, {"sms_quota": 1000.5}) == (400, "sms_quota: Input should be a valid integer")
    assert call("UpdateCustomer", 1, {"telephone": 0.5}) == (400, "telephone: Input should be a valid string")
    assert call("GetCustomer", 1.0)["name"] == "Acme"
    assert call("GetCustomer", 1.5) == (404, "no such customer")


def test_nil_is_not_mentioned(ledger: Table) -> None:
    acme = call("GetCustomer", 1)
    body = dumps((1, {"name": None, "sms_quota": None, "telephone": "1"}), "UpdateCustomer", allow_none=True)
    assert read(post(body)) == 1
    assert call("GetCustomer", 1) == acme | {"telephone": "1"}
    assert read(post(dumps((None, 1, None, None, None), "ListCustomers", allow_none=True))) == [call("GetCustomer", 1)]


def test_a_customer_goes_out_and_comes_back_unchanged(ledger: Table) -> None:
    for _ in range(9):
        add(ledger, demo.ACME, "email", 10**15 - 1)
    add(ledger, demo.ACME, "sms", -(2**40))
    before = items(ledger)
    for number in (demo.ACME, demo.JOHN, demo.SUBACCOUNT):
        assert call("UpdateCustomer", number, call("GetCustomer", number)) == number
    assert items(ledger) == before


def test_every_method_says_what_it_does_and_how_it_is_called(ledger: Table) -> None:
    for name in call("system.listMethods"):
        assert call("system.methodHelp", name).endswith(".")
        for returns, *given in call("system.methodSignature", name):
            assert {returns, *given} <= {"int", "string", "struct", "array"}
    assert call("system.methodHelp", "Nothing") == (404, "no such method")
    listing = call("system.methodSignature", "ListCustomers")
    assert listing[-2:] == [["array", "int", "int", "string", "string", last] for last in ("string", "struct")]


def test_a_slash_may_follow_the_path_and_nothing_else(ledger: Table) -> None:
    body = dumps((1,), "GetCustomer")
    assert read(post(body, path=PATH + "/")) == read(post(body))
    for path in ("/x", "//", "/x/", "2", "/%20"):
        refused = post(body, path=PATH + path)
        assert refused.status_code == 404
        if path != "2":
            message = "there is nothing here: XML-RPC is at /api/2.0/xmlrpc"
            assert refused.json == {"error": {"message": message}}
            assert f"<error><message>{message}" in post(body, path=PATH + path, Accept="text/xml").text
    assert Client(Gateway(ROUTES)).get(PATH).status_code == 404
