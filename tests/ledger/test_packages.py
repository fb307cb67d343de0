from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from ledger import customers, packages
from ledger.accounts import LAST_ID
from ledger.entry import AMOUNT_LIMIT, Entry, pack
from ledger.errors import Busy, NameTaken, OutcomeUnknown
from ledger.kinds import Kind
from ledger.opening import open_account
from ledger.packages import Package, PackageNotFound
from ledger.table import Table
from tests.ledger.conftest import ACCOUNT, OPERATOR

STARTER = Package("starter", "Starter", {"email": 500, "sms": 100, "transactions": 50}, "25.00", "EUR")


def test_a_package_is_found_as_it_was_put(table: Table) -> None:
    packages.put(table, OPERATOR, STARTER)
    assert packages.get(table, OPERATOR, "starter") == STARTER
    with pytest.raises(PackageNotFound):
        packages.get(table, OPERATOR + 1, "starter")
    assert packages.find(table, OPERATOR, "x" * 17) is None


def test_a_retired_package_is_still_found_and_can_be_put_back(table: Table) -> None:
    packages.put(table, OPERATOR, STARTER)
    packages.retire(table, OPERATOR, "starter")
    assert packages.get(table, OPERATOR, "starter") == replace(STARTER, active=False)
    packages.put(table, OPERATOR, STARTER)
    assert packages.get(table, OPERATOR, "starter").active
    with pytest.raises(PackageNotFound):
        packages.retire(table, OPERATOR, "2")


def test_a_top_up_is_of_the_actors_catalogue_however_deep_the_account_lies(table: Table) -> None:
    below = open_account(table, ACCOUNT, actor=OPERATOR).id
    packages.put(table, OPERATOR, STARTER)
    packages.put(table, ACCOUNT, STARTER)
    packages.retire(table, ACCOUNT, "starter")
    put_back_since = replace(STARTER, active=False)
    assert customers.top_up(table, ACCOUNT, below, put_back_since, actor=OPERATOR).after == STARTER.quantities


def test_all_of_a_package_may_change_but_what_it_adds(table: Table) -> None:
    packages.put(table, OPERATOR, STARTER)
    packages.put(table, OPERATOR, renamed := replace(STARTER, name="Début", price="", currency=""))
    for quantities in ({"email": 500}, {**STARTER.quantities, "sms": 101}, {**STARTER.quantities, "EUR": 1}):
        with pytest.raises(NameTaken, match="package identifier"):
            packages.put(table, OPERATOR, replace(STARTER, quantities=quantities))
    assert packages.get(table, OPERATOR, "starter") == renamed


def test_packages_are_listed_by_their_identifiers_a_page_at_a_time(table: Table) -> None:
    for identifier in ("b", "a", "ä", "10", "9"):
        packages.put(table, OPERATOR, replace(STARTER, identifier=identifier))
    packages.put(table, OPERATOR + 1, STARTER)
    listed = [package.identifier for package in packages.list_packages(table, OPERATOR, limit=10)]
    assert listed == ["10", "9", "a", "b", "ä"]
    first = packages.list_packages(table, OPERATOR, limit=2)
    rest = packages.list_packages(table, OPERATOR, after=first[-1].identifier, limit=3)
    assert [package.identifier for package in [*first, *rest]] == listed


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        *(({"identifier": value}, "identifier") for value in ("", "x" * 17, "\N{SNOWMAN}" * 6, "a\nb", "\0", "\ud800")),
        *(({"name": value}, "name") for value in ("", "x" * 101, "a\tb", "\ud800")),
        *(({"quantities": value}, "quantities") for value in ({}, {"sms": 0}, {"sms": -1}, {"sms": AMOUNT_LIMIT + 1})),
        ({"quantities": {f"u{number}": 1 for number in range(9)}}, "quantities"),
        *(({"price": value}, "price") for value in ("free", "-1", "1,00", "1e3", "1.00001", ".5", "1.", "\u0661")),
        *(({"currency": value}, "currency") for value in ("", "eur", "EURO", "\u20ac\u20ac\u20ac")),
        ({"price": ""}, "currency"),
    ],
    ids=lambda value: ascii(value)[:40],
)  # fmt: skip
def test_what_cannot_be_a_package_is_refused_and_named(table: Table, wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}: "):
        packages.put(table, OPERATOR, replace(STARTER, **wrong))  # type: ignore[arg-type]
    assert packages.list_packages(table, OPERATOR, limit=1) == []


def test_the_longest_reference_fits_into_an_entry_of_the_largest_actor() -> None:
    pack(Entry(Kind.TOP_UP, 1, 1, LAST_ID, "x" * packages.LONGEST_IDENTIFIER_BYTES))


@pytest.mark.parametrize(
    ("code", "raised"), [("TransactionConflictException", Busy), ("InternalServerError", OutcomeUnknown)]
)
def test_a_write_without_an_answer_says_whether_it_may_have_happened(
    table: Table, monkeypatch: pytest.MonkeyPatch, code: str, raised: type[Exception]
) -> None:
    packages.put(table, OPERATOR, STARTER)

    def fail(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "PutItem")

    monkeypatch.setattr(table.client, "put_item", fail)
    monkeypatch.setattr(table.client, "update_item", fail)
    with pytest.raises(raised):
        packages.put(table, OPERATOR, STARTER)
    with pytest.raises(raised):
        packages.retire(table, OPERATOR, "starter")
