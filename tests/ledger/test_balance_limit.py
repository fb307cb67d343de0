"""No balance passes 2^53 - 1, up or down: the change that would is refused, and nothing has changed."""

from random import Random

import pytest

from ledger import counter, history, holds
from ledger.accounts import get
from ledger.balance import change
from ledger.change import Change
from ledger.counter import Balance, State
from ledger.entry import AMOUNT_LIMIT, BALANCE_LIMIT
from ledger.errors import BalanceTooLarge, Declined
from ledger.kinds import Kind
from ledger.opening import open_account
from ledger.table import Table
from ledger.transfer import transfer
from tests.ledger.conftest import ACCOUNT, OPERATOR

HALF = BALANCE_LIMIT // 2
LIFE_MS = 60_000
CREDITS = (Kind.TOP_UP, Kind.ADJUSTMENT, Kind.TRANSFER_IN)


def fill(table: Table, available: int, held: int = 0) -> None:
    """Put an amount into the balance that no one change could, and its holds aside."""
    _ = table.client.put_item(
        TableName=table.name,
        Item=Balance(ACCOUNT, "sms", available, held, base=available, base_held=held, state=State.OPEN).item(),
    )


def post(table: Table, kind: Kind, amount: int) -> int:
    return change(table, Change(OPERATOR, ACCOUNT, "sms", kind, amount, OPERATOR)).after


@pytest.mark.parametrize(
    ("kind", "available", "held", "last"),
    [
        *((kind, BALANCE_LIMIT - 10, 0, 10) for kind in CREDITS),
        *((kind, HALF - 10, 1, 10) for kind in CREDITS),
        *((kind, HALF - 10, HALF, 10) for kind in CREDITS),
        (Kind.ADJUSTMENT, 10 - BALANCE_LIMIT, 0, -10),
        (Kind.ADJUSTMENT, 10 - BALANCE_LIMIT, HALF, -10),
    ],
)
def test_the_last_change_that_can_be_and_the_first_that_cannot(
    table: Table, kind: Kind, available: int, held: int, last: int
) -> None:
    fill(table, available, held)
    before = counter.read(table, ACCOUNT, "sms")
    with pytest.raises(BalanceTooLarge):
        post(table, kind, last + (1 if last > 0 else -1))
    assert counter.read(table, ACCOUNT, "sms") == before
    assert post(table, kind, last) == available + last


def test_a_set_leaves_room_for_what_is_on_hold(table: Table) -> None:
    fill(table, 0, BALANCE_LIMIT - 10)
    assert post(table, Kind.SET, 10) == 10
    with pytest.raises(BalanceTooLarge):
        post(table, Kind.SET, 11)


def test_a_full_balance_can_be_spent_put_on_hold_and_given_back(table: Table) -> None:
    fill(table, BALANCE_LIMIT)
    reserved = holds.reserve(table, OPERATOR, ACCOUNT, "sms", 100, lives_ms=LIFE_MS, actor=OPERATOR)
    with pytest.raises(BalanceTooLarge):
        post(table, Kind.TOP_UP, 1)
    released = holds.release(table, OPERATOR, ACCOUNT, "sms", reserved.hold, actor=OPERATOR)
    assert released.after == BALANCE_LIMIT
    assert post(table, Kind.SPEND, -1) == BALANCE_LIMIT - 1


def test_a_transfer_that_would_overfill_one_side_moves_nothing(table: Table) -> None:
    payer = open_account(table, OPERATOR, actor=OPERATOR, balances={"sms": 100}).id
    fill(table, BALANCE_LIMIT - 10)

    def move(amount: int) -> tuple[int, int]:
        out, into = transfer(table, OPERATOR, get(table, OPERATOR, payer), get(table, OPERATOR, ACCOUNT), "sms", amount)
        return out.after, into.after

    with pytest.raises(BalanceTooLarge):
        move(11)
    assert move(10) == (90, BALANCE_LIMIT)


def test_whatever_happens_what_is_available_and_held_stays_within_the_limit(table: Table) -> None:
    """And a refusal always has a reason: what the update asks for and what is read off the item agree."""
    chance, open_holds, refused = Random(1), [], 0
    for _ in range(2_000):
        amount = chance.choice((1, 10**9, AMOUNT_LIMIT // 2, AMOUNT_LIMIT))
        try:
            match chance.randrange(8):
                case 0 | 1 | 6 | 7:
                    post(table, chance.choice(CREDITS), amount)
                case 2:
                    post(table, Kind.ADJUSTMENT, chance.choice((amount, -amount)))
                case 3 if chance.random() < 0.1:
                    post(table, Kind.SET, amount)
                case 4:
                    made = holds.reserve(table, OPERATOR, ACCOUNT, "sms", amount, lives_ms=LIFE_MS * 60, actor=OPERATOR)
                    open_holds.append(made.hold)
                case 5 if open_holds:
                    holds.release(table, OPERATOR, ACCOUNT, "sms", open_holds.pop(), actor=OPERATOR)
        except Declined as declined:
            refused += isinstance(declined, BalanceTooLarge)
        found = counter.read(table, ACCOUNT, "sms")
        assert abs(found.available) <= BALANCE_LIMIT
        assert found.available + found.held <= BALANCE_LIMIT
    assert refused > 100
    assert not history.reconcile(table, ACCOUNT, "sms").problems
