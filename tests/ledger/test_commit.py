"""One claimed commit of several writes: what each way of failing comes to, and that each guard of it is needed.

Every schedule meets its guard by construction: one test of each keeps its promise, the other takes the guard out.
"""

import copy
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ledger import accounts, balance, commit, counter, customers, history, holds, transfer
from ledger import table as ledger_table
from ledger.accounts import Role
from ledger.change import MOST_INLINE, Change
from ledger.claims import CallerKey
from ledger.commit import Plan, Write
from ledger.counter import State
from ledger.customers import Revision
from ledger.errors import AccountSuspended, Busy, InsufficientCredit, LedgerError, NotSettled, OutcomeUnknown
from ledger.kinds import Kind
from ledger.opening import open_account
from ledger.packages import Package
from ledger.subaccounts import close_subaccount, open_subaccount
from ledger.table import Failure, Item, Table, claim_key
from ledger.transfer import change_all
from tests.ledger.conftest import ACCOUNT, OPERATOR
from tests.ledger.test_balance import through
from tests.simulation.faults import without
from tests.states import set_state

Answer = Callable[[str, Callable[..., Any], Any], Any]
Guard = Callable[[pytest.MonkeyPatch], object]
Promise = Callable[[Table], None]

REFUSED = "ConditionalCheckFailed"


def cancelled(*codes: str, resent: bool = False) -> ClientError:
    """Make the answer to a transaction that was cancelled for these reasons, after the SDK sent it once more or not."""
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": ""},
        "CancellationReasons": [{"Code": code} for code in codes],
        "ResponseMetadata": {"RetryAttempts": int(resent)},
    }
    return ClientError(answer, "TransactWriteItems")


def failed(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "TransactWriteItems")


