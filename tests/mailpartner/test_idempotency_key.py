"""A request sent again under its Idempotency-Key: the same answer, and no second effect."""

from collections.abc import Callable

import pytest

from ledger.table import Table
from mailpartner.add_credit import lambda_handler
from tests.demo_ledger import items
from tests.local import demo
from tests.local.gateway import Context
from tests.mailpartner.books import CHILD_EUR, PARENT_EUR, balances, open_rival
from tests.mailpartner.caller import KEY, MOVE, Answer, add, ask, create, event, moved, remove

REUSED = Answer(97, message="Cette Idempotency-Key a déjà servi à une autre requête")


def remove_subaccount(key: str | None = None) -> Answer:
    return ask("RemoveSubaccount", {**KEY, "token": demo.TOKEN}, key)


def test_a_transfer_sent_again_gets_its_first_answer_and_moves_nothing(ledger: Table) -> None:
    assert add(100, key="order 1") == moved("2669.2", "261.8")
    assert remove(1, key="order 2") == moved("2670.2", "260.8")
    before = items(ledger)

    assert add("100.0", key="order 1") == moved("2669.2", "261.8", replayed=True)
    assert remove("1", key="order 2") == moved("2670.2", "260.8", replayed=True)
    assert items(ledger) == before


def test_a_transfer_is_answered_again_when_it_would_no_longer_be_possible(ledger: Table) -> None:
    assert add("2769.2", key="order 1") == moved("0", "2931")
    assert add("2769.2", key="order 1") == moved("0", "2931", replayed=True)
    remove_subaccount()
    assert add("2769.2", key="order 1") == moved("0", "2931", replayed=True)


def test_an_answer_says_that_it_is_a_replay_in_a_header(ledger: Table) -> None:
    made = event(query="&".join(f"{name}={value}" for name, value in {**MOVE, "credit": 5}.items()), key="order 1")
    first, second = (lambda_handler(made, Context("AddCredit")) for _ in range(2))
    assert "Idempotency-Replayed" not in first["headers"]
    assert second["headers"].pop("Idempotency-Replayed") == "true"
    assert first == second


def test_a_sub_account_is_opened_once_and_all_is_told_again_but_its_key(ledger: Table) -> None:
    first = create(key="open 1", creditToAttribute=5)
    told = {**first.fields, "subaccount": first.fields["subaccount"] | {"apiKey": ""}}
    before = items(ledger)
    again = create(key="open 1", creditToAttribute="5.000")
    assert again == Answer(200, told, replayed=True)
    assert items(ledger) == before
    assert ask("GetMe", {"apiKey": first.fields["subaccount"]["apiKey"]}).fields["credits"]["balance"] == "5.000"
    assert balances(ledger)[0] == PARENT_EUR - 5_000


def test_a_removal_sent_again_was_done(ledger: Table) -> None:
    assert remove_subaccount("close 1") == Answer(200)
    before = items(ledger)
    assert remove_subaccount("close 1") == Answer(200, replayed=True)
    assert remove_subaccount("close 2").code == 404
    assert remove_subaccount().code == 404
    assert items(ledger) == before
    assert balances(ledger) == (PARENT_EUR + CHILD_EUR, 0)


@pytest.mark.parametrize(
    "other",
    [
        lambda: add(6, key="order 1"),
        lambda: remove(5, key="order 1"),
        lambda: create(key="order 1"),
        lambda: remove_subaccount("order 1"),
        lambda: ask(
            "AddCredit", {**MOVE, "credit": 5, "tokenSubaccount": create().fields["subaccount"]["token"]}, "order 1"
        ),
    ],
    ids=["amount", "direction", "creation", "removal", "sub-account"],
)
def test_a_key_stands_for_one_request_only(ledger: Table, other: Callable[[], Answer]) -> None:
    add(5, key="order 1")
    assert other() == REUSED
    assert balances(ledger) == (PARENT_EUR - 5_000, CHILD_EUR + 5_000)


def test_a_key_of_a_creation_stands_for_all_of_it(ledger: Table) -> None:
    create(key="open 1", title="Jane")
    for other in ({"title": "John"}, {"title": "Jane", "email": "a@b.fr"}, {"title": "Jane", "creditToAttribute": 1}):
        assert create(key="open 1", **other) == REUSED


def test_a_key_of_a_removal_stands_for_one_sub_account(ledger: Table) -> None:
    remove_subaccount("close 1")
    token = create().fields["subaccount"]["token"]
    assert ask("RemoveSubaccount", {**KEY, "token": token}, "close 1") == REUSED


@pytest.mark.parametrize("key", ["k" * 255, " ", "\N{SNOWMAN}", "\0"], ids=ascii)
def test_a_key_is_any_text_of_up_to_255_characters(ledger: Table, key: str) -> None:
    assert add(1, key=key) == moved("2768.2", "162.8")
    assert add(1, key=key) == moved("2768.2", "162.8", replayed=True)


def test_two_main_accounts_may_use_the_same_key(ledger: Table) -> None:
    add(1, key="k")
    open_rival(ledger, "rival-key", "rival-subaccount")
    theirs = ask("CreateSubaccount", {"apiKey": "rival-key", "type": "simple"}, "k")
    assert (theirs.code, theirs.replayed) == (200, False)


def test_without_a_key_the_same_request_counts_twice(ledger: Table) -> None:
    assert (add(1), add(1)) == (moved("2768.2", "162.8"), moved("2767.2", "163.8"))
