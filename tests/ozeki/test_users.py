"""The admin's users: made, configured, started, stopped and deleted, through the handler."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from ledger import accounts, holds
from ledger.accounts import HOUSE, Account, Role
from ledger.balance import change
from ledger.change import Change
from ledger.counter import State
from ledger.kinds import Kind
from ledger.names import find_username
from ledger.table import Table
from ozeki.ozeki_api import lambda_handler
from tests.demo_ledger import items
from tests.local import demo
from tests.local.gateway import Context
from tests.ozeki.books import break_transactions, open_rival, open_user
from tests.ozeki.caller import ADMIN, JOHN, Answer, ask, credit, event, send, user
from tests.states import set_state
from tests.template import ROOT

USER_ACTIONS = ["createuser", "configuser", "startuser", "stopuser", "deleteuser"]
ON_ONE = USER_ACTIONS[1:]
"""Those that are about a user who exists."""

UNKNOWN = Answer("error", code=6, message="unknown useraccount")
TAKEN = Answer("error", code=2, message="not a valid value: name is taken")
CLOSED = Answer("error", code=9, message="account closed")
UNSETTLED = Answer("error", code=2, message="not possible: a balance of the user's is below zero or on hold")


def manage(action: str, name: str = "mary", key: str | None = None, **more: str) -> Answer:
    return ask({"action": action, **ADMIN, "name": name}, key, **more)


def add(name: str, amount: int, key: str | None = None) -> Answer:
    return ask({"action": "addcredits", **ADMIN, "useraccount": name, "add": str(amount)}, key)


def get(username: str, password: str) -> Answer:
    return ask({"action": "getcredits", "username": username, "password": password})


def invalid(name: str) -> Answer:
    return Answer("error", code=2, message=f"not a valid value: {name}")


def profile(table: Table, name: str) -> Account:
    table.recent.clear()
    return accounts.get(table, *find_username(table, name))


def entries(table: Table) -> list[dict[str, Any]]:
    """List everything but claims, of which every commit leaves one."""
    return [item for item in items(table) if not item["pk"]["S"].startswith("K#")]


# --------------------------------------------------------------------------------------------- from nobody to a reader


def test_a_user_can_be_made_given_a_password_and_credit_and_read_its_balance_over_the_api_alone(ledger: Table) -> None:
    assert manage("createuser", type="SMPP") == user("mary", "createuser")
    assert manage("configuser", PASSWORD="mary-123", IDOVERRIDE="off") == user("mary", "configuser")
    assert add("mary", 250) == credit("mary", 250)
    assert get("mary", "mary-123") == credit("mary", 250)


def test_the_readmes_example_works_as_written(ledger: Table) -> None:
    readme = (ROOT / "functions" / "ozeki" / "README.md").read_text()
    (block,) = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    api, *calls = re.findall(r"""(?:api=|curl )['"](.*)['"]""", block)
    answers = [send(event(call.replace("$api", api).split("?")[1])) for call in calls]
    assert answers == [user("mary", "createuser"), user("mary", "configuser"), *[credit("mary", 250)] * 2]


def test_a_new_user_has_no_credit_and_is_the_admins(ledger: Table) -> None:
    manage("createuser")
    assert ask({"action": "getcredits", **ADMIN, "useraccount": "mary"}) == credit("mary", 0)
    found = profile(ledger, "mary")
    assert (found.owner, found.role, found.state, found.username) == (demo.ADMIN, Role.USER, State.OPEN, "mary")


@pytest.mark.parametrize("password", ["", "mary", "None", "\0"])
def test_nobody_is_let_in_before_there_is_a_password(ledger: Table, password: str) -> None:
    manage("createuser")
    assert get("mary", password).code == (4 if password else 1)


def test_a_users_answer_has_its_form_in_both_formats(ledger: Table) -> None:
    query = urlencode({"action": "createuser", **ADMIN, "name": "a&b"})
    assert lambda_handler(event(query), Context("OzekiApi"))["body"] == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE smsapi PUBLIC "-//OZEKI//DTD XML 1.0//EN" "http://www.ozekisms.com/DTD/smsapi.xml">\n'
        "<response>\n"
        "   <action>createuser</action>\n"
        "   <data>\n"
        "      <user>\n"
        "         <name>a&amp;b</name>\n"
        "      </user>\n"
        "   </data>\n"
        "</response>"
    )
    query = urlencode({"action": "stopuser", **ADMIN, "name": "a&b", "responseformat": "urlencoded"})
    assert lambda_handler(event(query), Context("OzekiApi"))["body"] == "action=stopuser&user.name=a%26b"


