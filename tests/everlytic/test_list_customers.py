from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from everlytic import list_customers
from ledger.table import Table
from tests.demo_ledger import demo_ledger
from tests.everlytic.books import open_rival
from tests.everlytic.caller import CUSTOMERS, HOST, RIVAL, Answer, ask, create, top_up
from tests.everlytic.test_xml_rpc import call
from tests.local import demo

CROWD = ["Banana", "apple", "Cherry", "äpfel", "banana split"]
ALL = [1, 2, 3, 4, 5, 6, demo.JOHN, demo.SUBACCOUNT]


@pytest.fixture(scope="module", autouse=True)
def crowd() -> Iterator[Table]:
    """Give the demo's admin five more customers, 2 to 6, one of them deleted."""
    with demo_ledger() as table:
        for number, name in enumerate(CROWD):
            create(name, email=f"{number}@example.com", unique_id=f"U-{number}", country="ZA" if number % 2 else "")
        ask("DELETE", "/4")
        top_up(3, "starter")
        open_rival(table)
        yield table


def ids(answer: Answer) -> list[int]:
    return [item["id"] for item in answer.items]


def walk(query: str) -> Iterator[Answer]:
    """Follow the links from the first page to the last."""
    url = f"{CUSTOMERS}?{query}"
    while url:
        yield (answer := ask("GET", url.removeprefix(HOST).removeprefix(CUSTOMERS)))
        url = answer.links.get("next", "")


def test_all_customers_are_listed_with_what_they_have(crowd: Table) -> None:
    answer = ask("GET")
    assert (answer.status, ids(answer)) == (200, ALL)
    assert answer.items == [ask("GET", f"/{number}").item for number in ALL]
    assert [item["email_quota"] for item in answer.items] == [0, 0, 500, 0, 0, 0, 0, 0]
    assert answer.links == {"self": f"{HOST}{CUSTOMERS}?page=1", "home": f"{HOST}/api/2.0"}


