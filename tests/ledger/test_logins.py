"""Logins and tokens: given, changed, taken away. A name that was given up is nobody else's while its account lives."""

from collections.abc import Iterator

import pytest

from ledger import accounts, credentials, customers, logins
from ledger.claims import CallerKey
from ledger.credentials import by_password, user_name
from ledger.errors import AccountClosed, AccountNotFound, KeyReused, NameTaken, WrongCredentials
from ledger.names import find_name, find_username, token
from ledger.opening import open_account
from ledger.table import RECALL_MS, Table
from tests.demo_ledger import quick_passwords
from tests.ledger.conftest import ACCOUNT, OPERATOR, Clock

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_passwords():
        yield


@pytest.fixture
def other(table: Table) -> int:
    return open_account(table, OPERATOR, actor=OPERATOR).id


def later(clock: Clock) -> None:
    """Let everything that a process remembers of names be forgotten."""
    clock.ms += RECALL_MS + 1


def test_an_account_opened_without_a_login_is_given_one(table: Table) -> None:
    assert not logins.set_login(table, OPERATOR, ACCOUNT, "john", "secret")
    assert by_password(table, "john", "secret").account == ACCOUNT
    assert find_username(table, "john") == (OPERATOR, ACCOUNT)
    assert accounts.get(table, OPERATOR, ACCOUNT).username == "john"


def test_a_name_without_a_password_lets_nobody_in_until_it_is_given_one(table: Table, clock: Clock) -> None:
    opened = open_account(table, OPERATOR, actor=OPERATOR, username="mary", names=[user_name("mary")]).id
    for secret in ("", "secret"):
        with pytest.raises(WrongCredentials):
            by_password(table, "mary", secret)
    assert find_username(table, "mary") == (OPERATOR, opened)
    logins.set_login(table, OPERATOR, opened, "mary", "secret")
    later(clock)
    assert by_password(table, "mary", "secret").account == opened


def test_a_new_password_ends_the_old_one(table: Table, clock: Clock) -> None:
    logins.set_login(table, OPERATOR, ACCOUNT, "john", "secret")
    by_password(table, "john", "secret")
    logins.set_login(table, OPERATOR, ACCOUNT, "john", "better")
    later(clock)
    assert by_password(table, "john", "better").account == ACCOUNT
    with pytest.raises(WrongCredentials):
        by_password(table, "john", "secret")


def test_a_name_given_up_leads_nowhere_and_to_nobody_else(table: Table, clock: Clock, other: int) -> None:
    """Or whoever still writes it would top up a stranger."""
    logins.set_login(table, OPERATOR, ACCOUNT, "john", "secret")
    logins.set_login(table, OPERATOR, ACCOUNT, "jack", "secret")
    later(clock)
    with pytest.raises(AccountNotFound):
        find_username(table, "john")
    with pytest.raises(WrongCredentials):
        by_password(table, "john", "secret")
    with pytest.raises(NameTaken, match="username"):
        logins.set_login(table, OPERATOR, other, "john", "secret")
    logins.set_login(table, OPERATOR, ACCOUNT, "john", "secret")
    later(clock)
    assert find_username(table, "john") == (OPERATOR, ACCOUNT)


def test_the_name_of_a_closed_account_may_be_taken_by_its_owners_others_only(
    table: Table, clock: Clock, other: int
) -> None:
    logins.set_login(table, OPERATOR, other, "john", "secret")
    customers.close(table, OPERATOR, other, actor=OPERATOR)
    stranger = open_account(table, 200, actor=200).id
    with pytest.raises(NameTaken):
        logins.set_login(table, 200, stranger, "john", "other")
    opened = open_account(table, OPERATOR, actor=OPERATOR, username="john", names=[user_name("john")]).id
    later(clock)
    assert find_username(table, "john") == (OPERATOR, opened)
    with pytest.raises(NameTaken):
        open_account(table, OPERATOR, actor=OPERATOR, username="john", names=[user_name("john")])


def test_a_login_taken_away_lets_nobody_in(table: Table, clock: Clock) -> None:
    logins.set_login(table, OPERATOR, ACCOUNT, "john", "secret")
    for _ in range(2):
        logins.remove_login(table, OPERATOR, ACCOUNT)
    later(clock)
    with pytest.raises(WrongCredentials):
        by_password(table, "john", "secret")
    assert accounts.get(table, OPERATOR, ACCOUNT).username == ""


@pytest.mark.parametrize("name", ["", "x" * 17, " john", "john\t", "jo\0hn"])
def test_what_can_be_no_user_name_is_refused(table: Table, name: str) -> None:
    with pytest.raises(ValueError, match=r"user name|printable"):
        logins.set_login(table, OPERATOR, ACCOUNT, name, "secret")


def test_a_closed_account_and_a_strangers_are_given_nothing(table: Table, other: int) -> None:
    customers.close(table, OPERATOR, other, actor=OPERATOR)
    with pytest.raises(AccountClosed):
        logins.set_login(table, OPERATOR, other, "john", "secret")
    with pytest.raises(AccountNotFound):
        logins.set_login(table, 200, ACCOUNT, "john", "secret")
    with pytest.raises(AccountNotFound):
        find_username(table, "john")


def test_a_token_is_given_exchanged_and_taken_away(table: Table, clock: Clock, other: int) -> None:
    logins.set_token(table, OPERATOR, ACCOUNT, "first")
    logins.set_token(table, OPERATOR, ACCOUNT, "second")
    later(clock)
    assert find_name(table, token("second").pk) == (OPERATOR, ACCOUNT)
    assert accounts.get(table, OPERATOR, ACCOUNT).properties == {"token": "second"}
    with pytest.raises(AccountNotFound):
        find_name(table, token("first").pk)
    for taken in ("first", "second"):
        with pytest.raises(NameTaken, match="token"):
            logins.set_token(table, OPERATOR, other, taken)
    logins.set_token(table, OPERATOR, ACCOUNT, "")
    later(clock)
    assert accounts.get(table, OPERATOR, ACCOUNT).properties == {}
    with pytest.raises(AccountNotFound):
        find_name(table, token("second").pk)


def test_under_a_callers_key_it_happens_once(table: Table) -> None:
    def set_login(secret: str) -> bool:
        key = CallerKey(OPERATOR, "key", ("set login", ACCOUNT, "john", credentials.fingerprint(secret)))
        return logins.set_login(table, OPERATOR, ACCOUNT, "john", secret, key)

    assert [set_login("secret"), set_login("secret")] == [False, True]
    with pytest.raises(KeyReused):
        set_login("better")


def test_both_are_changed_or_neither(table: Table, other: int) -> None:
    """The profile's user name goes with the look-up's, and a name that is taken changes neither."""
    logins.set_login(table, OPERATOR, ACCOUNT, "john", "secret")
    logins.set_login(table, OPERATOR, other, "jack", "secret")
    before = accounts.get(table, OPERATOR, other)
    with pytest.raises(NameTaken):
        logins.set_login(table, OPERATOR, other, "john", "secret")
    assert accounts.get(table, OPERATOR, other) == before
    assert by_password(table, "jack", "secret").account == other
