"""system.multicall: calls on their own in one request, as Python's and Ruby's libraries send them."""

import io
from itertools import count
from typing import Any
from xmlrpc.client import Fault, MultiCall, ServerProxy, dumps

import pytest

from everlytic import marshalling, wire, xml_rpc
from ledger import credentials
from ledger.kinds import Kind
from ledger.table import Table
from tests.demo_ledger import items
from tests.everlytic.books import available, failing, happened, intercept, open_user, serving
from tests.everlytic.caller import USER, ask, basic
from tests.everlytic.test_xml_rpc import PATH, call, post
from tests.local import demo
from tests.logged import counted, lines


def named(name: str, *given: Any) -> dict[str, Any]:
    return {"methodName": name, "params": list(given)}


def fault(code: int, text: str) -> dict[str, Any]:
    return {"faultCode": code, "faultString": text}


def many(*calls: Any, **headers: str) -> Any:
    return call("system.multicall", list(calls), **headers)


def test_pythons_own_client_makes_several_calls_at_once(ledger: Table) -> None:
    with (
        serving() as base_url,
        ServerProxy(f"{base_url}{PATH}/".replace("://", f"://admin:{demo.API_KEY}@")) as proxy,
    ):
        several: Any = MultiCall(proxy)
        several.customers.GetCustomer(1)
        several.customers.Topup(1, "2")
        several.customers.GetCustomer(9)
        several.system.listMethods()
        several.UpdateCustomer(1, {"telephone": "1"})
        results = several()
        assert results[0]["name"] == "Acme"
        assert results[1]["email_quota"] == 1_000
        with pytest.raises(Fault, match="no such customer"):
            results[2]
        assert "system.multicall" in results[3]
        assert results[4] == 1
    assert ask("GET", "/1").item["telephone"] == "1"


def test_each_result_is_an_array_of_one_value_or_a_fault(ledger: Table) -> None:
    acme = ask("GET", "/1").item
    assert many(
        named("GetCustomer", 1),
        named("Nothing"),
        named("UpdateCustomer", 1, {"sms_quota": "x"}),
        named("system.methodHelp", "GetCustomer"),
        named("ListCustomers", 1, 1),
        {"methodName": "ListCustomers"},
        {"methodName": "ListCustomers", "params": {}},
        named("GetCustomer"),
        named("system.listMethods", 7),
    ) == [
        [acme],
        fault(404, "no such method"),
        fault(400, "sms_quota: Input should be a valid integer"),
        ["Returns a customer."],
        [[acme]],
        *[[ask("GET").items]] * 2,
        fault(400, "GetCustomer takes (id)"),
        fault(404, "no such method"),
    ]
    assert many() == []


@pytest.mark.parametrize(
    "wrong",
    [7, "GetCustomer", [], {}, {"methodName": 7}, {"params": []}, named("GetCustomer", 1) | {"more": 1}, [named("x")],
     {"methodName": "GetCustomer", "params": {"id": 1}}],
    ids=str,
)  # fmt: skip
def test_what_is_no_call_is_a_fault_of_its_own(ledger: Table, wrong: Any) -> None:
    told = fault(400, "system.multicall: a call is a struct of methodName and params")
    assert many(wrong, named("DeleteCustomer", 1)) == [told, [1]]


def test_no_multicall_is_made_within_another(ledger: Table) -> None:
    inner = named("system.multicall", [named("DeleteCustomer", 1)])
    assert many(inner, named("Topup", 1, "2"))[0] == fault(400, "system.multicall: not within another")
    assert ask("GET", "/1").item["deleted"] == "no"


def test_fifty_calls_are_made_and_of_more_none(ledger: Table) -> None:
    before = items(ledger)
    refused = many(*[named("Topup", 1, "2")] * 51)
    assert refused == (400, "system.multicall: more than 50 calls")
    assert items(ledger) == before
    assert len(many(*[named("Topup", 1, "2")] * 50)) == 50
    assert available(ledger, demo.ACME) == (50_000, 0, 0)
    several: list[tuple[Any, ...]] = [(), (7,), ({},), ([], [])]
    for wrong in several:
        assert call("system.multicall", *wrong) == (404, "no such method")


