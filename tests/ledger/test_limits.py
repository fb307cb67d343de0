"""Bounds of what is stored, in figures, each on both sides: what was let in once has to be readable for good."""

from dataclasses import replace
from typing import Any

import pytest

from ledger import credentials, names, notes, packages
from ledger.counter import State
from ledger.errors import AccountNotFound
from ledger.names import Name
from ledger.opening import open_account
from ledger.packages import Package
from ledger.table import Table
from tests.demo_ledger import quick_passwords
from tests.ledger.conftest import OPERATOR, Clock

LIMIT = 10**15
PACKAGE = Package("a", "A", {"sms": 1}, "1.00", "EUR")


def units(count: int) -> dict[str, int]:
    return {f"unit {number}": 1 for number in range(count)}


PACKAGES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"identifier": "x" * 16}, {"identifier": "x" * 17}, "identifier: 1 to 16 bytes of printable text"),
    ({"identifier": "ä" * 8}, {"identifier": "ä" * 8 + "x"}, "identifier: 1 to 16 bytes of printable text"),
    ({"identifier": "x"}, {"identifier": ""}, "identifier: 1 to 16 bytes of printable text"),
    ({"name": "ä" * 100}, {"name": "x" * 101}, "name: 1 to 100 printable characters"),
    ({"name": "x"}, {"name": ""}, "name: 1 to 100 printable characters"),
    ({"quantities": units(8)}, {"quantities": units(9)}, "quantities: of 1 to 8 units"),
    ({"quantities": units(1)}, {"quantities": units(0)}, "quantities: of 1 to 8 units"),
    ({"quantities": {"sms": LIMIT}}, {"quantities": {"sms": LIMIT + 1}}, "quantities: 1 to 1000000000000000"),
    ({"quantities": {"sms": 1}}, {"quantities": {"sms": 0}}, "quantities: 1 to 1000000000000000"),
    ({"price": "9" * 12}, {"price": "9" * 13}, "price: a decimal number"),
    ({"price": "0.0001"}, {"price": "0.00001"}, "price: a decimal number"),
    ({"currency": "ZAR"}, {"currency": "ZARS"}, "currency: three letters, if and only if there is a price"),
    ({"price": "", "currency": ""}, {"price": ""}, "currency: three letters, if and only if there is a price"),
]


@pytest.mark.parametrize(("last", "beyond", "why"), PACKAGES)
def test_the_last_package_that_can_be_and_the_first_that_cannot(
    table: Table, last: dict[str, Any], beyond: dict[str, Any], why: str
) -> None:
    put = replace(PACKAGE, **last)
    packages.put(table, OPERATOR, put)
    assert packages.get(table, OPERATOR, put.identifier) == put
    with pytest.raises(ValueError, match=f"^{why}$"):
        packages.put(table, OPERATOR, replace(PACKAGE, **beyond))


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize(
    ("username", "secret", "why"),
    [
        ("x" * 16, "y" * 16, ""),
        ("x", "y", ""),
        ("x" * 17, "y", "a user name has 1 to 16 characters"),
        ("", "y", "a user name has 1 to 16 characters"),
        ("x", "y" * 17, "a password has 1 to 16 characters"),
        ("x", "", "a password has 1 to 16 characters"),
    ],
)
def test_a_user_name_and_a_password_have_sixteen_characters_at_most(
    table: Table, username: str, secret: str, why: str
) -> None:
    with quick_passwords():
        if why:
            with pytest.raises(ValueError, match=f"^{why}$"):
                credentials.password(username, secret)
            return
        proof = [credentials.password(username, secret)]
        opened = open_account(table, OPERATOR, actor=OPERATOR, username=username, names=proof)
        caller = credentials.by_password(table, username, secret)
    assert (caller.account, caller.owner, caller.state) == (opened.id, OPERATOR, State.OPEN)


def test_a_password_is_stretched_as_owasp_asks_and_says_how_in_its_look_up() -> None:
    with quick_passwords():
        first, second = (credentials.password("mary", "secret").proof for _ in range(2))
    assert first["cost"] == {"L": [{"N": "16384"}, {"N": "8"}, {"N": "5"}]}
    assert (len(first["salt"]["B"]), len(first["hash"]["B"])) == (16, 64)
    assert first["salt"] != second["salt"]


@pytest.mark.usefixtures("operator")
def test_a_password_kept_with_another_cost_still_opens(table: Table) -> None:
    """Costs grow with the years, and what was kept before has to let its holder in."""
    with quick_passwords():
        proof = credentials.password("mary", "secret")
        older = replace(proof, proof=proof.proof | {"cost": {"L": [{"N": "2"}, {"N": "1"}, {"N": "1"}]}})
        opened = open_account(table, OPERATOR, actor=OPERATOR, username="mary", names=[older])
    assert credentials.by_password(table, "mary", "secret").account == opened.id, "by the real work, of its own cost"


@pytest.mark.parametrize(("length", "found"), [(1_022, True), (1_023, False)])
def test_a_name_has_1024_bytes_at_most(table: Table, length: int, found: bool) -> None:
    pk = f"M#{'x' * length}"
    open_account(table, OPERATOR, actor=OPERATOR, account=7, names=[Name("email", pk)])
    if found:
        assert names.find_name(table, pk) == (OPERATOR, 7)
    else:
        with pytest.raises(AccountNotFound):
            names.find_name(table, pk)


def test_a_note_has_2048_bytes_at_most(table: Table) -> None:
    key = table.mint()
    assert notes.write(table, key, "ä" * 1_024)
    with pytest.raises(ValueError, match=r"^a note has at most 2048 bytes$"):
        notes.write(table, key, "ä" * 1_024 + "x")


def test_what_was_found_is_remembered_for_thirty_seconds(table: Table, clock: Clock) -> None:
    found: list[int] = []

    def find() -> int:
        found.append(len(found))
        return found[-1]

    for passed_ms, answer in ((0, 0), (29_999, 0), (1, 1)):
        clock.ms += passed_ms
        assert table.recall("a name", find) == answer