# ------------------------------------------------------------------------------------------------------------ passwords


def test_a_new_password_takes_the_place_of_the_old_one(ledger: Table) -> None:
    assert manage("configuser", "john", PASSWORD="newer-one") == user("john", "configuser")
    ledger.recent.clear()  # whoever was recognised is remembered for half a minute
    assert get("john", "john123").code == 4
    assert get("john", "newer-one") == credit("john", 500)


@pytest.mark.parametrize("spelling", ["PASSWORD", "Password", "PassWord"])
def test_the_password_to_set_is_told_from_the_callers_own_by_its_spelling(ledger: Table, spelling: str) -> None:
    assert manage("configuser", "john", **{spelling: "newer-one"}) == user("john", "configuser")
    assert get("john", "newer-one") == credit("john", 500)
    assert get("admin", "abc123") == credit("admin", 0)


def test_two_passwords_to_set_are_none(ledger: Table) -> None:
    assert manage("configuser", "john", PASSWORD="first-one", Password="second-one") == invalid("PASSWORD")


@pytest.mark.parametrize("password", ["p" * 8, "p" * 16, " " * 8, "<&>'\"\0\r\n", "\N{SNOWMAN}" * 16])
def test_a_password_has_8_to_16_characters_whatever_they_are(ledger: Table, password: str) -> None:
    assert manage("configuser", "john", PASSWORD=password) == user("john", "configuser")
    assert get("john", password) == credit("john", 500)


@pytest.mark.parametrize("password", ["", "p" * 7, "p" * 17, "p" * 10_000, "\N{REPLACEMENT CHARACTER}" * 8], ids=len)
def test_a_password_that_is_none_is_refused(ledger: Table, password: str) -> None:
    before = items(ledger)
    assert manage("configuser", "john", PASSWORD=password) == invalid("PASSWORD")
    assert items(ledger) == before


def test_bytes_that_are_no_text_are_no_password_and_no_name(ledger: Table) -> None:
    """Many would be the same text: whoever sent any of them would be let in."""
    for name, parameter in (("john", "&PASSWORD=%ff"), ("%ff", "")):
        for action in ("configuser", "createuser"):
            query = f"action={action}&username=admin&password=abc123&name={name}{parameter}"
            assert send(event(query)).code in (2, 6)
    assert get("john", "john123") == credit("john", 500)


def test_configuring_something_else_changes_nothing(ledger: Table) -> None:
    before = items(ledger)
    assert manage("configuser", "john", IDOVERRIDE="off", USERNAME="jack", TYPE="SMPP") == user("john", "configuser")
    assert items(ledger) == before


# -------------------------------------------------------------------------------------------- stopped, started, deleted


def test_a_stopped_user_takes_credit_and_reads_its_balance_and_is_started_again(ledger: Table) -> None:
    assert manage("stopuser", "john") == user("john", "stopuser")
    assert profile(ledger, "john").state is State.SUSPENDED
    assert add("john", 5) == credit("john", 505)
    assert ask({"action": "getcredits", **JOHN}) == credit("john", 505)
    assert manage("startuser", "john") == user("john", "startuser")
    assert profile(ledger, "john").state is State.OPEN


def test_a_deleted_user_takes_no_credit_lets_nobody_in_and_is_not_erased(ledger: Table) -> None:
    assert manage("deleteuser", "john") == user("john", "deleteuser")
    assert add("john", 5) == CLOSED
    ledger.recent.clear()
    assert ask({"action": "getcredits", **JOHN}) == CLOSED
    assert ask({"action": "getcredits", **ADMIN, "useraccount": "john"}) == credit("john", 500)
    for action in ("configuser", "startuser", "stopuser"):
        assert manage(action, "john", PASSWORD="newer-one") == CLOSED
    assert manage("configuser", "john") == CLOSED


def test_a_deleted_users_name_is_another_users_at_once_if_it_is_created_again(ledger: Table) -> None:
    assert add("john", 5) == credit("john", 505)
    manage("deleteuser", "john")
    assert manage("createuser", "john") == user("john", "createuser")
    assert ask({"action": "getcredits", **ADMIN, "useraccount": "john"}) == credit("john", 0)
    assert add("john", 7) == credit("john", 7)
    assert get("john", "john123").code in (4, 9)
    assert manage("deleteuser", "john") == user("john", "deleteuser")
    assert profile(ledger, "john").id != demo.JOHN


@pytest.mark.parametrize("action", ["startuser", "stopuser", "deleteuser"])
def test_what_is_so_already_is_answered_alike_and_changes_nothing(ledger: Table, action: str) -> None:
    manage(action, "john")
    before = items(ledger)
    assert manage(action, "john") == user("john", action)
    assert items(ledger) == before


