"""Resetting credentials: the old ones stop, the new ones are shown once, and an answer that was lost does no harm."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ledger import accounts, api_keys, credentials
from ledger.errors import LedgerError
from ledger.kinds import Scope
from ledger.table import RECALL_MS, Table
from operations import open_account, reset_credentials
from tests.demo_ledger import items
from tests.local import demo
from tests.local.gateway import Context
from tests.logged import lines
from tests.mailpartner.books import break_transactions, conflict, no_answer
from tests.states import close_the_operator

BOTH = {"account": demo.ADMIN, "password": True, "api_key": True}


def ask(event: Any, **more: Any) -> dict[str, Any]:
    answer = reset_credentials.lambda_handler(event | more if more else event, Context("ResetCredentials"))
    json.dumps(answer)  # as Lambda will have to
    return answer


def lets_in(table: Table, *, key: str | None = None, password: tuple[str, str] | None = None) -> bool:
    """Say whether this lets somebody in, half a minute from now."""
    later_ms = table.now_ms() + RECALL_MS
    later = replace(table, now_ms=lambda: later_ms, recent=dict(table.recent))
    try:
        if key:
            credentials.by_key(later, key)
        if password:
            credentials.by_password(later, *password)
    except LedgerError:
        return False
    return True


def test_an_operator_gets_a_new_password_and_a_new_key_and_the_old_ones_stop(ledger: Table) -> None:
    assert lets_in(ledger, key=demo.API_KEY, password=("admin", "abc123"))

    new = ask(BOTH)

    assert new.keys() == {"account", "replayed", "username", "password", "api_key"}
    assert (new["account"], new["username"], new["replayed"]) == (demo.ADMIN, "admin", False)
    assert 8 <= len(new["password"]) <= 16
    assert lets_in(ledger, key=new["api_key"], password=("admin", new["password"]))
    assert not lets_in(ledger, key=demo.API_KEY)
    assert not lets_in(ledger, password=("admin", "abc123"))
    *_, newest = api_keys.list_keys(ledger, demo.ADMIN, limit=9)
    assert (newest.name, newest.scopes, newest.revoked_ms) == ("first key", frozenset({Scope.ADMIN}), None)


@pytest.mark.parametrize("one", ["password", "api_key"])
def test_what_was_not_asked_for_stays(ledger: Table, one: str) -> None:
    new = ask({"account": demo.ADMIN, one: True})
    assert new.keys() == {"account", "replayed", "username", one}
    assert lets_in(ledger, key=demo.API_KEY) is (one == "password")
    assert lets_in(ledger, password=("admin", "abc123")) is (one == "api_key")


def test_it_is_the_cure_when_the_answer_of_an_opening_was_lost(ledger: Table) -> None:
    wanted = {"role": "admin", "username": "acme", "idempotency_key": "acme"}
    lost = open_account.lambda_handler(wanted, Context("OpenAccount"))
    again = open_account.lambda_handler(wanted, Context("OpenAccount"))
    assert again.keys() == {"account", "username", "replayed", "message"}

    new = ask({"account": again["account"], "password": True, "api_key": True})

    assert lets_in(ledger, key=new["api_key"], password=("acme", new["password"]))
    assert not lets_in(ledger, key=lost["api_key"])
    assert not lets_in(ledger, password=("acme", lost["password"]))


def test_a_users_credentials_are_reset_too(ledger: Table) -> None:
    new = ask({"account": demo.JOHN, "password": True, "api_key": True})
    assert lets_in(ledger, key=new["api_key"], password=("john", new["password"]))
    assert accounts.get(ledger, demo.ADMIN, demo.JOHN).state.name == "OPEN"
    assert lets_in(ledger, key=demo.API_KEY), "its operator's key is another account's"
    assert credentials.by_scoped_key(ledger, demo.JOHNS_KEY).subtree == demo.JOHN, "and so is one for its subtree"


def test_a_request_sent_again_resets_nothing_and_shows_nothing(ledger: Table) -> None:
    new = ask(BOTH, idempotency_key="k")
    before = items(ledger)
    assert ask(BOTH, idempotency_key="k") == {
        "account": demo.ADMIN,
        "replayed": True,
        "message": "reset before: the new credentials were shown then and cannot be shown again",
    }
    assert items(ledger) == before
    assert ask(BOTH, idempotency_key="k", password=False)["error"] == "KeyReused"
    assert lets_in(ledger, key=new["api_key"])


def test_without_a_key_it_resets_again_which_cures_its_own_lost_answer(ledger: Table) -> None:
    lost, new = ask(BOTH), ask(BOTH)
    assert not lets_in(ledger, key=lost["api_key"])
    assert lets_in(ledger, key=new["api_key"], password=("admin", new["password"]))


@pytest.mark.parametrize(("fault", "error"), [(conflict, "Busy"), (no_answer, "OutcomeUnknown")])
def test_a_crowd_and_a_lost_answer_are_told_apart(
    ledger: Table, monkeypatch: pytest.MonkeyPatch, fault: Any, error: str
) -> None:
    with monkeypatch.context() as broken:
        break_transactions(broken, reset_credentials, ledger, fault)
        assert ask(BOTH, idempotency_key="k")["error"] == error
    assert ask(BOTH, idempotency_key="k")["replayed"] is False


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.fixture
def unchanged(ledger: Table) -> Iterator[Table]:
    before = items(ledger)
    yield ledger
    assert items(ledger) == before


@pytest.mark.parametrize(
    ("event", "where"),
    [
        ({}, "account: Field required"),
        ({"account": demo.ADMIN}, "password, api_key or both must be true"),
        ({"account": demo.ADMIN, "password": False}, "password, api_key or both must be true"),
        (BOTH | {"account": "100"}, "account: "),
        (BOTH | {"password": "my-own-password"}, "password: "),
        (BOTH | {"api_key": 1}, "api_key: "),
        (BOTH | {"idempotency_key": ""}, "idempotency_key: "),
        (BOTH | {"revoke": True}, "revoke: "),
    ],
    ids=lambda value: ascii(value)[-30:],
)
def test_a_request_that_makes_no_sense_says_where(unchanged: Table, event: Any, where: str) -> None:
    refused = ask(event)
    assert refused["error"] == "InvalidRequest"
    assert where in refused["message"]
    assert "my-own-password" not in refused["message"]


def test_who_cannot_have_them_gets_none(unchanged: Table) -> None:
    assert ask(BOTH, account=7_777) == {"error": "AccountNotFound", "message": "there is no such account"}
    assert ask(BOTH, account=demo.ACME) == {
        "error": "NoUserName",
        "message": "the account has no user name, so it can have no password",
    }


def test_a_closed_account_gets_none(ledger: Table) -> None:
    close_the_operator(ledger)
    assert ask(BOTH)["error"] == "AccountClosed"


def test_no_secret_reaches_the_log(
    ledger: Table, log: io.StringIO, capfd: pytest.CaptureFixture[str], loud: None
) -> None:
    new = ask(BOTH, idempotency_key="a-secret-key")
    ask(BOTH, idempotency_key="a-secret-key")
    ours = ("message", "account", "replayed")
    assert [{name: line[name] for name in ours} for line in lines(log) if line["message"] == "CredentialsReset"] == [
        {"message": "CredentialsReset", "account": demo.ADMIN, "replayed": replayed} for replayed in (False, True)
    ]
    written = log.getvalue() + "".join(capfd.readouterr())
    for secret in (new["password"], new["api_key"], "a-secret-key"):
        assert secret not in written
