"""What GET shows, PUT takes back, whoever opened the account and whatever it has come to: only a change is judged."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api import create_account
from everlytic.customer import PACKAGE_IDS, Properties
from ledger import accounts, opening
from ledger.counter import State
from ledger.kinds import Kind
from ledger.table import Table
from operations.open_account import lambda_handler as open_account
from tests.api.caller import ask as ask_ledger
from tests.demo_ledger import items
from tests.everlytic.books import add, happened, hold, intercept, once, release
from tests.everlytic.caller import QUOTAS, Answer, ask, read, send, top_up
from tests.everlytic.test_xml_rpc import call
from tests.local import demo
from tests.local.gateway import Context
from tests.mailpartner import caller as mailpartner
from tests.multipart import TYPE, form
from tests.ozeki import caller as ozeki

FORM = "application/x-www-form-urlencoded"
XML = {"Accept": "application/xml"}


def texts(item: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in item.items()}


def as_doubles(item: dict[str, Any]) -> dict[str, Any]:
    """Have the numbers as a client whose numbers all are doubles."""
    return {name: float(value) if isinstance(value, int) else value for name, value in item.items()}


def by_xml_rpc(path: str, item: dict[str, Any]) -> Answer:
    number = int(path[1:])
    changed = item.items() - ask("GET", path).item.items()
    returned = call("UpdateCustomer", number, call("GetCustomer", number) | dict(changed))
    if isinstance(returned, tuple):
        return Answer(returned[0], message=returned[1])
    assert returned == number
    return ask("GET", path)


WAYS: dict[str, Callable[[str, dict[str, Any]], Answer]] = {
    "JSON": lambda path, item: ask("PUT", path, item),
    "JSON of doubles": lambda path, item: ask("PUT", path, as_doubles(item)),
    "JSON of texts": lambda path, item: ask("PUT", path, texts(item)),
    "form": lambda path, item: read(send("PUT", path, data=urlencode(item).encode(), content_type=FORM)),
    "multipart": lambda path, item: read(send("PUT", path, data=form(texts(item)), content_type=TYPE)),
    "query": lambda path, item: read(send("PUT", f"{path}?{urlencode(item)}")),
    "XML-RPC": by_xml_rpc,
}

STORED = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.sampled_from(
    [" x ", "a@b", "a\r\nb\rc\n", "\0", "za", "ZZ", "a&b=c", "50%", "1", "-0", "ftp://x", "\N{REPLACEMENT CHARACTER}"]
)
BALANCES = st.integers(-(10**15), 10**15) | st.sampled_from([0, -1, 10**12, 10**12 + 1, 2**31, -(2**31) - 1])
PROPERTIES = {
    name: st.integers(1, 10**12) if name in PACKAGE_IDS else STORED
    for name in Properties.model_fields
    if name not in (*QUOTAS, "status", "deleted")
}
OTHERS = {"token": STORED, "type": STORED, "is_buyer": st.sampled_from([0, 1]), "metadata": STORED}


ACCOUNTS = st.fixed_dictionaries(
    {
        "properties": st.fixed_dictionaries(
            {}, optional=PROPERTIES | OTHERS | {"status": st.sampled_from(["off", "x"])}
        ),
        "username": st.sampled_from(["", "john", " odd ", "\x1b"]),
        "state": st.sampled_from(State),
        "balances": st.fixed_dictionaries({}, optional=dict.fromkeys(("email", "sms", "transactions"), BALANCES)),
    }
)

MADE_UP = settings(
    max_examples=20,
    phases=[Phase.generate],  # to shrink an example would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each account is one more in the same ledger
)


def opened(table: Table, **account: Any) -> str:
    """Open an account as the ledger does for any dialect, and give its path."""
    return f"/{opening.open_account(table, demo.ADMIN, actor=demo.ADMIN, **account).id}"


@MADE_UP
@given(ACCOUNTS)
def test_any_account_is_taken_back_as_it_is_in_any_way_it_can_be_sent(ledger: Table, account: dict[str, Any]) -> None:
    path = opened(ledger, **account)
    item = ask("GET", path).item
    before = items(ledger)
    for way, put in WAYS.items():
        answer = put(path, item)
        assert (answer.status, answer.item) == (200, item), (way, answer)
    assert items(ledger) == before


@MADE_UP
@given(ACCOUNTS, st.sampled_from(list(WAYS)), st.sampled_from(["telephone", "sms_quota", "name"]))
def test_one_property_changed_on_the_way_is_all_that_changes(
    ledger: Table, account: dict[str, Any], way: str, name: str
) -> None:
    path = opened(ledger, **account)
    item = ask("GET", path).item
    before = items(ledger)
    changed = item | {name: 12_345 if name == "sms_quota" else "another"}
    answer = WAYS[way](path, changed)
    if account["state"] is State.CLOSED:
        assert answer.error == (409, "the customer is deleted")
        assert items(ledger) == before
        return
    assert (answer.status, answer.item) == (200, changed)
    assert ask("GET", path).item == changed
    number = int(path[1:])
    for unit in ("email", "transactions"):
        assert len(happened(ledger, number, unit)) == (unit in account["balances"])
    stored = accounts.get(ledger, demo.ADMIN, number).properties
    expected = account["properties"] | ({} if name == "sms_quota" else {name: "another"})
    assert stored == {each: value for each, value in expected.items() if value != ""}


def by_everlytic(_: Table) -> int:
    number: int = ask("POST", "", {"name": "x", "email": "a@x.example", "unique_id": "u"}).item["id"]
    return number


def by_mailpartner(_: Table) -> int:
    new: dict[str, object] = {
        "type": "simple",
        "parameters": {"email": "a@b", "isBuyer": 1, "creditToAttribute": 1, "title": "x" * 100},
    }
    answer = mailpartner.ask("CreateSubaccount", {**mailpartner.KEY, **new})
    assert answer.code == 200
    return newest()


def by_ledger(_: Table) -> int:
    answer = ask_ledger(create_account, {"name": "x" * 100, "balances": {"sms": 10**15}}, key="k")
    return int(answer["id"])


def by_operations(_: Table) -> int:
    event: dict[str, Any] = {
        "role": "user",
        "operator": demo.ADMIN,
        "username": "mary",
        "balances": {"sms": 5},
        "idempotency_key": "k",
    }
    return int(str(open_account(event, Context("OpenAccount"))["account"]))


def newest() -> int:
    return max(int(item["id"]) for item in ask("GET").items if item["id"] < demo.ADMIN)


DIALECTS = [by_everlytic, by_mailpartner, by_ledger, by_operations]


@pytest.mark.parametrize("open_by", DIALECTS)
def test_an_account_of_every_dialect_is_taken_back_in_whatever_state(
    ledger: Table, open_by: Callable[[Table], int]
) -> None:
    number = open_by(ledger)

    def check() -> None:
        item = ask("GET", f"/{number}").item
        before = items(ledger)
        for way, put in WAYS.items():
            assert put(f"/{number}", item).item == item, way
        assert items(ledger) == before

    check()
    top_up(number, "starter")
    held = hold(ledger, number, "email", 7)
    check()
    add(ledger, number, "transactions", -51)
    check()
    for status in ("suspended", "off", "on"):
        assert ask("PUT", f"/{number}", {"status": status}).item["status"] == status
        check()
    release(ledger, number, "email", held)
    add(ledger, number, "transactions", 1)
    assert ask("DELETE", f"/{number}").status == 200
    check()


def test_a_balance_that_ozeki_took_below_zero_is_taken_back_and_no_other_below_zero(ledger: Table) -> None:
    assert ozeki.ask(ozeki.ADD_244, add="-600").balance == -100
    item = ask("GET", f"/{demo.JOHN}").item
    assert ask("PUT", f"/{demo.JOHN}", item | {"telephone": "1"}).item == item | {"telephone": "1"}
    for below in (-99, -101):
        refused = ask("PUT", f"/{demo.JOHN}", item | {"sms_quota": below})
        assert refused.error == (400, "sms_quota: Input should be greater than or equal to 0")
    assert ask("PUT", f"/{demo.JOHN}", item | {"sms_quota": 0}).quotas == (0, 0, 0)


def test_what_was_taken_back_under_a_key_is_answered_again_whatever_is_stored_since(ledger: Table) -> None:
    """Judged anew it would be a quota below zero."""
    path = f"/{demo.JOHN}"
    ozeki.ask(ozeki.ADD_244, add="-510")
    sent = ask("GET", path).item | {"email": "john@john.example"}
    first = ask("PUT", path, sent, key="k")
    assert (first.status, first.item["sms_quota"]) == (200, -10)
    ozeki.ask(ozeki.ADD_244, add="100")
    again = ask("PUT", path, sent, key="k")
    assert (again.item, again.replayed) == (first.item, True)
    assert ask("PUT", path, sent, key="another").status == 400


def test_a_customer_with_space_around_its_name_is_found_by_it(ledger: Table) -> None:
    path = opened(ledger, properties={"name": " odd "})
    for name in ("odd", " odd ", "ODD"):
        assert [f"/{item['id']}" for item in ask("GET", f"?{urlencode({'filter[name]': name})}").items] == [path]


def test_what_a_parser_of_xml_makes_of_a_line_break_is_no_change(ledger: Table) -> None:
    path = opened(ledger, properties={"address": "1 Long Street\r\nGauteng\rZA"})
    shown = ask("GET", path, headers=XML).item
    assert shown["address"] == "1 Long Street\nGauteng\nZA"
    before = items(ledger)
    assert ask("PUT", path, shown).status == 200
    assert items(ledger) == before
    assert ask("PUT", path, {"address": "1 Long Street"}).item["address"] == "1 Long Street"


def test_a_quota_that_another_changed_meanwhile_is_set_to_what_is_sent(ledger: Table) -> None:
    top_up(demo.ACME)
    item = ask("GET", "/1").item
    add(ledger, demo.ACME, "email", -1)
    assert ask("PUT", "/1", item).quotas == (1_000, 0, 0)
    assert happened(ledger, demo.ACME, "email") == [
        (Kind.TOP_UP, 1_000, "2"),
        (Kind.ADJUSTMENT, 999, ""),
        (Kind.SET, 1_000, ""),
    ]


def test_a_quota_that_is_changed_after_it_was_found_as_sent_is_left_to_who_changed_it(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    top_up(demo.ACME)
    item = ask("GET", "/1").item
    intercept(monkeypatch, ledger, once(lambda: add(ledger, demo.ACME, "email", -1)))
    assert ask("PUT", "/1", item | {"name": "New"}).item["name"] == "New"
    assert ask("GET", "/1").quotas == (999, 0, 0)


def test_asking_a_deleted_customer_for_nothing_is_no_conflict(ledger: Table) -> None:
    item = ask("DELETE", "/1").item
    before = items(ledger)
    for sent in (
        {},
        item,
        {"deleted": "yes"},
        {"status": "deleted"},
        {"name": "Acme"},
        {"sms_quota": 0},
        {"name": None},
    ):
        assert ask("PUT", "/1", sent).item == item
    for sent in (item | {"deleted": "no"}, item | {"status": "on"}, item | {"sms_quota": 1}, {"status": "on"}):
        assert ask("PUT", "/1", sent).error == (409, "the customer is deleted")
    assert items(ledger) == before


def test_a_value_of_another_type_is_not_what_is_stored(ledger: Table) -> None:
    path = opened(ledger, properties={"postal_code": "1", "telephone": "True"}, balances={"sms": 1})
    others: dict[str, list[object]] = {
        "sms_quota": [True, 1.5, [1], "1.0"],
        "postal_code": [True, [1]],
        "telephone": [True],
    }
    for name, values in others.items():
        for value in values:
            assert ask("PUT", path, {name: value}).status == 400
    same: dict[str, list[object]] = {"sms_quota": [1, "1", 1.0, "+01"], "postal_code": ["1", 1, 1.0]}
    for name, values in same.items():
        for value in values:
            assert ask("PUT", path, {name: value}).item == ask("GET", path).item
    assert len(happened(ledger, int(path[1:]), "sms")) == 1
