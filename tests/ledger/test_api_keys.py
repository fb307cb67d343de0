"""Issuing and revoking keys over a network that loses, repeats and refuses: what is told, and what then lets in."""

from collections.abc import Callable
from dataclasses import replace
from operator import call
from random import Random
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ledger import api_keys, credentials
from ledger.accounts import HOUSE
from ledger.api_keys import ApiKey, ApiKeyNotFound, LastAdminKey, NoUserName
from ledger.claims import CallerKey
from ledger.credentials import Caller
from ledger.errors import Busy, KeyReused, LedgerError, OutcomeUnknown, WrongCredentials
from ledger.kinds import Scope
from ledger.names import look_up
from ledger.table import Table, single
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


# -------------------------------------------------------------------------------------- the last, resets and expiry


def admin(table: Table, operator: Caller, secret: str, **more: Any) -> ApiKey:
    caller_key = CallerKey(operator.account, secret, ("issue key", secret))
    everything = frozenset({Scope.ADMIN})
    key, _ = api_keys.issue(
        table, operator, secret, name="office", scopes=everything, subtree=None, caller_key=caller_key, **more
    )
    return key


def test_the_last_key_that_is_good_for_everything_stays(table: Table, operator: Caller) -> None:
    issue(table, operator)
    caller_key = CallerKey(operator.account, "narrow", ("issue key", "narrow"))
    narrow = frozenset({Scope.ADMIN})
    api_keys.issue(table, operator, "narrow", name="j", scopes=narrow, subtree=demo.JOHN, caller_key=caller_key)
    with pytest.raises(LastAdminKey):
        api_keys.revoke(table, demo.ADMIN, demo.ADMINS_KEY_ID)
    assert who(table, demo.API_KEY)

    office = admin(table, operator, "office")
    api_keys.revoke(table, demo.ADMIN, demo.ADMINS_KEY_ID)
    assert not who(table, demo.API_KEY)
    with pytest.raises(LastAdminKey):
        api_keys.revoke(table, demo.ADMIN, office.id)
    assert who(table, "office")
    api_keys.revoke(table, demo.ADMIN, demo.ADMINS_KEY_ID)  # it is revoked already, so it takes nothing away


def test_a_key_that_has_expired_does_not_count_as_another(table: Table, operator: Caller) -> None:
    office = admin(table, operator, "office", lives_days=1)
    tomorrow = replace(table, now_ms=lambda: office.expires_ms or 0, recent={})
    with pytest.raises(LastAdminKey):
        api_keys.revoke(tomorrow, demo.ADMIN, demo.ADMINS_KEY_ID)
    api_keys.revoke(tomorrow, demo.ADMIN, office.id)  # nor does it have to stay


def test_the_other_key_may_lie_beyond_a_page_of_those_that_are_good_for_less(
    table: Table, operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "_A_PAGE", 1)
    issue(table, operator)
    table.sleep_ms(1)
    admin(table, operator, "office")
    api_keys.revoke(table, demo.ADMIN, demo.ADMINS_KEY_ID)
    assert not who(table, demo.API_KEY)


