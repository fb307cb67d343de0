import re
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from ledger import credentials
from ledger.accounts import Role
from ledger.counter import State
from ledger.credentials import api_key, by_key, by_password, new_secret, password
from ledger.errors import AccountClosed, WrongCredentials
from ledger.logins import set_login
from ledger.names import username_pk
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


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Watch how many passwords are hashed."""
    hashing = Mock(wraps=credentials.scrypt)  # type: ignore[attr-defined]  # as it was made quick here
    monkeypatch.setattr(credentials, "scrypt", hashing)
    return hashing


@pytest.mark.parametrize(
    ("username", "secret"), [("mary", "Secret"), ("mary", ""), ("mari", "secret"), ("mary", "x" * 16)]
)
@pytest.mark.usefixtures("mary")
def test_a_wrong_password_and_an_unknown_name_are_told_alike_after_the_same_work(
    table: Table, work: Mock, username: str, secret: str
) -> None:
    with pytest.raises(WrongCredentials, match=r"^$"):
        by_password(table, username, secret)
    assert work.call_count == 1


@pytest.mark.parametrize(
    ("username", "secret"),
    [("mary", "x" * 17), ("mary", "x" * 60_000), ("", ""), ("x" * 17, "secret"), ("mary\x00", "secret"), (" ", "x")],
    ids=lambda text: ascii(text)[:20],
)
@pytest.mark.usefixtures("mary")
def test_what_can_be_no_name_or_no_password_is_told_alike_without_work_and_leaves_nothing(
    table: Table, work: Mock, username: str, secret: str
) -> None:
    before = repr(vars(table.client))
    with pytest.raises(WrongCredentials, match=r"^$"):
        by_password(table, username, secret)
    assert work.call_count == 0
    assert repr(vars(table.client)) == before


def test_a_name_that_could_take_seconds_to_compose_takes_no_time() -> None:
    endless = "e" + "\N{COMBINING ACUTE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}" * 30_000
    assert username_pk(endless) == f"U#{endless}"


@pytest.mark.usefixtures("mary")
def test_a_user_name_is_the_same_in_any_case_and_composition(table: Table) -> None:
    assert by_password(table, "MARY", "secret").username == "mary"
    assert username_pk("\N{ANGSTROM SIGN}") == username_pk("a\N{COMBINING RING ABOVE}")
    assert username_pk("Stra\N{LATIN SMALL LETTER SHARP S}e") == username_pk("STRASSE")


@pytest.mark.parametrize("secret", ["", "mary", "mary's key ", "x" * 10_000, "\ud800"])
@pytest.mark.usefixtures("mary")
def test_an_unknown_key_lets_nobody_in(table: Table, secret: str) -> None:
    with pytest.raises(WrongCredentials):
        by_key(table, secret)


def test_who_was_recognised_is_looked_up_again_after_half_a_minute(table: Table, mary: int, clock: Clock) -> None:
    by_password(table, "mary", "secret")
    set_state(table, OPERATOR, mary, State.CLOSED)
    clock.ms += RECALL_MS - 1
    assert by_password(table, "mary", "secret").state is State.OPEN
    clock.ms += 1
    with pytest.raises(AccountClosed):
        by_password(table, "mary", "secret")


@pytest.mark.usefixtures("mary")
def test_who_was_recognised_is_not_hashed_again_for_an_hour_after_the_last_time(
    table: Table, clock: Clock, work: Mock
) -> None:
    for passed_ms, times in ((0, 1), (3_599_999, 1), (3_599_999, 1), (3_600_000, 2)):
        clock.ms += passed_ms
        by_password(table, "mary", "secret")
        assert work.call_count == times
    by_password(table, "mary", "secret", "198.51.100.7")
    assert work.call_count == 3, "nothing is remembered of another address"


def test_a_password_that_was_changed_lets_nobody_in_after_half_a_minute(table: Table, mary: int, clock: Clock) -> None:
    by_password(table, "mary", "secret")
    set_login(table, OPERATOR, mary, "mary", "another")
    clock.ms += RECALL_MS
    with pytest.raises(WrongCredentials):
        by_password(table, "mary", "secret")
    assert by_password(table, "mary", "another").account == mary


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
