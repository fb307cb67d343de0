"""Wrong passwords are counted by user name and address; too many, and none is looked at for a while."""

from collections.abc import Iterator
from random import Random
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ledger import credentials
from ledger.accounts import Role
from ledger.credentials import by_password, password
from ledger.errors import Busy, LoginBlocked, WrongCredentials
from ledger.metrics import report
from ledger.opening import open_account
from ledger.table import Table
from tests.demo_ledger import quick_passwords
from tests.ledger.conftest import OPERATOR, Clock
from tests.logged import counted
from tests.simulation.memory import Memory

HERE, ELSEWHERE = "203.0.113.10", "198.51.100.7"
GUESS = "guess"
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mock]:
    """Watch how many passwords are hashed."""
    with quick_passwords():
        hashing = Mock(wraps=credentials.scrypt)  # type: ignore[attr-defined]  # as it was made quick here
        monkeypatch.setattr(credentials, "scrypt", hashing)
        yield hashing


@pytest.fixture(autouse=True)
def _mary(table: Table, work: Mock) -> None:
    names = [password("mary", "secret")]
    open_account(table, OPERATOR, actor=OPERATOR, role=Role.ADMIN, username="mary", names=names)
    work.reset_mock()


def guess(table: Table, times: int = 1, username: str = "mary", source: str = HERE) -> None:
    for number in range(times):
        with pytest.raises(WrongCredentials):
            by_password(table, username, f"guess {number}", source)


def is_blocked(table: Table, secret: str = GUESS, username: str = "mary", source: str = HERE) -> bool:
    try:
        by_password(table, username, secret, source)
    except LoginBlocked:
        return True
    except WrongCredentials:
        pass
    return False


def another_process(table: Table, clock: Clock) -> Table:
    """Give the same ledger to a process that remembers nothing."""
    return Table(table.client, table.name, lambda: int(clock.ms), clock.sleep, Random(2).getrandbits)


def counts(table: Table) -> list[dict[str, Any]]:
    client: Any = table.client
    return [item for place, item in client.items.items() if place[0].startswith("F#")]


# ------------------------------------------------------------------------------------------------- how many, how long


def test_after_six_wrong_passwords_right_and_wrong_are_refused_alike_without_hashing(table: Table, work: Mock) -> None:
    guess(table, 6)
    assert work.call_count == 6
    assert is_blocked(table, "guess")
    assert is_blocked(table, "secret")
    assert is_blocked(table, "guess", "MARY")
    assert work.call_count == 6


def test_after_five_the_right_one_lets_in(table: Table) -> None:
    guess(table, 5)
    assert by_password(table, "mary", "secret", HERE).username == "mary"


def test_a_block_takes_a_minute_and_each_wrong_password_after_it_twice_as_long_up_to_an_hour(
    table: Table, clock: Clock
) -> None:
    guess(table, 5)
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        guess(table)
        clock.ms += minutes * MINUTE_MS - 1
        assert is_blocked(table)
        clock.ms += 1


def test_a_guess_that_was_blocked_is_not_counted(table: Table, clock: Clock) -> None:
    guess(table, 6)
    before = counts(table)
    assert all(is_blocked(table) for _ in range(50))
    assert counts(table) == before
    clock.ms += MINUTE_MS
    assert by_password(table, "mary", "secret", HERE).username == "mary"


@pytest.mark.parametrize(("so_far", "until_quiet_ms"), [(5, 15 * MINUTE_MS), (6, 16 * MINUTE_MS)])
def test_counting_begins_anew_after_a_quiet_quarter_of_an_hour(
    table: Table, clock: Clock, so_far: int, until_quiet_ms: int
) -> None:
    guess(table, so_far)
    clock.ms += until_quiet_ms
    guess(table, 5)
    assert by_password(table, "mary", "secret", HERE).username == "mary"


def test_and_not_a_moment_earlier(table: Table, clock: Clock) -> None:
    guess(table, 5)
    clock.ms += 15 * MINUTE_MS - 1
    guess(table, 1)
    assert is_blocked(table, "secret")


# --------------------------------------------------------------------------------------------------------- whose, where


@pytest.mark.usefixtures("operator")
def test_whoever_is_elsewhere_and_every_other_name_is_let_in(table: Table) -> None:
    open_account(table, OPERATOR, actor=OPERATOR, username="jane", names=[password("jane", "secret")])
    guess(table, 6)
    assert by_password(table, "mary", "secret", ELSEWHERE).username == "mary"
    assert by_password(table, "jane", "secret", HERE).username == "jane"


