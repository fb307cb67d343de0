"""Reading many items in as many calls as it takes."""

from collections.abc import Callable
from typing import Any

import pytest

from ledger import counter
from ledger.errors import Busy
from ledger.opening import open_account
from ledger.table import BUDGET_MS, Table
from tests.ledger.conftest import OPERATOR, Clock
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
