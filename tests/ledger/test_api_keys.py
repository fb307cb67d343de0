"""Issuing and revoking keys over a network that loses, repeats and refuses: what is told, and what then lets in."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ledger import api_keys, credentials
from ledger.api_keys import ApiKey, ApiKeyNotFound
from ledger.claims import CallerKey
from ledger.credentials import Caller
from ledger.errors import Busy, KeyReused, LedgerError, OutcomeUnknown, WrongCredentials
from ledger.kinds import Scope
from ledger.table import Table
from tests.ledger.conftest import Clock
from tests.ledger.test_balance import through
from tests.local import demo

Answer = Callable[[str, Callable[..., Any], Any], Any]

SECRET, OTHER_SECRET = "a secret", "another secret"
GRANTED = frozenset({Scope.READ, Scope.SPEND})
NOBODY = "0" * 32


@pytest.fixture
def table(ledger: Table) -> Table:
    """Give the demo's ledger on a clock that only sleeping moves, by a second each time."""
    clock = Clock()
    return replace(
        ledger,
        now_ms=lambda: int(clock.ms),
        sleep_ms=lambda _: clock.sleep(1_000),
        random_bits=Random(1).getrandbits,
        recent={},
    )


@pytest.fixture
def operator(table: Table) -> Caller:
    return credentials.by_key(table, demo.API_KEY)


def issue(
    table: Table, operator: Caller, secret: str = SECRET, name: str = "shop", key: str = "k", subtree: int | None = None
) -> tuple[ApiKey, bool]:
    caller_key = CallerKey(operator.account, key, ("issue key", name))
    return api_keys.issue(table, operator, secret, name=name, scopes=GRANTED, subtree=subtree, caller_key=caller_key)


def who(table: Table, secret: str) -> Caller | None:
    """Say whom a secret lets in, without what is remembered."""
    try:
        return credentials.by_scoped_key(replace(table, recent={}), secret)
    except WrongCredentials:
        return None


def listed(table: Table) -> list[ApiKey]:
    """List the keys that were issued here: the demo has two, too."""
    found = api_keys.list_keys(table, demo.ADMIN, limit=100)
    return [each for each in found if each.id not in (demo.KEY_ID, demo.ADMINS_KEY_ID)]


Fault = Callable[[Any], Exception]
"""Makes the error that this request meets."""


def told(code: str, **parts: Any) -> Fault:
    def fault(_: Any) -> Exception:
        response: Any = {"Error": {"Code": code, "Message": ""}, **parts}
        return ClientError(response, "TransactWriteItems")

    return fault


def conflict(at: int, attempts: int = 0) -> Fault:
    """Have another transaction in the way of one write of this one."""

    def fault(request: Any) -> Exception:
        reasons = [{"Code": "None"} for _ in request["TransactItems"]]
        reasons[at]["Code"] = "TransactionConflict"
        sent: Any = {"ResponseMetadata": {"RetryAttempts": attempts}, "CancellationReasons": reasons}
        return told("TransactionCanceledException", **sent)(request)

    return fault


def nothing_heard(_: Any) -> Exception:
    return ReadTimeoutError(endpoint_url="nowhere")


