"""Which error is answered when several would do, and that an error has changed nothing."""

import json
from collections.abc import Callable
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
from tests.error_tree import every_error
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
from tests.mailpartner.caller import KEY, Answer, add, ask, create, event, moved
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
    Repair("API key", 20, KEY),
    Repair("main account", 4, of_ledger=reopen),
    Repair("token", 7, {"tokenSubaccount": "nobody"}),
    Repair("token", 5, {"tokenSubaccount": demo.TOKEN}),
    Repair("credit", 97, {"credit": "5000"}),
    Repair("key", 6, key="fresh"),
    Repair("balance", 8, of_ledger=top_up),
    Repair("credit", 200, {"credit": "10"}),
]
CREATING = [
    Repair("nothing", 90, {"_format": "html"}, key="used"),
    Repair("format", 1, {"_format": "json"}),
    Repair("API key", 10, {"apiKey": "wrong"}),
    Repair("API key", 2, {"apiKey": "user-key"}),
    Repair("API key", 20, KEY),
    Repair("main account", 4, of_ledger=reopen),
    Repair("type", 5, {"type": "basic"}),
    Repair("type", 3, {"type": "advanced"}),
    Repair("isBuyer", 6, {"parameters[isBuyer]": "1"}),
    Repair("email", 8, {"parameters[email]": "demo@subaccount.invalid", "parameters[creditToAttribute]": "0"}),
    Repair("credit", 90, {"parameters[creditToAttribute]": "5000", "parameters[title]": "\0"}),
    Repair("title", 97, {"parameters[title]": ""}),
    Repair("key", 7, key="fresh"),
    Repair("email", 9, {"parameters[email]": "jane@example.com"}),
    Repair("balance", 9, of_ledger=top_up),
    Repair("credit", 200, {"parameters[creditToAttribute]": "10"}),
]
REMOVING = [
    Repair("nothing", 90, {"_format": "html"}, key="used"),
    Repair("format", 10, {"_format": "json"}),
    Repair("API key", 10, {"apiKey": "wrong"}),
    Repair("API key", 1, {"apiKey": "user-key"}),
    Repair("token", 4, {"token": "rival-subaccount"}),
    Repair("API key", 20, KEY),
    Repair("main account", 404, of_ledger=reopen),
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


IMPOSSIBLE = (409, 98, "Impossible : l'état du compte ne le permet pas")
DISABLED = (200, 20, "Compte désactivé")
MISSING = "Le sous-compte n'existe pas"
NOT_ALLOWED = "Vous n'avez pas l'autorisation"
EMPTY = "La balance doit être supérieur à 0"

# HTTP status, code and text, as the vendor spells those up to 10, of every page ...
GENERAL: dict[str, tuple[int, int, str]] = {
    "UNREADABLE": (400, 90, "La requête est illisible"),
    "BROKEN_JSON": (400, 90, "Le JSON est malformé: erreur de syntaxe"),
    "IS_XML": (400, 90, "Le corps est en XML : seuls JSON, formulaire et query sont lus"),
    "NO_KEY": (200, 1, "La Clé API est requise"),
    "WrongCredentials": (200, 10, "Clé API incorrecte"),
    "DISABLED": DISABLED,
    "AccountClosed": DISABLED,
    "AccountSuspended": DISABLED,
    "NotPermitted": (200, 4, NOT_ALLOWED),
    "KeyReused": (409, 97, "Cette Idempotency-Key a déjà servi à une autre requête"),
    "NotSettled": (409, 98, "Le sous-compte a des crédits réservés ou négatifs"),
    "Busy": (429, 429, "Trop de requêtes à la fois, rien n'a été modifié : réessayez"),
    "OutcomeUnknown": (504, 504, "Résultat inconnu : réessayez avec la même Idempotency-Key ou vérifiez"),
    "AccountNotFound": IMPOSSIBLE,
    "InsufficientCredit": IMPOSSIBLE,
    "InsufficientCredit, none at all": IMPOSSIBLE,
    "HoldNotFound": IMPOSSIBLE,
    "HoldExpired": IMPOSSIBLE,
    "HoldTooSmall": IMPOSSIBLE,
    "BalanceTooLarge": IMPOSSIBLE,
    "LoginBlocked": IMPOSSIBLE,
    "TransferRefused": IMPOSSIBLE,
    "NameTaken": IMPOSSIBLE,
}
# ... and where a page has its own.
OWN: dict[str, dict[str, tuple[int, int, str]]] = {
    "GENERAL": {},
    "CREDIT": {
        "NO_CREDIT": (200, 2, "Le crédit est requis"),
        "NO_TOKEN": (200, 3, "L'identifiant du sous-compte est requis"),
        "NOT_YOURS": (200, 4, NOT_ALLOWED),
        "BAD_CREDIT": (200, 5, "Le crédit à attribuer doit être supérieur à 0"),
        "EMPTY_BALANCE": (200, 6, EMPTY),
        "InsufficientCredit, none at all": (200, 6, EMPTY),
        "AccountNotFound": (200, 7, MISSING),
        "AccountClosed": (200, 7, MISSING),
        "InsufficientCredit": (200, 8, "Crédit insufisant"),
    },
    "CREATION": {
        "NotPermitted": (200, 2, "Vous n'avez pas l'authorisation"),
        "NO_BUYER": (200, 3, "isBuyer est requis"),
        "NO_TYPE": (200, 4, "Le type est requis (simple ou advanced)"),
        "UNKNOWN_TYPE": (200, 5, "Le type de sous-compte n'existe pas (simple ou advanced)"),
        "NO_EMAIL": (200, 6, "L'email est requis"),
        "NameTaken": (200, 7, "Un compte existe déjà avec cet email"),
        "BAD_CREDIT": (200, 8, "creditToAttribute doit être supérieurr à 0"),
        "EMPTY_BALANCE": (200, 9, EMPTY),
        "InsufficientCredit": (200, 9, EMPTY),
        "InsufficientCredit, none at all": (200, 9, EMPTY),
    },
    "REMOVAL": {
        "NO_KEY": (200, 10, "La Clé API est requise"),
        "NO_TOKEN": (200, 1, "Le Token est requis"),
        "NOT_YOURS": (200, 404, MISSING),
        "AccountNotFound": (200, 404, MISSING),
        "AccountClosed": (200, 404, MISSING),
    },
}


@pytest.mark.parametrize("page", OWN)
def test_every_error_is_told_with_its_code_and_text_on_every_page(page: str) -> None:
    table: wire.Errors = getattr(wire, page)

    def told(error: Exception) -> tuple[int, int, str]:
        def fail(_: wire.Request) -> wire.Answer:
            raise error

        answer = wire.answer(event(), fail, table, "done")
        body = json.loads(answer["body"])
        assert not body["success"]
        return answer["statusCode"], body["code"], body["message"]

    met: dict[str, Exception] = {**every_error(), "InsufficientCredit, none at all": errors.InsufficientCredit(0)}
    met |= {fault.name: wire.Refused(fault) for fault in wire.Fault if fault in table}
    assert {name: told(error) for name, error in met.items()} == GENERAL | OWN[page]


def test_no_code_of_ours_is_one_that_the_vendor_gives_another_meaning() -> None:
    """96 is an address that is not allowed, 30 a blocked account, 40 an API that is refused."""
    tables = [getattr(wire, page).values() for page in OWN]
    assert not {30, 40, 96} & {refusal.code for refusals in (*tables, [wire.NOT_POSSIBLE]) for refusal in refusals}


def test_every_fault_is_one_of_some_page() -> None:
    tables = (getattr(wire, page) for page in OWN)
    assert {fault for table in tables for fault in table if isinstance(fault, wire.Fault)} == set(wire.Fault)


def test_a_request_that_was_refused_can_be_sent_again_under_its_key(ledger: Table) -> None:
    assert add("2769.201", key="order 1").code == 8
    top_up(ledger)
    assert add("2769.201", key="order 1") == moved("9.999", "2931.001")
    assert balances(ledger) == (9_999, 2_931_001)
