"""Opening accounts: credentials that work, shown once, and nothing opened that cannot be used."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from api import issue_key, list_keys, revoke_key
from ledger import accounts, api_keys, counter, credentials, history, opening
from ledger.accounts import HOUSE, Role
from ledger.api_keys import LastAdminKey
from ledger.claims import CallerKey
from ledger.entry import AMOUNT_LIMIT
from ledger.kinds import Kind, Scope
from ledger.table import Table
from operations.open_account import lambda_handler
from tests.api.caller import ask as call
from tests.demo_ledger import items
from tests.local import demo
from tests.local.gateway import Context
from tests.logged import lines
from tests.states import close_the_operator
from tests.template import ROOT

MARY = {"role": "user", "operator": demo.ADMIN, "username": "mary"}


def ask(event: Any, **more: Any) -> dict[str, Any]:
    answer = lambda_handler(event | more if more else event, Context("OpenAccount"))
    json.dumps(answer)  # as Lambda will have to
    return answer


def test_a_user_is_opened_with_its_balances(ledger: Table) -> None:
    example = json.loads((ROOT / "events" / "open_account.json").read_text())

    opened = ask(example)

    assert opened.keys() == {"account", "username", "replayed", "api_key", "password"}
    assert (opened["username"], opened["replayed"]) == ("mary", False)
    account = accounts.get(ledger, demo.ADMIN, opened["account"])
    assert (account.role, account.username, account.units) == (Role.USER, "mary", frozenset({"sms", "email"}))
    for unit, amount in {"sms": 100, "email": 2500}.items():
        (posted,) = history.entries(ledger, account.id, unit, limit=10)
        assert (posted.entry.kind, posted.after, posted.entry.actor) == (Kind.OPENING, amount, HOUSE)


def test_an_admin_is_an_operator_of_the_house(ledger: Table) -> None:
    opened = ask({"role": "admin", "username": "acme"})
    assert accounts.get(ledger, HOUSE, opened["account"]).role is Role.ADMIN


def test_an_operators_first_key_is_listed_and_can_be_revoked_once_there_is_another(ledger: Table) -> None:
    opened = ask({"role": "admin", "username": "acme"})
    operator, secret = opened["account"], opened["api_key"]
    (first,) = api_keys.list_keys(ledger, operator, limit=9)
    assert (first.name, first.scopes, first.subtree) == ("first key", frozenset({Scope.ADMIN}), None)
    with pytest.raises(LastAdminKey):
        api_keys.revoke(ledger, operator, first.id)
    another = call(issue_key, {"name": "office", "scopes": ["admin"]}, secret=secret, key="office")
    assert call(revoke_key, secret=another["secret"], key_=first.id).status == 204
    assert call(list_keys, secret=secret).code == "unauthenticated"


def test_a_users_key_is_in_no_listing(ledger: Table) -> None:
    opened = ask(MARY)
    assert api_keys.list_keys(ledger, opened["account"], limit=9) == []
    assert len(api_keys.list_keys(ledger, demo.ADMIN, limit=9)) == 2


def test_what_is_shown_lets_its_holder_in(ledger: Table) -> None:
    opened = ask(MARY)
    assert credentials.by_password(ledger, "mary", opened["password"]).account == opened["account"]
    assert credentials.by_key(ledger, opened["api_key"]).account == opened["account"]


def test_a_password_given_is_the_password_and_is_not_repeated(ledger: Table) -> None:
    opened = ask(MARY, password="0123456789abcdef")
    assert "password" not in opened
    assert credentials.by_password(ledger, "mary", "0123456789abcdef").username == "mary"


def test_no_two_secrets_are_alike(ledger: Table) -> None:
    first, second = ask(MARY), ask(MARY, username="mark")
    assert len({first["api_key"], second["api_key"], first["password"], second["password"]}) == 4
    assert first["account"] != second["account"]


# ----------------------------------------------------------------------------------------------------- asked once more


def test_a_request_sent_again_opens_nothing_and_shows_no_secret(ledger: Table) -> None:
    opened = ask(MARY, idempotency_key="k")
    before = items(ledger)

    again = ask(MARY, idempotency_key="k")

    assert again == {
        "account": opened["account"],
        "username": "mary",
        "replayed": True,
        "message": "opened before: its credentials were shown then and cannot be shown again",
    }
    assert items(ledger) == before
    assert credentials.by_key(ledger, opened["api_key"]).username == "mary"


@pytest.mark.parametrize("other", [{"username": "mark"}, {"balances": {"sms": 1}}], ids=["name", "balances"])
def test_a_key_stands_for_one_account_only(ledger: Table, other: dict[str, Any]) -> None:
    ask(MARY, idempotency_key="k")
    assert ask(MARY, idempotency_key="k", **other)["error"] == "KeyReused"


def test_the_keys_of_the_house_are_not_those_of_an_operators_requests(ledger: Table) -> None:
    ask(MARY, idempotency_key="k")
    opened = opening.open_account(
        ledger,
        demo.ADMIN,
        actor=demo.ADMIN,
        caller_key=CallerKey(demo.ADMIN, "k", ("something else",)),
    )
    assert not opened.replayed


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.fixture
def unchanged(ledger: Table) -> Iterator[Table]:
    before = items(ledger)
    yield ledger
    assert items(ledger) == before


def test_a_name_is_taken_once(unchanged: Table) -> None:
    assert ask(MARY, username="john") == {"error": "NameTaken", "message": "the user name is taken"}


@pytest.mark.parametrize("username", ["JOHN", "John"])
def test_a_name_is_taken_whatever_its_case(unchanged: Table, username: str) -> None:
    assert ask(MARY, username=username)["error"] == "NameTaken"


@pytest.mark.parametrize("operator", [999, demo.JOHN], ids=["nobody", "a user"])
def test_only_an_operator_has_users(unchanged: Table, operator: int) -> None:
    assert ask(MARY, operator=operator) == {"error": "AccountNotFound", "message": "there is no such account"}


def test_a_closed_operator_gets_no_more_users(ledger: Table) -> None:
    close_the_operator(ledger)
    assert ask(MARY)["error"] == "AccountClosed"


@pytest.mark.parametrize(
    ("event", "where"),
    [
        ({}, "role: Field required; username: Field required"),
        ([], "Input should be a valid dictionary or instance of NewAccount"),
        (MARY | {"role": "root"}, "role: "),
        ({"role": "user", "username": "mary"}, "a user has an operator, an admin has none"),
        (MARY | {"role": "admin"}, "a user has an operator, an admin has none"),
        (MARY | {"operator": 0}, "operator: "),
        (MARY | {"operator": "100"}, "operator: "),
        (MARY | {"operator": True}, "operator: "),
        (MARY | {"username": ""}, "username: "),
        (MARY | {"username": "m" * 17}, "username: "),
        (MARY | {"username": "mary\0"}, "username: "),
        (MARY | {"username": " mary"}, "username: "),
        (MARY | {"username": "\ud800"}, "username: "),
        (MARY | {"password": ""}, "password: "),
        (MARY | {"password": "p" * 7}, "password: "),
        (MARY | {"password": "p" * 17}, "password: "),
        (MARY | {"balances": {"SMS": 1}}, "balances.SMS.[key]: "),
        (MARY | {"balances": {"sms": -1}}, "balances.sms: "),
        (MARY | {"balances": {"sms": "1"}}, "balances.sms: "),
        (MARY | {"balances": {"sms": 1.5}}, "balances.sms: "),
        (MARY | {"balances": {"sms": AMOUNT_LIMIT + 1}}, "balances.sms: "),
        (MARY | {"idempotency_key": ""}, "idempotency_key: "),
        (MARY | {"idempotency_key": "k" * 256}, "idempotency_key: "),
        (MARY | {"ballances": {}}, "ballances: "),
    ],
    ids=lambda value: ascii(value)[-30:],
)
def test_a_request_that_makes_no_sense_says_where(event: Any, where: str) -> None:
    refused = ask(event)
    assert refused["error"] == "InvalidRequest"
    assert where in refused["message"]


def test_the_largest_balances_and_the_longest_names_are_fine(ledger: Table) -> None:
    opened = ask(
        MARY,
        username="\N{SNOWMAN}" * 16,
        password="p" * 16,
        balances={"EUR": AMOUNT_LIMIT, "transactions": 0},
        idempotency_key="k" * 255,
    )
    assert counter.read(ledger, opened["account"], "EUR").available == AMOUNT_LIMIT
    assert counter.read(ledger, opened["account"], "transactions").sequence == 1


def test_a_name_is_kept_composed_and_measured_so(ledger: Table) -> None:
    opened = ask(MARY, username="e\N{COMBINING ACUTE ACCENT}" * 16, password="p" * 8)
    assert opened["username"] == "\N{LATIN SMALL LETTER E WITH ACUTE}" * 16
    assert accounts.get(ledger, demo.ADMIN, opened["account"]).username == opened["username"]


# ------------------------------------------------------------------------------------------------------------- secrecy


def test_no_secret_reaches_the_log_or_an_error(
    ledger: Table, log: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    opened = ask(MARY, password="mary-password", idempotency_key="a-secret-key")
    generated = ask(MARY, username="mark")
    refused = [
        ask(MARY, password="mary-password", idempotency_key="a-secret-key"),
        ask(MARY, password="mary-password-too-long"),
        ask(MARY, password="mary-password", username=""),
        ask(MARY, password={"mary-password": "mary-password"}),
        ask(MARY, password="mary-password", username="john"),
    ]

    assert [line["message"] for line in lines(log)] == ["AccountOpened"] * 3 + ["refused"] * 4
    assert all(line["correlation_id"] for line in lines(log))
    written = log.getvalue() + "".join(capfd.readouterr()) + json.dumps(refused)
    for secret in ("mary-password", "a-secret-key", opened["api_key"], generated["api_key"], generated["password"]):
        assert secret not in written