@pytest.mark.parametrize("count", [3, 8, 9])
@pytest.mark.parametrize(
    "how", ["", "&direction=DESC", "&order=name", "&order=name&direction=DESC", "&filter=@example"]
)
def test_the_links_lead_through_every_customer_once(count: int, how: str) -> None:
    whole = ids(ask("GET", f"?{how}"))
    pages = list(islice(walk(f"count={count}{how}"), 20))

    assert [number for page in pages for number in ids(page)] == whole
    assert all(len(page.items) == count for page in pages[:-1])
    assert ["prev" in page.links for page in pages] == [False] + [True] * (len(pages) - 1)
    assert len(pages) == max(1, -(-len(whole) // count))


def test_a_page_links_to_its_neighbours_by_what_was_asked() -> None:
    answer = ask("GET", "?count=2&page=2&order=name&direction=desc&filter=a")
    pages = {
        rel: f"{HOST}{CUSTOMERS}?page={n}&count=2&order=name&direction=DESC&filter=a"
        for rel, n in [("self", 2), ("next", 3), ("prev", 1)]
    }
    assert answer.links == pages | {"home": f"{HOST}/api/2.0"}


def test_past_the_last_page_there_is_nothing_but_the_way_back() -> None:
    for how in ("", "&order=name"):
        answer = ask("GET", f"?page=9&count=8{how}")
        assert (answer.status, answer.items, "next" in answer.links) == (200, [], False)
        assert "page=8" in answer.links["prev"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("direction=DESC", ALL[::-1]),
        ("direction=asc", ALL),
        ("page=&count=&order=&direction=&filter=", ALL),
        ("order=name&filter=a&count=5", [demo.SUBACCOUNT, 1, 3, 2, 6]),
        ("order=name&filter=banana", [2, 6]),
        ("order=name&filter=BANANA&direction=DESC", [6, 2]),
        ("filter=u-3", [5]),
        ("filter=3%40EXAMPLE", [5]),
        ("filter=%C3%84PFEL", [5]),
        ("filter=nobody", []),
        ("order=id&filter=example.com", [2, 3, 4, 5, 6]),
        ("order=country&filter=%40example&direction=DESC", [5, 3, 6, 4, 2]),
        ("order=status&filter=%40example&count=1", [4]),
        ("order=deleted&direction=DESC&count=1", [4]),
        ("order=email_package_id&direction=DESC&count=2", [demo.SUBACCOUNT, demo.JOHN]),
    ],
)
def test_order_direction_and_filter(query: str, found: list[int]) -> None:
    assert ids(ask("GET", f"?{query}")) == found


NOTHING: tuple[Any, ...] = ([], {}, "")
FIELDS = [
    ("filter[email]=info%40acme.example", [1]),
    ("filter[email]=INFO%40Acme.Example", [1]),
    ("filter%5Bemail%5D=info%40acme.example", [1]),
    ("filter[email]=acme.example", []),
    ("filter[email]=nobody%40x", []),
    ("filter[name]=banana", [2]),
    ("filter[name]=+Banana+", [2]),
    ("filter[name]=%C3%84PFEL", [5]),
    ("filter[unique_id]=u-3", [5]),
    ("filter[id]=3", [3]),
    ("filter[id]=03", []),
    ("filter[country]=za", [3, 5]),
    ("filter[country]=ZA&filter[name]=apple", [3]),
    ("filter[country]=ZA&filter[name]=banana", []),
    ("filter[country]=ZA&filter=banana", []),
    ("filter[country]=ZA&filter=app", [3]),
    ("filter[deleted]=yes", [4]),
    ("filter[status]=deleted", [4]),
    ("filter[email_package_id]=0&order=name&direction=DESC&filter=banana", [6, 2]),
    ("filter[email]=&filter=", ALL),
]


@pytest.mark.parametrize(("query", "found"), FIELDS)
def test_fields_of_a_filter_are_all_to_have_these_values(query: str, found: list[int]) -> None:
    assert ids(ask("GET", f"?{query}")) == found
    assert [ids(page) for page in walk(f"count=1&{query}")] == ([[number] for number in found] or [[]])


@pytest.mark.parametrize(
    ("given", "found"),
    [
        *(((1, 50, "", "ASC", nothing), ALL) for nothing in (*NOTHING, {"email": ""}, {"email": [], "name": {}})),
        *(((nothing,) * 5, ALL) for nothing in NOTHING),
        ((1, 50, "name", "DESC", {"country": "za", "name": []}), [3, 5]),
        ((1, 50, [], {}, {"email": "INFO@acme.example"}), [1]),
        ((1, 50, "", "", {"id": 3}), [3]),
        ((1.0, 50.0, "", "", {"id": 3.0}), [3]),
        ((1, 50, "", "", 2), [4]),
        ((1, 50, "id", "ASC", {"email": "nobody@x"}), []),
    ],
    ids=str,
)
def test_the_same_filters_over_xml_rpc(given: tuple[Any, ...], found: list[int]) -> None:
    assert sorted(each["id"] for each in call("ListCustomers", *given)) == sorted(found)


@pytest.mark.parametrize("where", ["email", "emial", "email_quota", "", "a][b", "x" * 50])
def test_a_parameter_or_field_that_does_not_exist_lists_nobody(where: str) -> None:
    field = f"filter[{where}]"
    for query in (
        (f"{field}=x", f"filter=acme&{field}=x&page=1") if where != "email" else ("email=x", "Filter=x", "_=1")
    ):
        status, message = ask("GET", f"?{query}").error
        named = query.partition("=")[0] if where == "email" else field[:40]
        assert (status, message.split(": not one of ")[0]) == (400, named)
        assert "page, count, order, direction, filter, filter[id], filter[name]" in message
    if where != "email":
        assert call("ListCustomers", 1, 50, "", "", {where: "x"})[0] == 400


def test_a_filter_by_fields_of_fields_lists_nobody() -> None:
    deep: Any = "x"
    for _ in range(200):
        deep = {"email": deep}
    for filter_ in (
        {"email": {"x": "y"}},
        {"email": ["x"]},
        {"email": True},
        {"email": 1.5},
        ["x"],
        [{"email": "x"}],
        deep,
    ):
        status, message = call("ListCustomers", 1, 50, "", "", filter_)
        assert (status, message.startswith("filter")) == (400, True)


def test_one_customer_is_read_whatever_else_is_in_the_query() -> None:
    assert ask("GET", "/1?filter[email]=x&_=1").item["name"] == "Acme"


def test_the_links_of_a_filtered_page_keep_every_field() -> None:
    links = ask("GET", "?count=1&filter[country]=ZA&filter[unique_id]=u-1&filter=a").links
    kept = "count=1&filter=a&filter%5Bcountry%5D=ZA&filter%5Bunique_id%5D=u-1"
    assert links["self"] == f"{HOST}{CUSTOMERS}?{kept}&page=1"
    links = ask("GET", "?page=2&count=1&filter[country]=ZA&filter[deleted]=no").links
    assert links["prev"] == f"{HOST}{CUSTOMERS}?page=1&count=1&filter%5Bcountry%5D=ZA&filter%5Bdeleted%5D=no"


def test_another_operator_sees_its_own_customers_only(crowd: Table) -> None:
    assert ask("GET", auth=RIVAL).items == []


def test_xml_lists_the_same() -> None:
    query = "?count=3&page=2&order=name"
    assert ask("GET", query, headers={"Accept": "application/xml"}) == ask("GET", query)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        *((f"page={value}", "page") for value in ("0", "-1", "x", "1.0", "1e1", "\u0661", "9" * 30, "+", "%00")),
        *((f"count={value}", "count") for value in ("0", "-5", "501", "many", "True", "9" * 5_000)),
        *((f"order={value}", "order") for value in ("email_quota", "ID", "nonsense", "%00", "name,email")),
        *((f"direction={value}", "direction") for value in ("up", "ASCENDING", "%00")),
        *((f"filter={value}", "filter") for value in ("%00", "x" * 256, "%EF%BF%BE")),
        *((f"filter[email]={value}", "filter[email]") for value in ("%00", "x" * 256, "+")),
        ("filter[email]=a&filter[email]=b", "the query"),
        ("page=1&page=2", "the query"),
        ("filter=%FF", "the query"),
        ("filter=%ED%A0%80", "the query"),
        ("page=201&count=500", "page"),
        ("page=100001&count=1", "page"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_what_cannot_be_listed_is_said_and_named(query: str, named: str) -> None:
    status, message = ask("GET", f"?{query}").error
    assert (status, message.startswith(named)) == (400, True), message


def test_the_deepest_page_is_answered() -> None:
    assert ask("GET", "?page=200&count=500").items == []


def test_sorting_has_a_limit_and_listing_by_id_does_not_meet_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_customers, "MOST_SORTED", len(ALL))
    assert ids(ask("GET", "?filter=banana")) == [2, 6]
    monkeypatch.setattr(list_customers, "MOST_SORTED", len(ALL) - 1)
    for query in ("?filter=banana", "?order=name"):
        assert ask("GET", query).error == (400, f"order, filter: only by id among more than {len(ALL) - 1} customers")
    assert ids(ask("GET", "?direction=DESC")) == ALL[::-1]


def test_more_balances_than_one_call_reads_are_read(crowd: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.table._ITEMS_A_CALL", 2)
    assert [item["sms_quota"] for item in ask("GET").items] == [0, 0, 100, 0, 0, 0, 500, 0]