def test_of_two_keys_that_are_revoked_at_once_one_stays(table: Table, operator: Caller) -> None:
    """Each is the other's witness: the second transaction meets what the first one did."""
    office = admin(table, operator, "office")
    met: list[str] = []

    def other_first(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "transact_write_items" and not met:
            met.append(operation)
            api_keys.revoke(table, demo.ADMIN, demo.ADMINS_KEY_ID)
        return proceed(**request)

    with pytest.raises(LastAdminKey):
        api_keys.revoke(through(table, other_first), demo.ADMIN, office.id)
    assert (who(table, demo.API_KEY), who(table, "office") is None) == (None, False)


def reset(table: Table, *, key: str | None = "n" * 8, password: str | None = None, account: int = demo.ADMIN) -> bool:
    owner = HOUSE if account == demo.ADMIN else demo.ADMIN
    return api_keys.reset(table, owner, account, new_password=password, new_key=key, caller_key=None)


def test_a_reset_stops_every_key_that_was_good_for_everything_and_no_other(table: Table, operator: Caller) -> None:
    admin(table, operator, "office")
    as_before = look_up(credentials.api_key("unlisted"), HOUSE, demo.ADMIN)
    table.client.put_item(TableName=table.name, Item=as_before)
    issue(table, operator)
    secrets = ("office", "unlisted", demo.API_KEY, SECRET, demo.JOHNS_KEY)
    assert all(who(table, each) for each in secrets)

    reset(table, key="new")

    assert [each for each in secrets if who(table, each)] == [SECRET, demo.JOHNS_KEY]
    assert who(table, "new")
    found = api_keys.list_keys(table, demo.ADMIN, limit=9)
    assert {each.name for each in found if each.revoked_ms is None} == {"first key", "web shop", "shop"}
    assert {each.name: each.revoked_ms for each in found if each.revoked_ms} == {
        "first key": table.now_ms(),
        "office": table.now_ms(),
    }
    (new,) = (each for each in found if each.name == "first key" and each.revoked_ms is None)
    with pytest.raises(LastAdminKey):
        api_keys.revoke(table, demo.ADMIN, new.id)


def test_a_key_that_was_reset_issues_no_successor_even_at_that_moment(table: Table, operator: Caller) -> None:
    """The caller was recognised before the reset; what it issues is committed after it."""
    reset(table, key="new")
    admin(table, operator, "successor")
    assert who(table, "new")
    assert not who(table, "successor")


def test_two_resets_within_a_millisecond_leave_the_second_one_only(table: Table) -> None:
    for secret in ("one", "two"):
        reset(table, key=secret)
    assert (who(table, "one"), who(table, "two") is None) == (None, False)


def test_a_users_only_key_is_reset_too(table: Table) -> None:
    reset(table, key="johns new", account=demo.JOHN)
    reset(table, key="johns newest", account=demo.JOHN)
    assert who(table, "johns new") is None
    caller = who(table, "johns newest")
    assert caller
    assert (caller.account, caller.scopes) == (demo.JOHN, frozenset({Scope.READ}))


def test_a_reset_without_a_key_leaves_the_keys(table: Table) -> None:
    reset(table, key=None, password="new-secret")
    assert who(table, demo.API_KEY)
    fresh = replace(table, recent={})
    assert credentials.by_password(fresh, "admin", "new-secret").account == demo.ADMIN
    with pytest.raises(WrongCredentials):
        credentials.by_password(fresh, "admin", "abc123")
    with pytest.raises(NoUserName):
        reset(table, password="new-secret", account=demo.ACME)


def test_a_key_stops_when_it_expires_whoever_remembers_it(table: Table, operator: Caller) -> None:
    key = admin(table, operator, "office", lives_days=1)
    assert key.expires_ms == key.created_ms + 86_400_000
    now_ms = [key.created_ms + 86_400_000 - 1]
    then = replace(table, now_ms=lambda: now_ms[0])
    assert credentials.by_scoped_key(then, "office").account == demo.ADMIN
    now_ms[0] += 1
    with pytest.raises(WrongCredentials):
        credentials.by_scoped_key(then, "office")


def test_a_key_that_is_not_there_is_not_renamed(table: Table, operator: Caller) -> None:
    key, _ = issue(table, operator)
    with pytest.raises(ApiKeyNotFound):
        api_keys.rename(table, demo.ADMIN, NOBODY, "x")
    assert listed(table) == [key]
    assert api_keys.rename(table, demo.ADMIN, key.id, "x") == replace(key, name="x")


# ----------------------------------------------------------------------------------------------------------- last use

DAY_MS = 86_400_000


class Later:
    """Does what was put aside when it is told to, and counts the writes that this made."""

    def __init__(self, table: Table) -> None:
        self.put_aside: list[Callable[[], None]] = []
        self.writes = 0
        self.fault: Exception | None = None
        self.table = through(replace(table, aside=self.put_aside.append), self._answer)

    def _answer(self, operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "update_item":
            if self.fault:
                raise self.fault
            answer = proceed(**request)
            self.writes += 1
            return answer
        return proceed(**request)

    def recognise(self, secret: str, day: int = 0) -> None:
        """Have a process that remembers nothing recognise a key."""
        on_day = replace(self.table, now_ms=lambda: self.table.now_ms() + day * DAY_MS, recent={})
        credentials.by_scoped_key(on_day, secret)

    def catch_up(self) -> None:
        while self.put_aside:
            self.put_aside.pop()()


def used(table: Table, key: ApiKey) -> int | None:
    return api_keys.read(table, demo.ADMIN, key.id).used_ms


def test_the_day_of_a_keys_last_use_is_written_once_a_day_and_by_nobody_who_waits(
    table: Table, operator: Caller
) -> None:
    key, _ = issue(table, operator)
    later = Later(table)
    today_ms = table.now_ms() // DAY_MS * DAY_MS
    for _ in range(3):  # processes that came too soon to see each other's
        later.recognise(SECRET)
    assert (later.writes, used(table, key)) == (0, None)
    later.catch_up()
    assert (later.writes, used(table, key)) == (1, today_ms)
    for _ in range(3):
        later.recognise(SECRET)
        later.catch_up()
    assert later.writes == 1
    later.recognise(SECRET, day=1)
    later.catch_up()
    assert (later.writes, used(table, key)) == (2, today_ms + DAY_MS)


@pytest.mark.parametrize("was_used", [True, False])
def test_a_key_revoked_meanwhile_does_not_come_back_and_shows_its_last_use(
    table: Table, operator: Caller, was_used: bool
) -> None:
    key, _ = issue(table, operator)
    later = Later(table)
    if was_used:
        later.recognise(SECRET)
        later.catch_up()
    later.recognise(SECRET, day=1)
    api_keys.revoke(table, demo.ADMIN, key.id)
    later.catch_up()
    assert table.get(single(credentials.api_key(SECRET).pk)) is None
    assert used(table, key) == (table.now_ms() // DAY_MS * DAY_MS if was_used else None)


def test_a_last_use_that_cannot_be_written_changes_no_answer(table: Table, operator: Caller) -> None:
    key, _ = issue(table, operator)
    later = Later(table)
    later.fault = nothing_heard({})
    later.table = replace(later.table, aside=call)
    later.recognise(SECRET)
    assert used(table, key) is None


def test_what_no_answer_waits_for_is_done_by_another_thread(table: Table) -> None:
    done = Event()
    Table(table.client, table.name).aside(done.set)
    assert done.wait(5)
