"""Which error is answered when several would do, and that an error has changed nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ledger import errors
from ledger.balance import change
from ledger.change import Change
from ledger.counter import State
from ledger.kinds import Kind
from ledger.table import Table
from mailpartner import add_credit, create_subaccount, remove_subaccount, wire
from tests.local import demo
from tests.mailpartner.books import (
    PARENT_EUR,
    balances,
    break_transactions,
    conflict,
    no_answer,
    open_rival,
    open_user,
    total,
)
from tests.mailpartner.caller import KEY, Answer, add, ask, create, moved
from tests.states import set_state


@dataclass(frozen=True)
class Repair:
    """One fault put right, and the error that shows up next."""

    of: str
    code: int
    parameters: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    of_ledger: Callable[[Table], None] = lambda _: None


def top_up(table: Table) -> None:
    """Give the main account, which has nothing at all, 10 euros."""
    change(table, Change(0, demo.ADMIN, "EUR", Kind.TOP_UP, 10_000, 0))


def reopen(table: Table) -> None:
    set_state(table, 0, demo.ADMIN, State.OPEN)


# Each row repairs one fault of the row above; all the others are still there.
ADDING = [
    Repair("nothing", 90, {"_format": "html"}, key="used"),
    Repair("format", 1, {"_format": "json"}),
    Repair("API key", 10, {"apiKey": "wrong"}),
    Repair("API key", 2, {"apiKey": "user-key"}),
    Repair("credit", 3, {"credit": "0"}),
    Repair("token", 4, {"tokenSubaccount": "rival-subaccount"}),
    Repair("API key", 4, KEY),
    Repair("token", 7, {"tokenSubaccount": "nobody"}),
    Repair("token", 5, {"tokenSubaccount": demo.TOKEN}),
    Repair("credit", 97, {"credit": "5000"}),
    Repair("key", 20, key="fresh"),
    Repair("main account", 6, of_ledger=reopen),
    Repair("balance", 8, of_ledger=top_up),
    Repair("credit", 200, {"credit": "10"}),
]
CREATING = [
    Repair("nothing", 90, {"_format": "html"}, key="used"),
    Repair("format", 1, {"_format": "json"}),
    Repair("API key", 10, {"apiKey": "wrong"}),
    Repair("API key", 2, {"apiKey": "user-key"}),
    Repair("API key", 4, KEY),
    Repair("type", 5, {"type": "basic"}),
    Repair("type", 3, {"type": "advanced"}),
    Repair("isBuyer", 6, {"parameters[isBuyer]": "1"}),
    Repair("email", 8, {"parameters[email]": "demo@subaccount.invalid", "parameters[creditToAttribute]": "0"}),
    Repair("credit", 90, {"parameters[creditToAttribute]": "5000", "parameters[title]": "\0"}),
    Repair("title", 97, {"parameters[title]": ""}),
    Repair("key", 7, key="fresh"),
    Repair("email", 20, {"parameters[email]": "jane@example.com"}),
    Repair("main account", 9, of_ledger=reopen),
    Repair("balance", 9, of_ledger=top_up),
    Repair("credit", 200, {"parameters[creditToAttribute]": "10"}),
]
REMOVING = [
    Repair("nothing", 90, {"_format": "html"}, key="used"),
    Repair("format", 10, {"_format": "json"}),
    Repair("API key", 10, {"apiKey": "wrong"}),
    Repair("API key", 1, {"apiKey": "user-key"}),
    Repair("token", 4, {"token": "rival-subaccount"}),
    Repair("API key", 404, KEY),
    Repair("token", 404, {"token": "nobody"}),
    Repair("token", 97, {"token": demo.TOKEN}),
    Repair("key", 200, key="fresh"),
]


@pytest.mark.parametrize(
    ("function", "rows"),
    [("AddCredit", ADDING), ("CreateSubaccount", CREATING), ("RemoveSubaccount", REMOVING)],
    ids=["add", "create", "remove"],
)
def test_of_several_errors_the_first_in_the_order_is_answered(ledger: Table, function: str, rows: list[Repair]) -> None:
    """What is wrong with the ledger: its main account is suspended and has nothing, and the key "used" is used."""
    open_user(ledger, "user-key")
    open_rival(ledger, "rival-key", "rival-subaccount")
    assert ask("AddCredit", {**KEY, "tokenSubaccount": demo.TOKEN, "credit": PARENT_EUR // 1_000}, "used").code == 200
    change(ledger, Change(0, demo.ADMIN, "EUR", Kind.ADJUSTMENT, -200, 0))
    set_state(ledger, 0, demo.ADMIN, State.SUSPENDED)
    everything = total(ledger)
    parameters: dict[str, Any] = {}
    key = None
    answered = []
    for row in rows:
        row.of_ledger(ledger)
        parameters |= row.parameters
        key = row.key or key
        answered.append((row.of, ask(function, parameters, key).code))
        everything += 10_000 * (row.of_ledger is top_up)
        assert total(ledger) == everything

    assert answered == [(row.of, row.code) for row in rows]


def test_another_main_accounts_sub_account_is_out_of_reach(ledger: Table) -> None:
    open_rival(ledger, "rival-key", "rival-subaccount")
    for function in ("AddCredit", "RemoveCredit"):
        for api_key, token in ((demo.API_KEY, "rival-subaccount"), ("rival-key", demo.TOKEN)):
            refused = ask(function, {"apiKey": api_key, "tokenSubaccount": token, "credit": 1})
            assert refused == Answer(4, message="Vous n'avez pas l'autorisation")
    missing = Answer(404, message="Le sous-compte n'existe pas")
    assert ask("RemoveSubaccount", {"apiKey": "rival-key", "token": demo.TOKEN}) == missing
    assert ask("ListSubaccounts", {"apiKey": "rival-key"}).fields["data"][0]["token"] == "rival-subaccount"


def test_only_a_main_account_manages_sub_accounts(ledger: Table) -> None:
    open_user(ledger, "user-key")
    parameters = {"apiKey": "user-key", "tokenSubaccount": demo.TOKEN, "token": demo.TOKEN, "credit": 1}
    codes = {
        function: ask(function, parameters | {"type": "simple"}).code
        for function in (
            "AddCredit",
            "RemoveCredit",
            "CreateSubaccount",
            "ListSubaccounts",
            "RemoveSubaccount",
            "GetMe",
        )
    }
    assert codes == {
        "AddCredit": 4,
        "RemoveCredit": 4,
        "CreateSubaccount": 2,
        "ListSubaccounts": 4,
        "RemoveSubaccount": 4,
        "GetMe": 200,
    }


@pytest.mark.parametrize(
    ("module", "ask_once"),
    [
        (add_credit, lambda: add(1)),
        (create_subaccount, lambda: create(creditToAttribute=1)),
        (remove_subaccount, lambda: ask("RemoveSubaccount", {**KEY, "token": demo.TOKEN})),
    ],
    ids=["add", "create", "remove"],
)
def test_a_lost_answer_is_not_called_busy(
    ledger: Table, monkeypatch: pytest.MonkeyPatch, module: Any, ask_once: Callable[[], Answer]
) -> None:
    """Busy promises that nothing changed, which nobody knows here."""
    break_transactions(monkeypatch, module, ledger, no_answer)
    assert ask_once() == Answer(504, message="Résultat inconnu : réessayez avec la même Idempotency-Key ou vérifiez")
    break_transactions(monkeypatch, module, ledger, conflict)
    assert ask_once().code == 429


def test_every_ledger_error_has_a_line_in_every_table() -> None:
    def leaves(error: type[errors.LedgerError]) -> Iterator[type[errors.LedgerError]]:
        for each in error.__subclasses__():
            yield from leaves(each)
        if not error.__subclasses__():
            yield error

    tables = (wire.GENERAL, wire.CREDIT, wire.CREATION, wire.REMOVAL)
    for table in tables:
        assert set(leaves(errors.LedgerError)) <= set(table)
    assert {fault for table in tables for fault in table if isinstance(fault, wire.Fault)} == set(wire.Fault)


def test_the_vendors_own_texts_are_answered_as_the_vendor_spells_them() -> None:
    written = {refusal.code: refusal.message for refusal in wire.CREDIT.values() if refusal.code <= 10}
    assert written == {
        1: "La Clé API est requise",
        2: "Le crédit est requis",
        3: "L'identifiant du sous-compte est requis",
        4: "Vous n'avez pas l'autorisation",
        5: "Le crédit à attribuer doit être supérieur à 0",
        6: "La balance doit être supérieur à 0",
        7: "Le sous-compte n'existe pas",
        8: "Crédit insufisant",
        10: "Clé API incorrecte",
    }


def test_a_request_that_was_refused_can_be_sent_again_under_its_key(ledger: Table) -> None:
    assert add("2769.201", key="order 1").code == 8
    top_up(ledger)
    assert add("2769.201", key="order 1") == moved("9.999", "2931.001")
    assert balances(ledger) == (9_999, 2_931_001)