def test_who_asks_is_recognised_once_and_before_anything_is_read(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_user(ledger)
    asked: list[str] = []

    def by_key(table: Table, secret: str, *, fresh: bool) -> credentials.Caller:
        asked.append(secret)
        return credentials.by_key(table, secret, fresh=fresh)

    monkeypatch.setattr(wire, "by_key", by_key)
    many(named("GetCustomer", 1), named("Topup", 1, "2"), named("DeleteCustomer", 1))
    assert asked == [demo.API_KEY]
    for auth, told in (
        (USER, (403, "only an operator may do this")),
        (basic("x:y"), (401, "wrong username or API key")),
    ):
        assert call("system.multicall", [named("GetCustomer", 1)], auth=auth) == told


def test_a_key_stands_for_each_call_at_its_place(ledger: Table) -> None:
    key = {"Idempotency-Key": "order 1"}
    calls = [named("Topup", 1, "2"), named("Topup", 1, "2"), named("Topup", 1, "none"), named("UpdateCustomer", 1, {})]
    first = post(dumps((calls,), "system.multicall"), **key)
    again = post(dumps((calls,), "system.multicall"), **key)
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert again.text == first.text
    assert happened(ledger, demo.ACME, "email") == [(Kind.TOP_UP, 1_000, "2"), (Kind.TOP_UP, 2_000, "2")]

    assert many(named("DeleteCustomer", 1), *calls[1:], **key) == [
        fault(409, "the Idempotency-Key was used for something else"),
        *many(*calls, **key)[1:],
    ]


def test_no_call_of_several_is_taken_for_one_alone_under_the_same_key(ledger: Table) -> None:
    for key in ("k", "k0", "k 0", "k\\n0"):
        many(named("Topup", 1, "2"), **{"Idempotency-Key": "k"})
        alone = post(dumps((1, "2"), "Topup"), **{"Idempotency-Key": key})
        assert "Idempotency-Replayed" not in alone.headers
    assert available(ledger, demo.ACME)[0] == 5_000
    longest = {"Idempotency-Key": "\N{SNOWMAN}" * 255}
    assert [len(many(named("Topup", 1, "2"), **longest)[0]) for _ in range(2)] == [1, 1]
    assert available(ledger, demo.ACME)[0] == 6_000
    assert many(named("Topup", 1, "2"), **{"Idempotency-Key": ""}) == [
        fault(400, "Idempotency-Key: 1 to 255 characters")
    ]


NOT_MADE = fault(503, "not made, for want of time: send it again")


def test_what_has_not_begun_after_six_seconds_is_not_made(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [named("Topup", 1, "2")] * 50
    key = {"Idempotency-Key": "order 1"}
    with monkeypatch.context() as slow:
        times = count(ledger.now_ms(), 250)  # each time anybody looks at the clock
        slow.setattr(Table, "now_ms", property(lambda _: times.__next__, lambda *_: None))
        first = many(*calls, **key)
    made = len([result for result in first if result != NOT_MADE])
    assert 0 < made < 50
    assert first[made:] == [NOT_MADE] * (50 - made)
    assert available(ledger, demo.ACME)[0] == made * 1_000

    assert [len(result) for result in many(*calls, **key)] == [1] * 50
    assert available(ledger, demo.ACME)[0] == 50_000


def test_no_answer_lists_customers_without_end(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too much is not listed; the calls after it are made."""
    one = marshalling.size(call("ListCustomers", 1, 1))
    monkeypatch.setattr(xml_rpc, "LONGEST_LISTS", 2 * one)
    results = many(*[named("ListCustomers", 1, 1)] * 3, named("ListCustomers"), named("Topup", 1, "2"))
    assert [len(result[0]) for result in results[:2]] == [1, 1]
    assert results[2:4] == [fault(503, "no room in this answer: list fewer at once")] * 2
    assert available(ledger, demo.ACME)[0] == 1_000


def test_a_call_that_is_busy_or_unknown_keeps_no_other_from_being_made(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code, told in (
        ("TransactionConflictException", fault(503, "busy, nothing changed: send it again")),
        ("InternalServerError", fault(504, "the outcome is not known: look before sending it again")),
    ):
        with monkeypatch.context() as broken:
            intercept(broken, ledger, failing(code))
            broken.setattr(xml_rpc, "table", ledger)
            assert many(named("DeleteCustomer", 1), named("GetCustomer", demo.JOHN))[0] == told
            assert many(named("DeleteCustomer", 1), named("GetCustomer", demo.JOHN))[1][0]["name"] == "john"


@pytest.mark.usefixtures("loud")
def test_one_log_line_says_how_many_were_made_and_each_refusal_is_counted(
    ledger: Table, log: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    many(named("GetCustomer", 1), named("GetCustomer", 9), named("Topup", 1, "none"))
    (line,) = lines(log)
    assert {name: line[name] for name in ("message", "caller", "method", "calls", "refused")} == {
        "message": "MethodCalled",
        "caller": demo.ADMIN,
        "method": "multicall",
        "calls": 3,
        "refused": 2,
    }
    assert counted(capfd.readouterr().out)["everlytic", "none", "Refused"] == 2