def failing(fault: Fault, *, times: int = 1_000, done: bool = False) -> Answer:
    """Fail so many transactions with this, the first of them after it was `done` if so."""
    met: list[str] = []

    def answer(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation != "transact_write_items" or len(met) == times:
            return proceed(**request)
        met.append(operation)
        if done and len(met) == 1:
            proceed(**request)
        raise fault(request)

    return answer


ONCE: dict[str, Fault] = {
    "conflict": conflict(-1),
    "first write in hand": conflict(0),
    "throttled": told("ThrottlingException"),
    "fault": told("InternalServerError"),
    "lost": nothing_heard,
    "resent": conflict(-1, attempts=1),
}
FOR_GOOD: dict[str, tuple[Fault, type[LedgerError]]] = {
    "conflict": (ONCE["conflict"], Busy),
    "first write in hand": (ONCE["first write in hand"], Busy),
    "fault": (ONCE["fault"], OutcomeUnknown),
    "lost": (nothing_heard, OutcomeUnknown),
    "resent": (ONCE["resent"], OutcomeUnknown),
}
once = pytest.mark.parametrize("fault", ONCE.values(), ids=ONCE)
for_good = pytest.mark.parametrize(("fault", "answer"), FOR_GOOD.values(), ids=FOR_GOOD)
unseen = pytest.mark.parametrize("done", [False, True], ids=["not done", "done unseen"])


@unseen
@once
def test_a_key_is_issued_once_whatever_became_of_the_first_try(
    table: Table, operator: Caller, fault: Fault, done: bool
) -> None:
    key, replayed = issue(through(table, failing(fault, times=1, done=done)), operator, subtree=demo.JOHN)
    assert not replayed, "it is this request's own, so its secret is the one that lets in"
    assert (key.name, key.scopes, key.subtree, key.revoked_ms) == ("shop", GRANTED, demo.JOHN, None)
    assert listed(table) == [key]
    caller = who(table, SECRET)
    assert caller is not None
    assert (caller.account, caller.owner) == (operator.account, operator.owner)
    assert (caller.scopes, caller.subtree) == (GRANTED, demo.JOHN)


@for_good
def test_who_gives_up_says_whether_a_key_may_have_been_issued(
    table: Table, operator: Caller, fault: Fault, answer: type[LedgerError]
) -> None:
    with pytest.raises(answer):
        issue(through(table, failing(fault)), operator)
    assert (listed(table), who(table, SECRET)) == ([], None)
    key, replayed = issue(table, operator)
    assert (replayed, listed(table)) == (False, [key])


def test_a_request_sent_again_after_a_lost_answer_learns_of_the_key_but_not_its_secret(
    table: Table, operator: Caller
) -> None:
    with pytest.raises(OutcomeUnknown):
        issue(through(table, failing(nothing_heard, times=1_000, done=True)), operator)
    key, replayed = issue(table, operator, OTHER_SECRET)
    assert replayed
    assert listed(table) == [key]
    assert who(table, SECRET) is not None
    assert who(table, OTHER_SECRET) is None


def test_a_key_of_other_content_is_refused_also_after_a_lost_answer(table: Table, operator: Caller) -> None:
    first, _ = issue(table, operator)
    for answer in (failing(nothing_heard, times=0), failing(nothing_heard, times=1), failing(conflict(0), times=1)):
        with pytest.raises(KeyReused):
            issue(through(table, answer), operator, OTHER_SECRET, name="another")
    assert listed(table) == [first]
    assert who(table, OTHER_SECRET) is None


def test_a_key_that_was_issued_is_not_denied_because_it_cannot_be_read_back(table: Table, operator: Caller) -> None:
    issue(table, operator)

    def no_reading(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "get_item":
            raise nothing_heard(request)
        return proceed(**request)

    with pytest.raises(OutcomeUnknown):
        issue(through(table, no_reading), operator)


def test_a_secret_that_lets_somebody_in_is_given_to_nobody_else(table: Table, operator: Caller) -> None:
    first, _ = issue(table, operator)
    with pytest.raises(Busy):
        issue(table, operator, SECRET, name="another", key="another")
    assert listed(table) == [first]


@unseen
@once
def test_a_key_is_revoked_whatever_became_of_the_first_try(
    table: Table, operator: Caller, fault: Fault, done: bool
) -> None:
    key, _ = issue(table, operator)
    other, _ = issue(table, operator, OTHER_SECRET, key="other")
    asked_ms = table.now_ms()
    api_keys.revoke(through(table, failing(fault, times=1, done=done)), operator.account, key.id)
    assert (who(table, SECRET), who(table, OTHER_SECRET) is None) == (None, False)
    assert listed(table) == sorted([replace(key, revoked_ms=asked_ms), other], key=lambda each: each.id)

    table.sleep_ms(1)
    api_keys.revoke(table, operator.account, key.id)
    assert replace(key, revoked_ms=asked_ms) in listed(table), "it was revoked then and not now"


@for_good
def test_who_gives_up_says_whether_a_key_may_have_been_revoked(
    table: Table, operator: Caller, fault: Fault, answer: type[LedgerError]
) -> None:
    key, _ = issue(table, operator)
    with pytest.raises(answer):
        api_keys.revoke(through(table, failing(fault)), operator.account, key.id)
    assert listed(table) == [key]
    assert who(table, SECRET) is not None


def test_a_key_that_cannot_be_looked_at_is_not_revoked(table: Table, operator: Caller) -> None:
    key, _ = issue(table, operator)

    def no_reading(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "get_item":
            raise nothing_heard(request)
        return proceed(**request)

    with pytest.raises(Busy):
        api_keys.revoke(through(table, no_reading), operator.account, key.id)
    assert listed(table) == [key]


@pytest.mark.parametrize(("operator_id", "known"), [(demo.ADMIN, False), (demo.JOHN, True)])
def test_only_who_issued_a_key_can_revoke_it(table: Table, operator: Caller, operator_id: int, known: bool) -> None:
    key, _ = issue(table, operator)
    with pytest.raises(ApiKeyNotFound):
        api_keys.revoke(table, operator_id, key.id if known else NOBODY)
    assert listed(table) == [key]


@pytest.mark.parametrize("stride", [1, 2, 100])
def test_keys_are_listed_oldest_first_in_whatever_pages_the_database_has(
    table: Table, operator: Caller, stride: int
) -> None:
    made = list(api_keys.list_keys(table, demo.ADMIN, limit=2))  # the demo's own
    for number in range(4):
        made.append(issue(table, operator, f"secret {number}", key=f"k{number}", name=f"key {number}")[0])
        table.sleep_ms(1)
    asked: list[int] = []

    def short(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        """Answer fewer than was asked for, as DynamoDB does past a megabyte."""
        if operation == "query":
            asked.append(request["Limit"])
            request = request | {"Limit": min(request["Limit"], stride)}
        return proceed(**request)

    seen = through(table, short)
    assert list(api_keys.list_keys(seen, demo.ADMIN, limit=100)) == made
    assert list(api_keys.list_keys(seen, demo.ADMIN, limit=6)) == made
    assert list(api_keys.list_keys(seen, demo.ADMIN, limit=3)) == made[:3]
    assert list(api_keys.list_keys(seen, demo.ADMIN, after=made[1].id, limit=2)) == made[2:4]
    assert list(api_keys.list_keys(seen, demo.ADMIN, after=made[5].id, limit=2)) == []
    assert list(api_keys.list_keys(seen, demo.JOHN, limit=2)) == []
    assert max(asked) == 100


def test_a_listing_that_gets_no_answer_is_busy(table: Table, operator: Caller) -> None:
    issue(table, operator)

    def no_listing(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        raise nothing_heard(request)

    with pytest.raises(Busy):
        api_keys.list_keys(through(table, no_listing), demo.ADMIN, limit=1)
