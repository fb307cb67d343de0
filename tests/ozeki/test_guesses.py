"""Guessing passwords through the handler: how far it gets, what it costs, and whom it keeps out."""

from hashlib import scrypt
from urllib.parse import urlencode

import pytest

from ledger import credentials
from ledger.table import Table
from tests.demo_ledger import items
from tests.ozeki.caller import GET_AS_ADMIN, Answer, ask, credit, event, send

GUESSER, ELSEWHERE = "203.0.113.10", "198.51.100.7"
WRONG = Answer("error", code=4, message="wrong username or password")
BLOCKED = Answer(
    "error", code=11, message="too many wrong passwords from your address: wait a minute, or up to an hour"
)


def login(password: str, source: str = GUESSER, **headers: str) -> Answer:
    return send(event(urlencode(GET_AS_ADMIN | {"password": password}), source=source, headers=headers))


@pytest.fixture
def hashed(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """Keep the cost of each password that is hashed."""
    costs = []

    def counted(secret: bytes, *, salt: bytes, n: int, r: int, p: int, maxmem: int) -> bytes:
        costs.append((n, r, p))
        return scrypt(secret, salt=salt, n=2, r=1, p=1, dklen=64)

    monkeypatch.setattr(credentials, "scrypt", counted)
    return costs


def test_of_200_wrong_guesses_six_are_hashed_and_the_right_user_elsewhere_waits_for_nothing(
    ledger: Table, hashed: list[tuple[int, int, int]]
) -> None:
    assert [login(f"guess {number}") for number in range(100)] == [WRONG] * 6 + [BLOCKED] * 94
    assert login("abc123", ELSEWHERE) == credit("admin", 0)
    assert [login(f"guess {number}") for number in range(100, 200)] == [BLOCKED] * 100
    assert login("abc123") == BLOCKED
    assert len(hashed) == 6 + 1
    assert len([item for item in items(ledger) if item["pk"]["S"].startswith("F#")]) == 1


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip"])
def test_no_header_makes_a_guesser_another(hashed: list[tuple[int, int, int]], header: str) -> None:
    for number in range(6):
        login("wrong", **{header: f"for=198.51.100.{number}"})
    assert login("wrong", **{header: "198.51.100.9"}) == BLOCKED
    assert len(hashed) == 6


@pytest.mark.usefixtures("ledger")
def test_a_request_whose_address_is_not_known_is_answered() -> None:
    contexts: list[dict[str, object]] = [{}, {"http": None}, {"http": {}}]
    for context in contexts:
        assert send(event(urlencode(GET_AS_ADMIN)) | {"requestContext": context}) == credit("admin", 0)


@pytest.mark.parametrize("password", ["x" * 17, "x" * 60_000])
def test_what_can_be_no_password_is_wrong_at_once_and_is_no_guess(
    hashed: list[tuple[int, int, int]], password: str
) -> None:
    assert [login(password) for _ in range(10)] == [WRONG] * 10
    assert login("abc123") == credit("admin", 0)
    assert len(hashed) == 1


def test_a_password_set_before_there_was_a_shortest_one_goes_on_working(ledger: Table) -> None:
    assert len(GET_AS_ADMIN["password"]) < credentials.SHORTEST_PASSWORD
    assert ask(GET_AS_ADMIN) == credit("admin", 0)