def test_a_user_that_owes_or_holds_credit_stays(ledger: Table) -> None:
    add("john", -501)
    before = entries(ledger)
    assert manage("deleteuser", "john") == UNSETTLED
    assert entries(ledger) == before

    add("john", 501)
    change(ledger, Change(demo.ADMIN, demo.JOHN, "email", Kind.TOP_UP, 9, demo.ADMIN))
    held = holds.reserve(ledger, demo.ADMIN, demo.JOHN, "email", 9, lives_ms=60_000, actor=demo.ADMIN).hold
    assert manage("deleteuser", "john") == UNSETTLED
    holds.release(ledger, demo.ADMIN, demo.JOHN, "email", held, actor=demo.ADMIN)
    assert manage("deleteuser", "john") == user("john", "deleteuser")


# ------------------------------------------------------------------------------------------------------------ who, whom


@pytest.mark.parametrize("action", USER_ACTIONS)
def test_only_an_admin_manages_users(ledger: Table, action: str) -> None:
    before = items(ledger)
    for name in ("john", "mary", ""):
        refused = ask({"action": action, **JOHN, "name": name}, PASSWORD="newer-one")
        assert refused == Answer("error", code=5, message="only admin may do this")
    assert items(ledger) == before


@pytest.mark.parametrize("action", ON_ONE)
@pytest.mark.parametrize("name", ["nobody", "johnny", "john ", "n" * 17, "n" * 10_000, "\0", "admin"], ids=ascii)
def test_a_name_that_is_no_users_of_this_admin_is_unknown(ledger: Table, action: str, name: str) -> None:
    before = items(ledger)
    assert manage(action, name, PASSWORD="newer-one") == UNKNOWN
    assert items(ledger) == before


@pytest.mark.parametrize("action", ON_ONE)
@pytest.mark.usefixtures("ledger")
def test_a_user_is_named_in_any_case_and_told_as_it_was_created(action: str) -> None:
    assert manage(action, "John", PASSWORD="newer-one") == user("john", action)


@pytest.mark.parametrize("action", ON_ONE)
def test_another_operators_users_are_unknown(ledger: Table, action: str) -> None:
    rival = open_rival(ledger)
    before = items(ledger)
    for name in ("john", "admin"):
        assert ask({"action": action, **rival, "name": name}, PASSWORD="newer-one") == UNKNOWN
    assert items(ledger) == before


@pytest.mark.parametrize("whose", ["john", "JOHN", "admin", "rival", "Rival", "jane"])
def test_a_name_that_somebody_has_is_taken(ledger: Table, whose: str) -> None:
    """Another operator's account keeps its name when it is closed, too."""
    open_rival(ledger)
    set_state(ledger, HOUSE, profile(ledger, "rival").id, State.CLOSED)
    open_user(ledger, "jane")
    before = entries(ledger)
    assert manage("createuser", whose) == TAKEN
    assert manage("createuser", whose, key="k") == TAKEN
    assert entries(ledger) == before


@pytest.mark.parametrize(
    "name",
    [" mary", "mary ", "m" * 17, "m" * 10_000, "ma\nry", "\0", "\N{REPLACEMENT CHARACTER}", "\N{NO-BREAK SPACE}"],
)
def test_a_name_that_could_not_be_read_back_is_refused(ledger: Table, name: str) -> None:
    before = items(ledger)
    assert manage("createuser", name) == invalid("name")
    assert items(ledger) == before


@pytest.mark.parametrize("name", ["m" * 16, "\N{SNOWMAN}" * 16, "a=b&c.d;e+f", "<b>"])
def test_a_name_is_any_printable_text_of_up_to_16_characters(ledger: Table, name: str) -> None:
    assert manage("createuser", name) == user(name, "createuser")
    assert add(name, 1) == credit(name, 1)


def test_a_name_composed_in_another_way_or_of_another_case_is_the_same_user(ledger: Table) -> None:
    composed, apart = "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}", "zoe\N{COMBINING DIAERESIS}"
    assert manage("createuser", apart) == user(composed.lower(), "createuser")
    assert manage("createuser", composed) == manage("createuser", composed.upper()) == TAKEN
    assert manage("configuser", composed, PASSWORD="mary-123") == user(composed.lower(), "configuser")
    for balance, spelt in enumerate((composed, apart, composed.upper()), start=1):
        assert add(spelt, 1) == credit(spelt, balance)
        assert get(spelt, "mary-123") == credit(composed.lower(), balance)


