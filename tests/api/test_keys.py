"""Issued keys: what each is good for, here and in the other dialects, and that a revoked one stops."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from api import (
    change_balance,
    change_balances,
    create_account,
    get_account,
    get_balance,
    get_balances,
    get_package,
    get_statement,
    issue_key,
    list_accounts,
    list_entries,
    list_holds,
    list_keys,
    list_packages,
    openapi,
    put_package,
    remove_login,
    reserve_credit,
    retire_package,
    revoke_key,
    set_email,
    set_login,
    set_token,
    top_up_account,
    transfer_credit,
    update_account,
    update_key,
    wire,
)
from ledger import credentials, opening
from ledger.accounts import HOUSE, Role
from ledger.errors import NotPermitted, WrongCredentials
from ledger.kinds import Scope
from ledger.table import RECALL_MS, Table
from tests import clock
from tests.api.caller import Answer, ask
from tests.demo_ledger import items
from tests.local import demo

Do = Callable[[str], Answer]


def issue(*scopes: str, account: int | None = None, key: str = "issue") -> str:
    made = ask(issue_key, {"name": "a key", "scopes": list(scopes), "account": account}, key=key + "".join(scopes))
    assert made.status == 201
    return str(made["secret"])


def change(kind: str, amount: int, account: int = 101) -> Do:
    def do(secret: str) -> Answer:
        body = {"kind": kind, "amount": amount}
        return ask(change_balance, body, secret=secret, id=account, unit="sms", key=f"{kind} {account} {secret}")

    return do


def reading(endpoint: ModuleType, **parameters: Any) -> Do:
    return lambda secret: ask(endpoint, secret=secret, **parameters)


def writing(endpoint: ModuleType, body: object, **parameters: Any) -> Do:
    return lambda secret: ask(endpoint, body, secret=secret, key=f"{endpoint.__name__} {secret}", **parameters)


NEW_PACKAGE = {"name": "Gold", "quantities": {"sms": 1}}
MOVE = {"payer": 101, "payee": 1, "unit": "sms", "amount": 1}
NEEDS: list[tuple[str, Do]] = [
    *(("read", reading(endpoint, id=101)) for endpoint in (get_account, get_balances)),
    *(
        ("read", reading(endpoint, id=101, unit="sms"))
        for endpoint in (get_balance, list_entries, list_holds, get_statement)
    ),
    *(("read", reading(endpoint)) for endpoint in (list_accounts, list_packages)),
    ("read", reading(get_package, identifier="starter")),
    ("topup", change("topup", 1)),
    ("topup", writing(top_up_account, {"package": "starter"}, id=101)),
    ("spend", change("spend", -1)),
    ("spend", writing(reserve_credit, {"amount": 1, "expires_in_s": 60}, id=101, unit="sms")),
    ("adjust", change("adjustment", -1)),
    ("transfer", writing(transfer_credit, MOVE)),
    ("accounts", writing(create_account, {"name": "x"})),
    ("accounts", writing(update_account, {"name": "x"}, id=101)),
    ("accounts", writing(set_login, {"username": "x", "password": "correct-horse"}, id=101)),
    ("accounts", writing(remove_login, None, id=101)),
    ("accounts", writing(set_email, {"email": "x@x.example"}, id=101)),
    ("accounts", writing(set_token, {"token": "x-token-x"}, id=101)),
    ("admin", writing(put_package, NEW_PACKAGE, identifier="gold")),
    ("admin", writing(retire_package, None, identifier="starter")),
    ("admin", reading(list_keys)),
    ("admin", writing(issue_key, {"name": "x", "scopes": ["admin"]})),
]
SCOPES = ("read", "topup", "spend", "transfer", "adjust", "accounts", "admin")


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_is_good_for_its_scope_only_and_admin_for_all(ledger: Table, scope: str) -> None:
    secret = issue(scope)
    for needed, do in NEEDS:
        answered = do(secret)
        assert (answered.code == "not_permitted") == (scope not in (needed, "admin"))
        assert answered.status in (200, 201, 204, 403)


def test_a_refused_scope_changes_nothing(ledger: Table) -> None:
    secret = issue("topup")
    before = items(ledger)
    assert change("spend", -1)(secret).status == 403
    assert change("adjustment", -1)(secret).status == 403
    assert items(ledger) == before
    assert change("topup", 1)(secret)["actor"] == demo.ADMIN, "the actor is the account whose key it is"


def test_in_a_batch_each_change_needs_its_own_scope(ledger: Table) -> None:
    def item(kind: str, amount: int) -> dict[str, object]:
        change = {"kind": kind, "amount": amount}
        return {"account": 101, "unit": "sms", "idempotency_key": kind, "change": change}

    batch = {"changes": [item("topup", 1), item("spend", -1), item("adjustment", 1)]}
    outcomes = ask(change_balances, batch, secret=issue("spend", "topup"))["outcomes"]
    assert [each["status"] for each in outcomes] == [201, 201, 403]


@pytest.mark.parametrize("scopes", [SCOPES, ("admin",)], ids=["each scope", "admin"])
def test_a_key_for_a_childless_account_sees_and_changes_that_one_only(ledger: Table, scopes: tuple[str, ...]) -> None:
    secret = issue(*scopes, account=101)
    before = {account: ask(get_balances, id=account).body for account in (100, 1, 102)}

    assert [each["id"] for each in ask(list_accounts, secret=secret)["accounts"]] == [101]
    assert ask(list_accounts, secret=secret, cursor=101)["accounts"] == []
    assert change("topup", 1)(secret)["after"] == 501
    assert ask(update_account, {"name": "x"}, secret=secret, id=101)["name"] == "x"
    for account in (100, 1, 102, 7_777):
        assert change("topup", 1, account)(secret).code == "account_not_found"
        hold = {"amount": 1, "expires_in_s": 60}
        assert writing(reserve_credit, hold, id=account, unit="EUR")(secret).code == "account_not_found"
        for endpoint in (get_account, get_balances):
            assert ask(endpoint, secret=secret, id=account).code == "account_not_found"
        for endpoint in (get_balance, list_entries, get_statement):
            assert ask(endpoint, secret=secret, id=account, unit="EUR").code == "account_not_found"
        if account != 100:
            assert ask(update_account, {"name": "x"}, secret=secret, id=account).code == "account_not_found"
            assert writing(top_up_account, {"package": "2"}, id=account)(secret).code == "account_not_found"
    for sides in ({"payee": 1}, {"payee": 100}, {"payer": 1, "payee": 101}):
        assert writing(transfer_credit, MOVE | sides)(secret).code == "account_not_found"
    for do in (
        writing(put_package, NEW_PACKAGE, identifier="gold"),
        writing(retire_package, None, identifier="starter"),
        writing(issue_key, {"name": "x", "scopes": ["admin"]}),
        reading(list_keys),
        reading(revoke_key, key_="0" * 32),
    ):
        assert do(secret).code == "not_permitted"
    assert {account: ask(get_balances, id=account).body for account in before} == before


def test_what_one_key_was_told_is_not_remembered_for_another(ledger: Table) -> None:
    whole, narrow = issue("topup"), issue("topup", account=1, key="narrow")
    assert change("topup", 1)(whole).status == 201
    assert change("topup", 1)(narrow).code == "account_not_found"


def test_another_operator_sees_nothing_of_ours(ledger: Table) -> None:
    opening.open_account(
        ledger, HOUSE, actor=HOUSE, role=Role.ADMIN, username="rival", names=[credentials.api_key("rival")]
    )
    issued = ask(issue_key, {"name": "x", "scopes": ["read"]}, key="x")["key"]["id"]
    before = items(ledger)
    for account in (100, 101):
        assert ask(get_account, secret="rival", id=account).code == "account_not_found"
        assert change("topup", 1, account)("rival").code == "account_not_found"
        assert ask(update_account, {"state": "closed"}, secret="rival", id=account).code == "account_not_found"
    assert ask(list_accounts, secret="rival")["accounts"] == []
    assert ask(get_package, secret="rival", identifier="starter").code == "package_not_found"
    assert ask(list_keys, secret="rival")["keys"] == []
    assert ask(revoke_key, secret="rival", key_=issued).code == "key_not_found"
    assert items(ledger) == before


def test_a_users_own_key_reads_its_own_account(ledger: Table) -> None:
    mary = opening.open_account(
        ledger, demo.ADMIN, actor=demo.ADMIN, username="mary", names=[credentials.api_key("marys")]
    ).id
    assert ask(get_account, secret="marys", id=mary)["name"] == "mary"
    assert [each["id"] for each in ask(list_accounts, secret="marys")["accounts"]] == [mary]
    assert ask(get_account, secret="marys", id=101).code == "account_not_found"
    for do in (change("topup", 1, mary), change("spend", -1, mary), writing(create_account, {"name": "x"})):
        assert do("marys").code == "not_permitted"


def test_a_secret_is_shown_once_and_kept_nowhere(ledger: Table) -> None:
    wanted = {"name": "shop", "scopes": ["spend", "read"], "account": 101}
    made = ask(issue_key, wanted, key="k")
    assert (made["key"]["scopes"], made["key"]["account"], made["key"]["revoked"]) == (["read", "spend"], 101, None)

    again = ask(issue_key, wanted | {"scopes": ["read", "spend"]}, key="k")

    assert (again.status, again.replayed) == (201, True)
    assert again.body == {"key": made["key"], "secret": None}
    assert ask(list_keys, cursor=demo.KEY_ID)["keys"] == [made["key"]]
    assert made["secret"] not in str(items(ledger))
    assert ask(issue_key, wanted | {"scopes": ["read"]}, key="k").code == "idempotency_key_reused"
    assert ask(issue_key, wanted | {"account": 7_777}, key="2").code == "account_not_found"


def test_keys_are_listed_page_by_page(ledger: Table) -> None:
    made = [ask(issue_key, {"name": name, "scopes": ["read"]}, key=name)["key"]["id"] for name in "abc"]
    first = ask(list_keys, limit=2)
    rest = ask(list_keys, limit=3, cursor=first["next_cursor"])
    assert [each["id"] for each in first["keys"] + rest["keys"]] == [demo.ADMINS_KEY_ID, demo.KEY_ID, *sorted(made)]
    assert rest["next_cursor"] is None


def test_a_revoked_key_stops_within_half_a_minute(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ask(issue_key, {"name": "x", "scopes": ["admin"]}, key="k")
    secret, key_id = made["secret"], made["key"]["id"]
    assert ask(list_keys, secret=secret).status == 200

    revoked = ask(revoke_key, key_=key_id)

    assert (revoked.status, revoked.body) == (204, "")
    later_ms = ledger.now_ms() + RECALL_MS
    monkeypatch.setattr(wire, "table", replace(ledger, now_ms=lambda: later_ms))
    stopped = ask(list_keys, secret=secret)
    assert (stopped.status, stopped.code) == (401, "unauthenticated")
    (listed,) = ask(list_keys, cursor=demo.KEY_ID)["keys"]
    assert listed["revoked"]
    assert ask(revoke_key, key_=key_id).status == 204
    assert ask(list_keys, cursor=demo.KEY_ID)["keys"] == [listed], "revoking it again makes no difference"
    with pytest.raises(WrongCredentials):
        credentials.by_key(wire.table, secret)


def test_a_key_of_less_than_its_account_opens_no_dialect_without_scopes(ledger: Table) -> None:
    for secret in (issue(*SCOPES[:-1]), issue("admin", account=101, key="one account")):
        with pytest.raises(NotPermitted):
            credentials.by_key(ledger, secret)
    assert credentials.by_key(ledger, issue("admin")).account == demo.ADMIN


# ------------------------------------------------------------------------------------------- leaked, lost and expired


@pytest.fixture
def elsewhere(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Answer]:
    """Give what revokes a key in another process, which this one does not hear of."""

    def revoke(key_id: str) -> Answer:
        with monkeypatch.context() as other:
            other.setattr(wire, "table", replace(ledger, recent={}))
            return ask(revoke_key, key_=key_id)

    return revoke


LOGIN = {"username": "jane", "password": "correct-horse"}
CHANGES: list[Do] = [
    *(do for needed, do in NEEDS if needed == "admin"),
    writing(revoke_key, None, key_=demo.KEY_ID),
    writing(update_key, {"name": "x"}, key_=demo.KEY_ID),
    writing(set_login, LOGIN, id=101),
    writing(remove_login, None, id=101),
    writing(set_email, {"email": "a@b"}, id=101),
    writing(set_token, {"token": "first-of-john"}, id=101),
]


def test_a_key_revoked_in_another_process_issues_no_successor_and_changes_nothing(
    ledger: Table, elsewhere: Callable[[str], Answer]
) -> None:
    made = ask(issue_key, {"name": "x", "scopes": ["admin"]}, key="k")
    secret = made["secret"]
    assert ask(get_account, secret=secret, id=101).status == 200
    assert elsewhere(made["key"]["id"]).status == 204
    before, remembered = items(ledger), dict(ledger.recent)

    assert ask(get_account, secret=secret, id=101).status == 200, "what reads may remember, for half a minute"
    for do in CHANGES:
        assert do(secret).status == 401
        assert ask(get_account, secret=secret, id=101).status == 401, "what was found out is remembered instead"
        ledger.recent.update(remembered)
    assert items(ledger) == before


def test_every_endpoint_with_a_scope_of_its_own_asks_the_table_who_is_calling() -> None:
    trusting = {Scope.READ, Scope.TOPUP, Scope.SPEND, Scope.TRANSFER, Scope.ADJUST, None}
    scopes = {module.ENDPOINT.scope for modules in openapi.ENDPOINTS.values() for module in modules}
    assert trusting == wire._TRUST_MEMORY
    assert Scope.ADMIN in scopes - trusting


@pytest.mark.parametrize("days", [1, 3_650])
def test_a_key_can_be_given_an_end(ledger: Table, days: int) -> None:
    wanted = {"name": "x", "scopes": ["read"], "expires_in_days": days}
    made = ask(issue_key, wanted, key="k")
    told = datetime.fromisoformat(made["key"]["expires"]) - datetime.fromisoformat(made["key"]["created"])
    assert told == timedelta(days=days)
    assert ask(issue_key, wanted, key="k").body == {"key": made["key"], "secret": None}
    assert ask(issue_key, wanted | {"expires_in_days": days - 1 or 2}, key="k").code == "idempotency_key_reused"
    assert ask(get_account, secret=made["secret"], id=101).status == 200
    ends_ms = int(datetime.fromisoformat(made["key"]["expires"]).timestamp() * 1_000)
    clock.HANDLERS.ms, before_ms = ends_ms, clock.HANDLERS.ms
    try:
        assert ask(get_account, secret=made["secret"], id=101).code == "unauthenticated"
    finally:
        clock.HANDLERS.ms = before_ms


@pytest.mark.parametrize("days", [0, 3_651, -1, 1.5, "1", True])
def test_an_end_that_is_none_is_refused(ledger: Table, days: object) -> None:
    wanted = {"name": "x", "scopes": ["read"], "expires_in_days": days}
    assert ask(issue_key, wanted, key="k").code == "invalid_request"


@pytest.mark.usefixtures("nothing_later")
def test_the_listing_tells_the_day_on_which_a_key_was_last_used(ledger: Table) -> None:
    made = ask(issue_key, {"name": "x", "scopes": ["read"]}, key="k")
    assert made["key"]["last_used"] is None
    ask(get_account, secret=made["secret"], id=101)
    today = datetime.fromtimestamp(ledger.now_ms() / 1_000, UTC).date().isoformat()
    admins, johns, new = ask(list_keys)["keys"]
    assert (admins["last_used"], johns["last_used"], new["last_used"]) == (today, None, today)
    ask(revoke_key, key_=new["id"])
    assert ask(list_keys)["keys"][-1]["last_used"] == today, "a revoked key's, too"


def test_a_key_is_renamed_and_nothing_else(ledger: Table) -> None:
    before = ask(list_keys)["keys"]
    renamed = ask(update_key, {"name": "Vienna"}, key_=demo.KEY_ID)
    assert renamed.body == before[1] | {"name": "Vienna"}
    assert ask(list_keys)["keys"] == [before[0], renamed.body]
    assert ask(update_key, {"name": "x"}, key_="0" * 32).code == "key_not_found"
    for wrong in ({}, {"name": ""}, {"name": "x", "scopes": ["admin"]}):
        assert ask(update_key, wrong, key_=demo.KEY_ID).code == "invalid_request"


def test_the_last_admin_key_is_not_revoked(ledger: Table) -> None:
    refused = ask(revoke_key, key_=demo.ADMINS_KEY_ID)
    assert (refused.status, refused.code) == (409, "last_admin_key")
    made = ask(issue_key, {"name": "x", "scopes": ["admin"]}, key="k")
    assert ask(revoke_key, key_=demo.ADMINS_KEY_ID).status == 204
    assert ask(revoke_key, secret=made["secret"], key_=made["key"]["id"]).code == "last_admin_key"
