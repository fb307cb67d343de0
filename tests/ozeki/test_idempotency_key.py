"""A request sent again under its Idempotency-Key: the same answer, and no second effect."""

import pytest

from ledger import counter
from ledger.kinds import Kind
from ledger.table import Table
from ozeki.ozeki_api import lambda_handler
from tests.demo_ledger import items
from tests.local import demo
from tests.local.gateway import Context
from tests.ozeki.books import balance_of_john, kinds_of_john, open_rival
from tests.ozeki.caller import ADD_244, ADMIN, SET_JOHN, Answer, ask, credit, event


def test_a_request_sent_again_under_its_key_gets_its_first_answer_and_changes_nothing(ledger: Table) -> None:
    assert ask(ADD_244, key="order 1") == credit("john", 744)
    assert ask(ADD_244, add="-44") == credit("john", 700)

    assert ask(ADD_244, key="order 1") == credit("john", 744, replayed=True)
    assert balance_of_john(ledger) == 700
    assert kinds_of_john(ledger) == [Kind.ADJUSTMENT, Kind.ADJUSTMENT, Kind.OPENING]


def test_an_answer_says_that_it_is_a_replay_in_a_header(ledger: Table) -> None:
    made = event("&".join(f"{name}={value}" for name, value in ADD_244.items()), key="order 1")
    first, second = (lambda_handler(made, Context("OzekiApi")) for _ in range(2))
    assert "Idempotency-Replayed" not in first["headers"]
    assert second["headers"].pop("Idempotency-Replayed") == "true"
    assert first == second


def test_setting_a_balance_can_be_replayed_too(ledger: Table) -> None:
    assert ask(SET_JOHN, newbalance="9", key="k") == credit("john", 9, "setcredits")
    ask(ADD_244)
    assert ask(SET_JOHN, newbalance="9", key="k") == credit("john", 9, "setcredits", replayed=True)
    assert balance_of_john(ledger) == 253


@pytest.mark.parametrize(
    "other",
    [{"add": "245"}, {"useraccount": "admin"}, {"useraccount": ""}, {"action": "setcredits", "newbalance": "244"}],
    ids=["amount", "account", "no account", "action"],
)
def test_a_key_stands_for_one_request_only(ledger: Table, other: dict[str, str]) -> None:
    ask(ADD_244, key="order 1")
    before = items(ledger)
    reused = Answer("error", code=8, message="the Idempotency-Key was used for something else")
    assert ask(ADD_244, key="order 1", **other) == reused
    assert items(ledger) == before


def test_the_same_request_written_otherwise_is_still_the_same(ledger: Table) -> None:
    ask({"action": "addcredits", **ADMIN, "add": "5"}, key="k")
    again = ask(
        {"action": "addcredits", **ADMIN, "add": "+005"}, useraccount="admin", responseformat="urlencoded", key="k"
    )
    assert again.balance == 5
    assert counter.read(ledger, demo.ADMIN, "sms").sequence == 1


def test_adding_nothing_is_no_entry_unless_it_has_a_key(ledger: Table) -> None:
    assert ask(ADD_244, add="0") == credit("john", 500)
    assert kinds_of_john(ledger) == [Kind.OPENING]

    assert ask(ADD_244, add="0", key="k") == credit("john", 500)
    ask(ADD_244)
    assert ask(ADD_244, add="0", key="k") == credit("john", 500, replayed=True)
    assert kinds_of_john(ledger) == [Kind.ADJUSTMENT, Kind.ADJUSTMENT, Kind.OPENING]


@pytest.mark.parametrize("key", ["k", "k" * 255, " ", "\N{SNOWMAN}", "\0", '"8e03978e-40d5-43dd"'])
def test_a_key_is_any_text_of_up_to_255_characters(ledger: Table, key: str) -> None:
    assert ask(ADD_244, key=key) == credit("john", 744)
    assert ask(ADD_244, key=key) == credit("john", 744, replayed=True)


@pytest.mark.parametrize("key", ["", "k" * 256, "k" * 10_000], ids=len)
def test_a_key_that_is_none_is_refused(ledger: Table, key: str) -> None:
    assert ask(ADD_244, key=key) == Answer("error", code=2, message="not a valid value: Idempotency-Key")
    assert balance_of_john(ledger) == 500


def test_two_operators_may_use_the_same_key(ledger: Table) -> None:
    assert ask(ADD_244, key="k") == credit("john", 744)
    rival = {"action": "addcredits", **open_rival(ledger)}
    assert ask(rival, add="3", key="k") == credit("rival", 3)