# ---------------------------------------------------------------------------------------------------------------- again


def test_a_user_is_made_once_under_a_key_and_taken_without(ledger: Table) -> None:
    assert manage("createuser", key="make 1") == user("mary", "createuser")
    before = items(ledger)
    assert manage("createuser", key="make 1") == user("mary", "createuser", replayed=True)
    assert manage("createuser", key="make 1", type="SMPP") == user("mary", "createuser", replayed=True)
    assert items(ledger) == before
    assert manage("createuser") == TAKEN
    assert manage("createuser", key="make 2") == TAKEN


@pytest.mark.parametrize("action", ON_ONE)
def test_a_request_sent_again_under_its_key_gets_its_first_answer_whatever_happened_since(
    ledger: Table, action: str
) -> None:
    assert manage(action, "john", key="k", PASSWORD="newer-one") == user("john", action)
    if action != "deleteuser":
        manage({"startuser": "stopuser"}.get(action, "startuser"), "john")
        manage("configuser", "john", PASSWORD="newest-one")
    before = items(ledger)
    assert manage(action, "john", key="k", PASSWORD="newer-one") == user("john", action, replayed=True)
    assert items(ledger) == before


def test_a_request_is_answered_again_when_the_user_is_deleted(ledger: Table) -> None:
    assert manage("stopuser", "john", key="k") == user("john", "stopuser")
    assert manage("deleteuser", "john") == user("john", "deleteuser")
    assert manage("stopuser", "john", key="k") == user("john", "stopuser", replayed=True)


def test_a_key_stands_for_one_request_only(ledger: Table) -> None:
    reused = Answer("error", code=8, message="the Idempotency-Key was used for something else")
    manage("createuser")
    assert manage("configuser", "john", key="k", PASSWORD="newer-one") == user("john", "configuser")
    before = items(ledger)
    assert manage("configuser", "john", key="k", PASSWORD="another-one") == reused
    assert manage("configuser", key="k", PASSWORD="newer-one") == reused
    for action in ("createuser", "startuser", "stopuser", "deleteuser"):
        assert manage(action, "jane" if action == "createuser" else "john", key="k") == reused
    assert items(ledger) == before


# ------------------------------------------------------------------------------------------------------ several errors


@dataclass(frozen=True)
class Repair:
    """One fault put right, and the error that shows up next."""

    parameters: dict[str, str]
    answer: Answer
    key: str | None = None


def error(code: int, message: str) -> Answer:
    return Answer("error", code=code, message=message)


# Each row repairs one fault of the row above; all the others are still there.
WAY_DOWN = [
    Repair({"responseformat": "html", "PASSWORD": "p" * 17}, error(1, "missing parameter: username")),
    Repair({"username": "john"}, error(1, "missing parameter: password"), "k" * 256),
    Repair({"password": "abc123"}, error(4, "wrong username or password")),
    Repair({"password": "john123"}, error(5, "only admin may do this")),
    Repair(ADMIN, error(1, "missing parameter: name")),
    Repair({"name": "nobody"}, invalid("PASSWORD")),
    Repair({"PASSWORD": "newer-one"}, invalid("Idempotency-Key")),
    Repair({}, invalid("responseformat"), "used"),
    Repair({"responseformat": "xml"}, UNKNOWN),
    Repair({"name": "jane"}, error(8, "the Idempotency-Key was used for something else")),
    Repair({}, CLOSED, "fresh"),
    Repair({"name": "john"}, user("john", "configuser")),
]


def test_of_several_errors_the_first_in_the_order_is_answered(ledger: Table) -> None:
    set_state(ledger, demo.ADMIN, open_user(ledger, "jane"), State.CLOSED)
    add("john", 1, key="used")
    parameters: dict[str, str] = {"action": "configuser"}
    key, answered = None, []
    for row in WAY_DOWN:
        parameters |= row.parameters
        key = row.key or key
        answered.append(ask(parameters, key))
    assert answered == [row.answer for row in WAY_DOWN]


@pytest.mark.parametrize("action", USER_ACTIONS)
def test_busy_promises_that_nothing_changed_and_a_lost_answer_does_not(
    ledger: Table, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    name = "mary" if action == "createuser" else "john"
    manage("stopuser" if action == "startuser" else "startuser", "john")
    before = items(ledger)
    break_transactions(monkeypatch, ledger, "TransactionCanceledException")
    assert manage(action, name, PASSWORD="newer-one") == error(7, "busy, nothing changed: send it again")
    break_transactions(monkeypatch, ledger, "InternalServerError")
    assert manage(action, name, PASSWORD="newer-one").code == 10
    assert items(ledger) == before