def first(*errors: Exception) -> Answer:
    """Meet these errors with the first transactions, which do nothing, and let all later ones pass."""
    left = list(errors)

    def answer(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "transact_write_items" and left:
            raise left.pop(0)
        return proceed(**request)

    return answer


def always(error: Exception) -> Answer:
    def answer(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        if operation == "transact_write_items":
            raise error
        return proceed(**request)

    return answer


def make(table: Table, answer: Answer) -> commit.Committed:
    """Commit one write that means, if it is refused, that the account is suspended."""

    def refused(_: Item | None) -> bool:
        raise AccountSuspended

    put = Write({"Put": {"TableName": "ledger", "Item": {"pk": {"S": "X"}, "sk": {"S": "."}}}}, refused)
    return commit.commit(through(table, answer), OPERATOR, lambda _: Plan([put]))


# Each is a promise of a commit that one guard keeps.


def nothing_else_is_judged_while_the_claim_is_undecided(table: Table) -> None:
    # A copy of the same request has the claim in hand, and with it the credit: it is not refused for its own doing.
    for code in ("TransactionConflict", "ThrottlingError"):
        assert not make(table, first(cancelled(code, REFUSED))).replayed


def no_refusal_denies_a_lost_copy(table: Table) -> None:
    with pytest.raises(OutcomeUnknown):
        make(table, first(ReadTimeoutError(endpoint_url="nowhere"), cancelled("None", REFUSED)))


def no_refusal_denies_what_the_sdk_sent_before(table: Table) -> None:
    with pytest.raises(OutcomeUnknown):
        make(table, first(cancelled("None", REFUSED, resent=True)))


def a_transaction_in_progress_did_nothing(table: Table) -> None:
    with pytest.raises(Busy):
        make(table, always(failed("TransactionInProgressException")))


def of_two_that_cannot_the_payer_is_told_of(table: Table) -> None:
    closed = open_account(table, OPERATOR, actor=OPERATOR, balances={"sms": 0}).id
    set_state(table, OPERATOR, closed, State.CLOSED)
    into = Change(OPERATOR, closed, "sms", Kind.TRANSFER_IN, 501, OPERATOR)
    out = Change(OPERATOR, ACCOUNT, "sms", Kind.TRANSFER_OUT, -501, OPERATOR)
    with pytest.raises(InsufficientCredit):
        change_all(table, OPERATOR, [into, out])


COMMITS: list[tuple[Promise, Guard]] = [
    (
        nothing_else_is_judged_while_the_claim_is_undecided,
        lambda patch: patch.setattr(commit, "_is_undecided", lambda claim: False),
    ),
    (no_refusal_denies_a_lost_copy, lambda patch: patch.setattr(commit, "unless_lost", lambda lost: nullcontext())),
    (
        no_refusal_denies_what_the_sdk_sent_before,
        lambda patch: patch.setattr(commit, "was_resent", lambda answer: False),
    ),
    (
        a_transaction_in_progress_did_nothing,
        lambda patch: patch.setitem(ledger_table._CODES, "TransactionInProgressException", Failure.UNKNOWN),
    ),
    (of_two_that_cannot_the_payer_is_told_of, lambda patch: patch.setattr(transfer, "SPENDS", frozenset())),
]


@pytest.mark.parametrize("promise", [promise for promise, _ in COMMITS], ids=lambda promise: promise.__name__)
def test_a_commit_keeps_its_promise(table: Table, promise: Promise) -> None:
    promise(table)


@pytest.mark.parametrize(("promise", "guard"), COMMITS, ids=[promise.__name__ for promise, _ in COMMITS])
def test_without_its_guard_a_promise_is_broken(
    table: Table, monkeypatch: pytest.MonkeyPatch, promise: Promise, guard: Guard
) -> None:
    guard(monkeypatch)
    with pytest.raises((AssertionError, LedgerError, pytest.fail.Exception)):
        promise(table)


# What happens between a look and the write that relies on it, and the clause that notices.


def meanwhile(of: str, act: Callable[[], object], clause: str) -> Answer:
    """Have something happen right before the second `update_item`, or the first commit; without this clause."""
    seen = 0
    rewrite = without(clause) if clause else lambda operation, request: request

    def answer(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
        nonlocal seen
        seen += operation == of
        if operation == of and seen == (2 if of == "update_item" else 1):
            act()
        return proceed(**rewrite(operation, copy.deepcopy(request)))

    return answer


def spend_to_a_floor_that_was_lifted(table: Table, clause: str) -> None:
    limit(table, 100)
    spend = Change(OPERATOR, ACCOUNT, "sms", Kind.SPEND, -550, OPERATOR)
    with pytest.raises(InsufficientCredit):
        balance.change(through(table, meanwhile("update_item", lambda: limit(table, 0), clause)), spend)


def close_while_credit_is_put_aside(table: Table, clause: str) -> None:
    answer = meanwhile("transact_write_items", lambda: reserve(table, OPERATOR, ACCOUNT, 100), clause)
    with pytest.raises(NotSettled):
        customers.close(through(table, answer), OPERATOR, ACCOUNT, actor=OPERATOR)


def set_and_close_while_credit_is_put_aside(table: Table, clause: str) -> None:
    answer = meanwhile("transact_write_items", lambda: reserve(table, OPERATOR, ACCOUNT, 100), clause)
    wanted = Revision(balances={"sms": 0}, state=State.CLOSED)
    with pytest.raises(NotSettled):
        customers.revise(through(table, answer), OPERATOR, ACCOUNT, wanted, actor=OPERATOR)


def close_a_subaccount_while_a_part_is_put_aside(table: Table, clause: str) -> None:
    parent, child = subaccount(table, 100)

    def reserve_and_add() -> None:
        reserve(table, parent.id, child, 30)
        balance.change(table, Change(parent.id, child, "sms", Kind.TOP_UP, 30, parent.id))

    answer = meanwhile("transact_write_items", reserve_and_add, clause)
    with pytest.raises(NotSettled):
        close_subaccount(through(table, answer), parent, child)


RACES = [
    (spend_to_a_floor_that_was_lifted, "m = :floor"),
    (close_while_credit_is_put_aside, "h = :zero"),
    (set_and_close_while_credit_is_put_aside, "h = :zero"),
    (close_a_subaccount_while_a_part_is_put_aside, "h = :zero"),
]


@pytest.mark.parametrize(("race", "clause"), RACES, ids=[race.__name__ for race, _ in RACES])
def test_what_changed_since_the_look_is_noticed(table: Table, race: Callable[[Table, str], None], clause: str) -> None:
    race(table, "")


@pytest.mark.parametrize(("race", "clause"), RACES, ids=[race.__name__ for race, _ in RACES])
def test_without_its_clause_it_is_not(table: Table, race: Callable[[Table, str], None], clause: str) -> None:
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        race(table, clause)


def test_what_is_held_and_by_which_holds_is_of_one_instant(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Needed when holds lie apart: without the second look at the balance, they do not add up."""
    opened = [reserve(table, OPERATOR, ACCOUNT, 10) for _ in range(MOST_INLINE + 2)]

    def look() -> bool:
        released: list[object] = []

        def answer(operation: str, proceed: Callable[..., Any], request: Any) -> Any:
            if operation == "query" and not released:
                released.append(opened.pop())
                holds.release(table, OPERATOR, ACCOUNT, "sms", released[0].hold, actor=OPERATOR)  # type: ignore[attr-defined]
            return proceed(**request)

        found = holds.read_holdings(through(table, answer), ACCOUNT, "sms")
        return found.balance.held == sum(found.holds.values())

    assert look()
    seen = counter.read(table, ACCOUNT, "sms")
    monkeypatch.setattr(holds, "read", lambda *_: seen)
    assert not look()


def test_a_claim_says_which_balances_got_an_entry_and_the_entries_that_there_is_one(table: Table) -> None:
    parent = accounts.get(table, 0, open_account(table, 0, actor=0, role=Role.ADMIN, balances={"sms": 900}).id)
    names: dict[str, CallerKey] = {}

    def key(name: str) -> CallerKey:
        return names.setdefault(name, CallerKey(parent.id, name, (name,)))

    def sides(name: str) -> list[str]:
        return sorted((table.get(claim_key(parent.id, name)) or {})["b"]["SS"])

    child = open_subaccount(table, parent, "sms", 400, names=[], properties={}, caller_key=key("open")).id
    wanted = Revision(balances={"sms": 50, "email": 7})
    customers.revise(table, parent.id, child, wanted, actor=parent.id, caller_key=key("set"))
    package = Package("starter", "Starter", {"email": 5, "sms": 1})
    customers.top_up(table, parent.id, child, package, actor=parent.id, caller_key=key("top up"))
    account = accounts.get(table, parent.id, child)
    transfer.transfer(table, parent.id, parent, account, "sms", 9, key("move"))
    close_subaccount(table, parent, child, key("close"))
    single = balance.change(table, Change(0, parent.id, "sms", Kind.TOP_UP, 1, 0), key("change"))

    both_sms, both_of_child = [f"{each}#sms" for each in (child, parent.id)], [f"{child}#email", f"{child}#sms"]
    assert {name: sides(name) for name in names if name != "change"} == {
        "open": sorted(both_sms),
        "set": both_of_child,
        "top up": both_of_child,
        "move": sorted(both_sms),
        "close": sorted({*both_sms, f"{child}#email", f"{parent.id}#email"}),
    }
    made = [each for unit in ("sms", "email") for each in history.entries(table, child, unit, limit=99)]
    made += history.entries(table, parent.id, "sms", limit=99)
    assert {each.sequence for each in made if not each.entry.claimed} == {single.sequence}


def limit(table: Table, amount: int) -> None:
    customers.revise(table, OPERATOR, ACCOUNT, Revision(limits={"sms": amount}), actor=OPERATOR)


def reserve(table: Table, owner: int, account: int, amount: int) -> holds.Reserved:
    return holds.reserve(table, owner, account, "sms", amount, lives_ms=60_000, actor=owner)


def subaccount(table: Table, amount: int) -> tuple[accounts.Account, int]:
    parent = accounts.get(table, 0, open_account(table, 0, actor=0, role=Role.ADMIN, balances={"sms": 900}).id)
    return parent, open_subaccount(table, parent, "sms", amount, names=[], properties={}).id
