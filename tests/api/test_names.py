"""The names by which the vendors' callers know an account: given by an admin key, shown with the account, unique."""

from typing import Any

import pytest

from api import create_account, get_account, remove_login, set_email, set_login, set_token, update_account
from ledger.credentials import by_password
from ledger.errors import WrongCredentials
from ledger.table import Table
from tests.api.caller import ask
from tests.local import demo

JANE = {"username": "jane", "password": "correct-horse"}
GIVEN: list[tuple[Any, dict[str, str], str]] = [
    (set_login, JANE, "username"),
    (set_email, {"email": "jane@jane.example"}, "email"),
    (set_token, {"token": "jane-2026"}, "token"),
]


@pytest.fixture
def mary(ledger: Table) -> int:
    opened: int = ask(create_account, {"name": "Mary"}, key="mary")["id"]
    return opened


@pytest.mark.parametrize(("endpoint", "body", "name"), GIVEN)
def test_a_name_is_given_shown_and_given_again(mary: int, endpoint: Any, body: dict[str, str], name: str) -> None:
    assert ask(get_account, id=mary)[name] is None
    given = ask(endpoint, body, id=mary)
    assert (given.status, given[name]) == (200, body[name])
    assert given.body == ask(get_account, id=mary).body == ask(endpoint, body, id=mary).body


@pytest.mark.parametrize(("endpoint", "body", "name"), GIVEN)
def test_a_name_is_one_accounts(mary: int, endpoint: Any, body: dict[str, str], name: str) -> None:
    ask(endpoint, body, id=demo.JOHN)
    before = ask(get_account, id=mary).body
    assert ask(endpoint, body, id=mary).code == "name_taken"
    assert ask(get_account, id=mary).body == before


@pytest.mark.parametrize(("endpoint", "body", "name"), GIVEN)
def test_who_may_not_change_the_account_gives_it_no_name(
    mary: int, endpoint: Any, body: dict[str, str], name: str
) -> None:
    assert ask(endpoint, body, secret=demo.JOHNS_KEY, id=demo.JOHN).code == "not_permitted"
    assert ask(endpoint, body, secret=None, id=mary).code == "unauthenticated"
    assert ask(endpoint, body, id=demo.ADMIN).code == "not_permitted"
    assert ask(endpoint, body, id=999).code == "account_not_found"
    ask(update_account, {"state": "closed"}, id=mary)
    assert ask(endpoint, body, id=mary).code == "account_closed"
    assert ask(get_account, id=mary)[name] is None


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        *((set_login, JANE | {"username": wrong}) for wrong in ("", "x" * 17, "a b", "ä", "a\n")),
        *((set_login, JANE | {"password": wrong}) for wrong in ("", "x" * 7, "x" * 17)),
        (set_login, {"username": "jane", "password": 12345678}),
        (set_login, {"username": "jane"}),
        (set_login, {"password": "correct-horse"}),
        *((set_email, {"email": wrong}) for wrong in ("", "a", "a@", "@a", "a b@c", "a@b@c", "x" * 253 + "@a")),
        *((set_token, {"token": wrong}) for wrong in ("", "x" * 7, "x" * 65, "a/b/c/d/e", "........")),
    ],
)
def test_what_can_be_no_name_is_refused_and_not_repeated(mary: int, endpoint: Any, body: dict[str, Any]) -> None:
    refused = ask(endpoint, body, id=mary)
    assert refused.code == "invalid_request"
    assert "correct-horse" not in str(refused.body)


def test_a_login_that_was_removed_lets_nobody_in_and_is_shown_no_more(ledger: Table, mary: int) -> None:
    ask(set_login, JANE, id=mary)
    assert ask(remove_login, id=mary).status == ask(remove_login, id=mary).status == 204
    with pytest.raises(WrongCredentials):
        by_password(ledger, "jane", "correct-horse")
    assert ask(get_account, id=mary)["username"] is None
