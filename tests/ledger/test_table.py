"""What a failed call is taken for, and reading many items in as many calls as it takes."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ledger import counter, history
from ledger.balance import change
from ledger.change import Change
from ledger.errors import Busy, OutcomeUnknown
from ledger.kinds import Kind
from ledger.opening import open_account
from ledger.table import BUDGET_MS, Table
from tests.ledger.conftest import ACCOUNT, OPERATOR, Clock
from tests.ledger.test_balance import Spy, through


def only(count: int) -> Callable[..., Any]:
    """Answer so many of the keys asked for, and call the rest unprocessed, as a busy table does."""

    def answer(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation != "batch_get_item":
            return proceed(**request)
        ((name, asked),) = request["RequestItems"].items()
        answered = (
            proceed(RequestItems={name: {**asked, "Keys": asked["Keys"][:count]}}) if count else {"Responses": {}}
        )
        rest = asked["Keys"][count:]
        return {
            "Responses": {name: answered["Responses"].get(name, [])},
            "UnprocessedKeys": {name: {"Keys": rest}} if rest else {},
        }

    return answer


def test_more_items_than_one_call_answers_are_read_in_several(table: Table) -> None:
    accounts = [open_account(table, OPERATOR, actor=OPERATOR, balances={"sms": number}).id for number in range(230)]
    spy: Any = Spy(table.client)
    found = counter.read_all(through(table, only(70)), [(account, "sms") for account in accounts])
    assert [each.available for each in found] == list(range(230))
    counter.read_all(Table(spy, table.name), [(account, "sms") for account in accounts])
    assert spy.calls == ["batch_get_item"] * 3


def test_what_is_never_answered_is_busy_and_not_asked_for_without_a_rest(table: Table, clock: Clock) -> None:
    started_ms = clock.ms
    with pytest.raises(Busy):
        counter.read_all(through(table, only(0)), [(1, "sms")])
    assert BUDGET_MS <= clock.ms - started_ms < 2 * BUDGET_MS
    assert len(clock.slept_ms) > 10


# As botocore tells of them: the first three are pages of HTML, or empty.
UNKNOWN = [("503", 503), ("502", 502), ("500", 500), ("InternalFailure", 500), ("429", 429), ("AnythingNew", 599)]
NOTHING = [("ExpiredTokenException", 400), ("ReplicatedWriteConflictException", 400)]
RAISED = [("ValidationException", 400), ("AccessDeniedException", 400), ("400", 400), ("413", 413)]


def failing(code: str, status: int, times: int, *, after: bool) -> Callable[..., Any]:
    """Fail so many updates with this answer, before or after they were made."""
    left = [times]

    def answer(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation != "update_item" or not left[0]:
            return proceed(**request)
        left[0] -= 1
        if after:
            proceed(**request)
        told = {"HTTPStatusCode": status, "RetryAttempts": 0}
        raise ClientError({"Error": {"Code": code, "Message": ""}, "ResponseMetadata": told}, "UpdateItem")  # type: ignore[typeddict-item]

    return answer


def spend(table: Table) -> int:
    return change(table, Change(OPERATOR, ACCOUNT, "sms", Kind.SPEND, -1, OPERATOR)).after


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("code", "status"), UNKNOWN)
def test_what_may_have_been_made_is_made_once(table: Table, code: str, status: int, after: bool) -> None:
    """A 5xx says nothing of what was done, whatever it is called."""
    assert spend(through(table, failing(code, status, 3, after=after))) == 499
    assert len(history.entries(table, ACCOUNT, "sms", limit=10)) == 2


@pytest.mark.parametrize(("code", "status"), UNKNOWN)
def test_what_is_never_known_is_told_as_that(table: Table, code: str, status: int) -> None:
    with pytest.raises(OutcomeUnknown):
        spend(through(table, failing(code, status, 10**6, after=False)))


@pytest.mark.parametrize(("code", "status"), NOTHING)
def test_what_was_turned_away_unread_is_tried_again_and_busy_in_the_end(table: Table, code: str, status: int) -> None:
    assert spend(through(table, failing(code, status, 3, after=False))) == 499
    with pytest.raises(Busy):
        spend(through(table, failing(code, status, 10**6, after=False)))


@pytest.mark.parametrize(("code", "status"), RAISED)
def test_what_only_a_bug_or_a_wrong_set_up_can_cause_is_raised(table: Table, code: str, status: int) -> None:
    with pytest.raises(ClientError):
        spend(through(table, failing(code, status, 1, after=False)))
