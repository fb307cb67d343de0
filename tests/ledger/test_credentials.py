import re
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from ledger import credentials
from ledger.accounts import Role
from ledger.counter import State
from ledger.credentials import api_key, by_key, by_password, new_secret, password
from ledger.errors import AccountClosed, WrongCredentials
from ledger.opening import open_account
from ledger.table import MOST_RECALLED, RECALL_MS, Table
from tests.demo_ledger import quick_passwords
from tests.ledger.conftest import OPERATOR, Clock
from tests.states import set_state


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_passwords():
        yield


@pytest.fixture
def mary(table: Table) -> int:
    names = [password("mary", "secret"), api_key("mary's key")]
    return open_account(table, OPERATOR, actor=OPERATOR, role=Role.ADMIN, username="mary", names=names).id


def test_either_credential_tells_who_is_calling(table: Table, mary: int) -> None:
    for caller in (by_password(table, "mary", "secret"), by_key(table, "mary's key")):
        assert (caller.account, caller.owner, caller.username, caller.role) == (mary, OPERATOR, "mary", Role.ADMIN)


@pytest.mark.parametrize(
    ("username", "secret"),
    [("mary", "Secret"), ("mary", ""), ("Mary", "secret"), ("", ""), ("x" * 17, "secret"), ("mary\x00", "secret")],
)
@pytest.mark.usefixtures("mary")
def test_a_wrong_password_and_an_unknown_name_are_told_alike_after_the_same_work(
    table: Table, monkeypatch: pytest.MonkeyPatch, username: str, secret: str
) -> None:
    work = Mock(wraps=credentials.scrypt)  # type: ignore[attr-defined]  # as it was made quick here
    monkeypatch.setattr(credentials, "scrypt", work)
    with pytest.raises(WrongCredentials, match=r"^$"):
        by_password(table, username, secret)
    assert work.call_count == 1


@pytest.mark.parametrize("secret", ["", "mary", "mary's key ", "x" * 10_000, "\ud800"])
@pytest.mark.usefixtures("mary")
def test_an_unknown_key_lets_nobody_in(table: Table, secret: str) -> None:
    with pytest.raises(WrongCredentials):
        by_key(table, secret)


@pytest.mark.usefixtures("mary")
def test_who_was_recognised_is_recognised_without_work_for_half_a_minute(
    table: Table, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Mock(wraps=credentials.scrypt)  # type: ignore[attr-defined]  # as it was made quick here
    monkeypatch.setattr(credentials, "scrypt", work)
    for passed_ms, times in ((0, 1), (RECALL_MS - 1, 1), (1, 2)):
        clock.ms += passed_ms
        by_password(table, "mary", "secret")
        assert work.call_count == times


@pytest.mark.usefixtures("mary")
def test_what_is_remembered_is_bounded_and_no_secret(table: Table) -> None:
    by_password(table, "mary", "secret")
    by_key(table, "mary's key")
    assert "secret" not in repr(table.recent)
    assert "mary's key" not in repr(table.recent)
    for number in range(2 * MOST_RECALLED):
        table.recall(number, lambda: "")
    assert len(table.recent) <= MOST_RECALLED


def test_a_closed_account_is_told_so_only_to_who_knows_the_password(table: Table, mary: int) -> None:
    set_state(table, OPERATOR, mary, State.CLOSED)
    with pytest.raises(AccountClosed):
        by_password(table, "mary", "secret")
    with pytest.raises(WrongCredentials):
        by_password(table, "mary", "wrong")


def test_no_secret_lies_in_the_table(table: Table, mary: int) -> None:
    stored = repr(vars(table.client))
    assert f"'{mary}'" in stored
    assert "secret" not in stored
    assert "mary's key" not in stored


def test_two_equal_passwords_do_not_look_alike() -> None:
    one, other = (password(username, "secret").proof for username in ("mary", "eve"))
    assert one["salt"] != other["salt"]
    assert one["hash"] != other["hash"]


@pytest.mark.parametrize(("username", "secret"), [("", "x"), ("x", ""), ("x" * 17, "x"), ("x", "x" * 17)])
def test_a_name_or_password_out_of_bounds_is_not_taken(username: str, secret: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        password(username, secret)


def test_a_generated_key_has_256_bits_and_is_new_each_time() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert all(re.fullmatch(r"prepaid_[A-Za-z0-9_-]{43}", new_secret()) for _ in range(9)), "256 bits in base64"
