"""A request one copy of which was lost on the way: what is told of it, and that it never happens twice.

What is refused for good is told as it is (test_balance.py); what that copy may still find possible is not.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ledger import accounts, balance, counter, customers, history, holds, metrics
from ledger.accounts import Role
from ledger.change import MOST_INLINE, Change
from ledger.counter import State
from ledger.customers import Revision
from ledger.errors import OutcomeUnknown
from ledger.kinds import Kind
from ledger.metrics import Metric
from ledger.opening import open_account
from ledger.subaccounts import close_subaccount
from ledger.table import Table
from ledger.transfer import transfer
from tests.ledger.conftest import ACCOUNT, OPERATOR, Clock
from tests.ledger.test_balance import through

Call = Callable[[], Any]


def late(on_the_way: list[Call], meanwhile: Call) -> Callable[..., Any]:
    """Hold back the first write, tell its sender nothing, and have something else happen in the meantime."""

    def answer(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation in ("transact_write_items", "update_item") and not on_the_way:
            on_the_way.append(partial(proceed, **request))
            meanwhile()
            raise ReadTimeoutError(endpoint_url="nowhere")
        return proceed(**request)

    return answer


def reserve(table: Table, lives_ms: int = 60_000) -> holds.Reserved:
    return holds.reserve(table, OPERATOR, ACCOUNT, "sms", 10, lives_ms=lives_ms, actor=OPERATOR)


def test_a_hold_opened_meanwhile_does_not_make_closing_refused(table: Table) -> None:
    opened: list[holds.Reserved] = []
    on_the_way: list[Call] = []
    hold = late(on_the_way, lambda: opened.append(reserve(table)))
    with pytest.raises(OutcomeUnknown):
        customers.close(through(table, hold), OPERATOR, ACCOUNT, actor=OPERATOR)
    holds.release(table, OPERATOR, ACCOUNT, "sms", opened[0].hold, actor=OPERATOR)
    on_the_way[0]()
    assert accounts.get(table, OPERATOR, ACCOUNT).state is State.CLOSED, "the late copy found nothing held"


def test_a_hold_opened_meanwhile_does_not_make_a_sub_accounts_closing_refused(table: Table) -> None:
    parent = accounts.get(table, 0, open_account(table, 0, actor=0, role=Role.ADMIN, balances={"sms": 1}).id)
    child = open_account(table, parent.id, actor=parent.id, balances={"sms": 10}).id
    on_the_way: list[Call] = []
    hold = late(
        on_the_way,
        lambda: holds.reserve(table, parent.id, child, "sms", 10, lives_ms=60_000, actor=parent.id),
    )
    with pytest.raises(OutcomeUnknown):
        close_subaccount(through(table, hold), parent, child)


def test_a_name_taken_meanwhile_does_not_make_a_revision_refused(table: Table) -> None:
    email = Revision({"email": "a@b.example"})
    other: list[int] = []
    on_the_way: list[Call] = []

    def take_it() -> None:
        other.append(customers.create(table, OPERATOR, email, actor=OPERATOR)[0].id)

    with pytest.raises(OutcomeUnknown):
        customers.revise(through(table, late(on_the_way, take_it)), OPERATOR, ACCOUNT, email, actor=OPERATOR)
    customers.close(table, OPERATOR, other[0], actor=OPERATOR)
    on_the_way[0]()
    assert accounts.get(table, OPERATOR, ACCOUNT).properties == {"email": "a@b.example"}


def test_a_name_taken_meanwhile_does_not_make_an_opening_refused(table: Table) -> None:
    email = Revision({"email": "a@b.example"})
    on_the_way: list[Call] = []
    taken = late(on_the_way, lambda: customers.create(table, OPERATOR, email, actor=OPERATOR))
    with pytest.raises(OutcomeUnknown):
        customers.create(through(table, taken), OPERATOR, email, actor=OPERATOR)


def test_a_hold_that_expires_meanwhile_does_not_make_a_capture_refused(table: Table, clock: Clock) -> None:
    hold = reserve(table, lives_ms=1_000).hold
    on_the_way: list[Call] = []

    def expire() -> None:
        clock.ms += 1_000

    waiting = late(on_the_way, expire)

    def unanswered(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "update_item" and on_the_way:
            raise ReadTimeoutError(endpoint_url="nowhere")  # giving it back gets no answer either
        return waiting(operation, proceed, request)

    with pytest.raises(OutcomeUnknown):
        holds.capture(through(table, unanswered), OPERATOR, ACCOUNT, "sms", hold, 10, actor=OPERATOR)
    on_the_way[0]()
    assert (counter.read(table, ACCOUNT, "sms").available, counter.read(table, ACCOUNT, "sms").held) == (490, 0)


def test_an_account_closed_meanwhile_does_not_deny_what_arrived_before_that(table: Table) -> None:
    on_the_way: list[Call] = []
    held_back = late(on_the_way, lambda: None)

    def and_then(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "transact_write_items":  # the unit is about to be opened
            balance.change(table, Change(OPERATOR, ACCOUNT, "email", Kind.TOP_UP, 1, OPERATOR))
            on_the_way[0]()
            customers.close(table, OPERATOR, ACCOUNT, actor=OPERATOR)
        return held_back(operation, proceed, request)

    wanted = Change(OPERATOR, ACCOUNT, "email", Kind.TOP_UP, 5, OPERATOR)
    assert balance.change(through(table, and_then), wanted).after == 6


def test_busy_does_not_deny_a_copy_that_may_still_arrive(table: Table) -> None:
    for _ in range(MOST_INLINE + 1):
        reserve(table)
    payer = accounts.get(table, OPERATOR, ACCOUNT)
    payee = accounts.get(table, OPERATOR, open_account(table, OPERATOR, actor=OPERATOR, balances={"sms": 0}).id)
    on_the_way: list[Call] = []
    held_back = late(on_the_way, lambda: None)

    def no_looking_for_expired_holds(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "query":
            raise ReadTimeoutError(endpoint_url="nowhere")
        return held_back(operation, proceed, request)

    with pytest.raises(OutcomeUnknown):
        transfer(through(table, no_looking_for_expired_holds), OPERATOR, payer, payee, "sms", 500)
    balance.change(table, Change(OPERATOR, ACCOUNT, "sms", Kind.TOP_UP, 100, OPERATOR))
    on_the_way[0]()
    assert counter.read(table, payee.id, "sms").available == 500


def applied_unseen(meanwhile: Call = lambda: None) -> Callable[..., Any]:
    """Apply the first transaction and lose its answer, and have the second one meet that first one at its claim.

    AWS gives each item a reason of its own, so what else the first one did may cancel the second one as well.
    """
    applied: list[Any] = []
    met: list[Any] = []

    def answer(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation != "transact_write_items":
            return proceed(**request)
        try:
            done = proceed(**request)
        except ClientError as error:
            if applied and not met:
                error.response["CancellationReasons"][0] = {"Code": "TransactionConflict"}
                met.append(error)
            raise
        if applied:
            return done
        applied.append(done)
        meanwhile()
        raise ReadTimeoutError(endpoint_url="nowhere")

    return answer


def test_who_meets_its_own_first_copy_does_not_do_it_again(table: Table) -> None:
    def spend() -> None:
        balance.change(table, Change(OPERATOR, ACCOUNT, "sms", Kind.SPEND, -40, OPERATOR))

    seen = through(table, applied_unseen(spend))
    customers.revise(seen, OPERATOR, ACCOUNT, Revision(balances={"sms": 77}), actor=OPERATOR)
    entries = history.entries(table, ACCOUNT, "sms", limit=10)
    assert [each.after for each in reversed(entries)] == [500, 77, 37]


def test_who_meets_its_own_first_copy_is_not_told_that_its_name_is_taken(table: Table) -> None:
    email = Revision({"email": "a@b.example"})
    opened, outcome = customers.create(through(table, applied_unseen()), OPERATOR, email, actor=OPERATOR)
    assert (opened.properties, outcome.replayed) == ({"email": "a@b.example"}, False)
    assert len(accounts.list_accounts(table, OPERATOR, limit=9)) == 2


def test_an_opening_whose_answer_was_lost_is_counted_once(table: Table) -> None:
    metrics.report("an earlier test", {})
    open_account(through(table, applied_unseen()), OPERATOR, actor=OPERATOR, balances={"sms": 7})
    assert metrics._counted == {"sms": {Metric.CREDITS_ADDED: 7}}