def test_who_was_recognised_is_let_in_from_that_address_while_a_stranger_is_blocked_there(
    table: Table, clock: Clock, work: Mock
) -> None:
    by_password(table, "mary", "secret", HERE)
    guess(table, 6)
    for _ in range(20):
        assert is_blocked(table, "guess")
        assert by_password(table, "mary", "secret", HERE).username == "mary"
        clock.ms += 10 * MINUTE_MS
        while not is_blocked(table):
            pass
    work.reset_mock()
    assert is_blocked(another_process(table, clock), "secret"), "who was recognised is known to one process"
    assert work.call_count == 0


def test_what_one_address_may_still_do_without_a_wait_another_may_not(table: Table) -> None:
    """Or a blocked guesser would find the password in the memory of whoever is let in elsewhere."""
    by_password(table, "mary", "secret", ELSEWHERE)
    guess(table, 6)
    assert is_blocked(table, "secret")


def test_an_unknown_name_is_blocked_as_a_known_one_is(table: Table) -> None:
    guess(table, 6, "nobody")
    assert is_blocked(table, username="nobody")


def test_of_ipv6_the_first_64_bits_are_one_address(table: Table) -> None:
    for number in range(6):
        guess(table, source=f"2001:db8:0:1::{number}")
    assert is_blocked(table, source="2001:db8:0:1:ffff::")
    assert not is_blocked(table, source="2001:db8:0:2::")


# --------------------------------------------------------------------------------------------------------- what is kept


def test_a_count_is_small_names_nobody_and_is_deleted_after_a_day(table: Table, clock: Clock) -> None:
    begun_ms = int(clock.ms)
    guess(table, 6)
    (item,) = counts(table)
    assert item.keys() == {"pk", "sk", "n", "t", "ttl"}
    assert (item["n"], item["ttl"]) == ({"N": "6"}, {"N": str(begun_ms // 1_000 + 86_400)})
    assert len(item["pk"]["S"]) == len("F#") + 64
    assert "mary" not in repr(item)
    assert HERE not in repr(item)


def test_a_count_that_was_deleted_begins_anew(table: Table) -> None:
    guess(table, 5)
    client: Any = table.client

    class Deleting(Memory):
        """Delete the count between its reading and its writing."""

        def update_item(self, **request: Any) -> Any:
            self.items.pop((request["Key"]["pk"]["S"], request["Key"]["sk"]["S"]), None)
            return super().update_item(**request)

    client.__class__ = Deleting
    guess(table)
    client.__class__ = Memory
    assert [item["n"] for item in counts(table)] == [{"N": "1"}]


def test_two_that_begin_to_count_at_once_count_two(table: Table, clock: Clock) -> None:
    client: Any = table.client

    class Racing(Memory):
        """Have another process count a guess between this one's reading and writing."""

        def put_item(self, **request: Any) -> Any:
            client.__class__ = Memory
            guess(another_process(table, clock))
            return client.put_item(**request)

    client.__class__ = Racing
    guess(table)
    assert [item["n"] for item in counts(table)] == [{"N": "2"}]


# ------------------------------------------------------------------------------------- when the table does not answer


def failing(table: Table, method: str, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    real = getattr(table.client, method)

    def fail(**request: Any) -> Any:
        if (request.get("Key") or request["Item"])["pk"]["S"].startswith("F#"):
            raise error
        return real(**request)

    monkeypatch.setattr(table.client, method, fail)


THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "PutItem")


@pytest.mark.parametrize("error", [THROTTLED, ReadTimeoutError(endpoint_url="")], ids=["throttled", "no answer"])
def test_a_guess_that_cannot_be_counted_blocks_this_process_for_a_minute(
    table: Table, clock: Clock, work: Mock, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failing(table, "put_item", monkeypatch, error)
    guess(table)
    assert is_blocked(table)
    assert work.call_count == 1
    clock.ms += MINUTE_MS
    assert not is_blocked(table)


def test_the_right_password_needs_nothing_to_be_counted(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    for method in ("put_item", "update_item"):
        failing(table, method, monkeypatch, THROTTLED)
    assert by_password(table, "mary", "secret", HERE).username == "mary"


def test_a_count_that_cannot_be_read_is_busy_and_nothing_is_hashed(
    table: Table, work: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(table, "get_item", monkeypatch, THROTTLED)
    for secret in ("secret", "guess"):
        with pytest.raises(Busy):
            by_password(table, "mary", secret, HERE)
    assert work.call_count == 0


# --------------------------------------------------------------------------------------------------------- what is seen


def test_failures_and_blocks_are_counted_for_cloudwatch(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    report("an earlier test", {})
    capsys.readouterr()
    guess(table, 6)
    with pytest.raises(WrongCredentials):
        by_password(table, "mary", "x" * 17, HERE)
    assert is_blocked(table)
    report("ozeki", {})
    assert counted(capsys.readouterr().out) == {
        ("ozeki", "none", "LoginFailed"): 8,
        ("ozeki", "none", "LoginBlocked"): 1,
    }
