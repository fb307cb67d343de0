"""Adding and removing credit: both sides of each transfer, exact to the thousandth of a euro."""

import json

import pytest

from ledger.balance import change
from ledger.change import Change
from ledger.counter import State
from ledger.entry import AMOUNT_LIMIT
from ledger.kinds import Kind
from ledger.table import Table
from mailpartner import add_credit, remove_credit
from tests.demo_ledger import items
from tests.local import demo
from tests.local.gateway import Context
from tests.mailpartner.books import CHILD_EUR, PARENT_EUR, balances, break_transactions, conflict, entries, total
from tests.mailpartner.caller import Answer, Number, add, moved, remove
from tests.states import close_the_operator, set_state
from tests.template import ROOT


def test_the_vendors_example_is_answered_byte_for_byte(ledger: Table) -> None:
    """The PHP sample's request as curl sends it: JSON labelled a form, which API Gateway hands over in base64."""
    example = json.loads((ROOT / "events" / "remove_credit.json").read_text())

    response = remove_credit.lambda_handler(example, Context("RemoveCredit"))

    assert response["statusCode"] == 200
    assert response["headers"]["Content-Type"] == "application/json"
    assert response["body"] == (
        '{"success": true, "code": 200, "credit": 2869.2, "subaccountCredit": 61.8, "currency": "EUR"}'
    )


def test_credit_added_comes_from_the_main_account(ledger: Table) -> None:
    assert add("100") == moved("2669.2", "261.8")
    assert balances(ledger) == (PARENT_EUR - 100_000, CHILD_EUR + 100_000)


@pytest.mark.parametrize(
    ("written", "thousandths"),
    [
        ("100", 100_000),
        (100, 100_000),
        (100.5, 100_500),
        ("100.50", 100_500),
        (0.001, 1),
        ("0.001", 1),
        ("00100.010", 100_010),
        (161.8, 161_800),
    ],
    ids=repr,
)
def test_an_amount_is_text_or_a_number_of_up_to_three_decimals(
    ledger: Table, written: object, thousandths: int
) -> None:
    assert remove(written).code == 200
    assert balances(ledger) == (PARENT_EUR + thousandths, CHILD_EUR - thousandths)


def test_ten_times_a_tenth_is_one(ledger: Table) -> None:
    answers = [add("0.1") for _ in range(10)]
    written = ["161.9", "162", "162.1", "162.2", "162.3", "162.4", "162.5", "162.6", "162.7", "162.8"]
    assert [answer.fields["subaccountCredit"] for answer in answers] == [Number(text) for text in written]
    assert balances(ledger) == (PARENT_EUR - 1_000, CHILD_EUR + 1_000)


def test_both_sides_carry_one_key_and_name_each_other(ledger: Table) -> None:
    add(5)
    remove(7)
    sides = list(zip(entries(ledger, demo.ADMIN)[:2], entries(ledger, demo.SUBACCOUNT)[:2], strict=True))
    assert all(parent.key == child.key for parent, child in sides)
    told = [[(side.entry.kind, side.amount, side.entry.reference) for side in both] for both in sides]
    assert told == [
        [(Kind.TRANSFER_IN, 7_000, "102"), (Kind.TRANSFER_OUT, -7_000, "100")],
        [(Kind.TRANSFER_OUT, -5_000, "102"), (Kind.TRANSFER_IN, 5_000, "100")],
    ]


def test_the_last_thousandth_can_be_moved_and_no_more(ledger: Table) -> None:
    assert remove("161.801") == Answer(8, message="Crédit insufisant")
    assert remove("161.8") == moved("2931", "0")
    assert remove("0.001") == Answer(6, message="La balance doit être supérieur à 0")
    assert add("2931.001").code == 8
    assert add("2931") == moved("0", "2931")
    assert add("0.001").code == 6
    assert total(ledger) == PARENT_EUR + CHILD_EUR


def test_a_balance_below_zero_is_not_above_zero(ledger: Table) -> None:
    change(ledger, Change(0, demo.ADMIN, "EUR", Kind.ADJUSTMENT, -PARENT_EUR - 500, 0))
    assert add("0.001").code == 6
    assert remove(1) == moved("0.5", "160.8")
    change(ledger, Change(0, demo.ADMIN, "EUR", Kind.ADJUSTMENT, -2_000, 0))
    assert remove(1) == moved("-0.5", "159.8")


def test_the_largest_balances_are_written_to_the_thousandth(ledger: Table) -> None:
    for _ in range(2):
        change(ledger, Change(0, demo.ADMIN, "EUR", Kind.TOP_UP, AMOUNT_LIMIT, 0))
    assert add("1000000000000.000") == moved("1000000002769.2", "1000000000161.8")
    assert add("0.001") == moved("1000000002769.199", "1000000000161.801")


def test_a_busy_main_account_is_said_to_have_changed_nothing_and_has_not(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = items(ledger)
    break_transactions(monkeypatch, add_credit, ledger, conflict)
    busy = Answer(429, message="Trop de requêtes à la fois, rien n'a été modifié : réessayez")
    assert add(1) == busy
    assert add(1, key="order 1") == busy
    assert items(ledger) == before

    monkeypatch.undo()
    assert add(1, key="order 1") == moved("2768.2", "162.8")


def test_a_suspended_sub_account_takes_credit_and_gives_none_back(ledger: Table) -> None:
    set_state(ledger, demo.ADMIN, demo.SUBACCOUNT, State.SUSPENDED)
    assert remove(1) == Answer(20, message="Compte désactivé")
    assert add(1) == moved("2768.2", "162.8")


def test_a_disabled_main_account_moves_nothing(ledger: Table) -> None:
    set_state(ledger, 0, demo.ADMIN, State.SUSPENDED)
    assert add(1).code == 20
    close_the_operator(ledger)
    assert (add(1).code, remove(1).code) == (20, 20)
    ledger.recent.clear()  # what was remembered of the caller
    assert (add(1).code, remove(1).code) == (20, 20)
    assert balances(ledger) == (PARENT_EUR, CHILD_EUR)
