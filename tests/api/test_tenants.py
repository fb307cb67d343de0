"""Tenants: an account whose operator gave it a key for itself and all below it. It hands out what it has, and no more.

100 the operator ── 101 john, the tenant ── shop ── till
"""

from dataclasses import replace
from random import Random
from types import ModuleType
from typing import Any

import pytest

from api import (
    change_balance,
    change_balances,
    create_account,
    get_account,
    get_balances,
    list_accounts,
    list_keys,
    put_package,
    release_hold,
    remove_login,
    reserve_credit,
    set_email,
    set_login,
    set_token,
    top_up_account,
    transfer_credit,
    update_account,
    wire,
)
from ledger import accounts, credentials
from ledger.accounts import HOUSE
from ledger.counter import State, read
from ledger.errors import AccountClosed
from ledger.opening import open_account
from ledger.table import RECALL_MS, Table
from tests.api.caller import ADMIN, Answer, ask
from tests.api.test_subtrees import key_for, open_below
from tests.demo_ledger import items
from tests.local import demo
from tests.states import close_the_operator, set_state

TENANT = demo.JOHN
PLACE: dict[str, Any] = {"id": TENANT, "unit": "sms"}
HOLD = {"amount": 1, "expires_in_s": 60}
MOVE = {"payer": TENANT, "payee": 1, "unit": "sms", "amount": 1}


@pytest.fixture
def shop(ledger: Table) -> int:
    return int(open_below(TENANT, "shop")["id"])


@pytest.mark.parametrize("scopes", [("admin",), ("accounts", "adjust", "topup")], ids=["admin", "accounts"])
@pytest.mark.parametrize(
    "wanted",
    [{"state": "open"}, {"state": "suspended"}, {"state": "closed"}, {"credit_limits": {"sms": 1}}],
    ids=["open", "suspended", "closed", "limits"],
)
def test_a_tenants_key_changes_neither_state_nor_limits_of_its_own_account_but_of_those_below(
    ledger: Table, shop: int, scopes: tuple[str, ...], wanted: dict[str, object]
) -> None:
    secret = key_for(TENANT, *scopes)
    before = items(ledger)
    refused = ask(update_account, wanted | {"name": "mine"}, secret=secret, id=TENANT)
    assert (refused.status, refused.code) == (403, "not_permitted")
    assert items(ledger) == before
    assert ask(update_account, wanted, secret=secret, id=shop).status == 200
    assert ask(update_account, wanted, id=shop).status in (200, 409), "closing is for good"


def test_a_tenants_key_gives_its_own_account_names_but_none_that_lets_anyone_do_more_than_read(
    ledger: Table,
) -> None:
    secret = key_for(TENANT, "accounts")
    for endpoint, body in (
        (update_account, {"name": "John & Daughters", "metadata": {"a": "b"}}),
        (set_login, {"username": "johnny", "password": "correct-horse"}),
        (set_email, {"email": "john@john.example"}),
        (set_token, {"token": "john-token"}),
    ):
        assert ask(endpoint, body, secret=secret, id=TENANT).status == 200
    assert credentials.by_password(ledger, "johnny", "correct-horse").scopes == {"read"}


def everything(secret: str) -> list[Answer]:
    """Ask for one change of each kind that a key of this tenant's with every scope can make."""

    def write(endpoint: ModuleType, body: object = None, **parameters: Any) -> Answer:
        return ask(endpoint, body, secret=secret, key=f"{endpoint.__name__} {secret} {body}", **parameters)

    item = {"account": TENANT, "unit": "sms", "idempotency_key": "b", "change": {"kind": "spend", "amount": -1}}
    return [
        *(
            write(change_balance, {"kind": kind, "amount": amount}, **PLACE)
            for kind, amount in (("topup", 1), ("spend", -1), ("adjustment", 1))
        ),
        write(change_balances, {"changes": [item]}),
        write(top_up_account, {"package": "starter"}, id=TENANT),
        write(reserve_credit, HOLD, **PLACE),
        write(release_hold, hold="0" * 16, **PLACE),
        write(transfer_credit, MOVE),
        write(create_account, {"name": "x"}),
        write(update_account, {"name": "x"}, id=TENANT),
        write(set_login, {"username": "x", "password": "correct-horse"}, id=TENANT),
        write(remove_login, id=TENANT),
        write(set_email, {"email": "x@x.example"}, id=TENANT),
        write(set_token, {"token": "x-token-x"}, id=TENANT),
    ]


@pytest.mark.parametrize("whose", ["its own", "its operator's"])
def test_a_suspended_tenants_key_reads_and_changes_nothing(ledger: Table, whose: str) -> None:
    secret = key_for(TENANT)
    owner, account = (demo.ADMIN, TENANT) if whose == "its own" else (HOUSE, demo.ADMIN)
    set_state(ledger, owner, account, State.SUSPENDED)
    before = items(ledger)
    assert {answer.code for answer in everything(secret)} == {"not_permitted"}
    assert items(ledger) == before
    assert ask(get_account, secret=secret, id=TENANT).status == 200
    assert ask(get_balances, secret=secret, id=TENANT).status == 200
    assert ask(list_accounts, secret=secret)["accounts"][0]["id"] == TENANT


def test_a_suspended_tenant_is_still_given_credit_and_opened_again_by_its_operator(ledger: Table) -> None:
    secret = key_for(TENANT)
    assert ask(update_account, {"state": "suspended"}, id=TENANT).status == 200
    topped_up = ask(change_balance, {"kind": "topup", "amount": 1}, key="1", **PLACE)
    assert (topped_up.status, topped_up["after"]) == (201, 501)
    assert ask(update_account, {"state": "open"}, id=TENANT).status == 200
    assert ask(change_balance, {"kind": "spend", "amount": -1}, secret=secret, key="2", **PLACE)["after"] == 500


def test_a_suspended_operators_key_reads_all_and_changes_nothing(ledger: Table) -> None:
    set_state(ledger, HOUSE, demo.ADMIN, State.SUSPENDED)
    before = items(ledger)
    assert {answer.code for answer in everything(ADMIN)} == {"not_permitted"}
    package = {"name": "Gold", "quantities": {"sms": 1}}
    assert ask(put_package, package, identifier="gold").code == "not_permitted"
    assert items(ledger) == before
    assert ask(list_keys).status == ask(get_account, id=TENANT).status == 200


@pytest.mark.parametrize("closed", ["the tenant", "its operator"])
def test_whose_tenant_or_operator_is_closed_is_refused_whatever_credential_it_shows(
    ledger: Table, shop: int, closed: str
) -> None:
    for secret in ("topup", "read", "accounts", "admin"):
        key_for(TENANT, secret)
    keys = [key_for(TENANT), key_for(shop)]
    if closed == "the tenant":
        set_state(ledger, demo.ADMIN, TENANT, State.CLOSED)
        keys.pop()  # what lies below is another account
    else:
        close_the_operator(ledger)
        keys.append(ADMIN)
    before = items(ledger)
    ledger.recent.clear()
    for secret in keys:
        assert {answer.code for answer in everything(secret)} == {"not_permitted"}
        assert ask(get_account, secret=secret, id=TENANT).code == "not_permitted"
    with pytest.raises(AccountClosed):
        credentials.by_password(ledger, "john", "john123")
    assert items(ledger) == before


def test_a_user_at_any_depth_is_refused_if_its_operator_is_closed_and_not_if_one_between_is(
    ledger: Table, shop: int
) -> None:
    names = [credentials.password("till", "secret"), credentials.api_key("till's key")]
    till = open_account(ledger, shop, actor=demo.ADMIN, username="till", names=names).id
    set_state(ledger, TENANT, shop, State.CLOSED)
    assert credentials.by_password(ledger, "till", "secret").account == till
    close_the_operator(ledger)
    ledger.recent.clear()
    with pytest.raises(AccountClosed):
        credentials.by_password(ledger, "till", "secret")
    with pytest.raises(AccountClosed):
        credentials.by_key(ledger, "till's key")


def test_a_suspended_tenants_key_stops_changing_within_half_a_minute(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = key_for(TENANT, "spend", "read")
    spend = {"kind": "spend", "amount": -1}
    assert ask(change_balance, spend, secret=secret, key="1", **PLACE).status == 201
    set_state(ledger, demo.ADMIN, TENANT, State.SUSPENDED)
    later_ms = ledger.now_ms() + RECALL_MS
    monkeypatch.setattr(wire, "table", replace(ledger, now_ms=lambda: later_ms))
    assert ask(change_balance, spend, secret=secret, key="2", **PLACE).code == "not_permitted"


@pytest.mark.parametrize("account", [None, TENANT], ids=["operator's", "tenant's"])
def test_opening_credit_needs_topup_and_a_credit_limit_adjust_beside_accounts(
    ledger: Table, account: int | None, shop: int
) -> None:
    def opened(secret: str, balances: dict[str, int] | None) -> Answer:
        return ask(create_account, {"name": "x", "balances": balances}, secret=secret, key=f"{secret} {balances}")

    def limited(secret: str, **limits: int) -> Answer:
        return ask(update_account, {"credit_limits": limits}, secret=secret, id=shop)

    alone, both = key_for(account, "accounts"), key_for(account, "accounts", "topup", "adjust")
    before = items(ledger)
    assert opened(alone, {"sms": 1}).code == limited(alone, sms=1).code == limited(alone, sms=0).code == "not_permitted"
    assert opened(key_for(account, "topup"), {"sms": 1}).code == "not_permitted"
    assert [item for item in items(ledger) if not item["pk"]["S"].startswith(("S#", "O#", "K#"))] == [
        item for item in before if not item["pk"]["S"].startswith(("S#", "O#", "K#"))
    ]
    assert [opened(alone, balances).status for balances in (None, {}, {"sms": 0})] == [201] * 3
    assert opened(both, {"sms": 1}).status == 201
    assert limited(both, sms=1).status == 200


def total(table: Table, account: int) -> int:
    """Add up the sms of an account and all below it, what is on hold too."""
    balance = read(table, account, "sms")
    below = accounts.list_accounts(table, account, limit=100)
    return balance.available + balance.held + sum(total(table, each.id) for each in below)


@pytest.mark.parametrize("seed", range(3))
def test_a_resellers_key_hands_out_only_the_credit_it_has_whatever_it_tries(ledger: Table, seed: int) -> None:
    """Try what mints, too. Only spending, which takes from the total, is left out."""
    secret = key_for(TENANT, "accounts", "transfer", "read")
    chance = Random(seed)
    known, handed_out = [TENANT], 0
    for step in range(60):
        one, other = chance.choice(known), chance.choice([*known, demo.ADMIN])
        amount = chance.choice([1, 20, 100, 1_000])
        key: dict[str, Any] = {"secret": secret, "key": f"{step}"}
        match chance.randrange(12):
            case 0:
                opened = ask(create_account, {"name": "x", "parent": one}, **key)
                known += [opened["id"]] if opened.status == 201 else []
            case 1:
                ask(create_account, {"name": "x", "parent": one, "balances": {"sms": amount}}, **key)
            case 2:
                ask(update_account, {"credit_limits": {"sms": amount}}, secret=secret, id=one)
            case 3:
                ask(update_account, {"state": chance.choice(["open", "suspended"])}, secret=secret, id=one)
            case 4:
                ask(top_up_account, {"package": "starter"}, id=one, **key)
            case 5:
                kind = chance.choice(["topup", "adjustment"])
                ask(change_balance, {"kind": kind, "amount": amount}, id=one, unit="sms", **key)
            case _:
                wanted = {"payer": one, "payee": other, "unit": "sms", "amount": amount}
                handed_out += ask(transfer_credit, wanted, **key).status == 201
        assert total(ledger, TENANT) == 500
        assert all(read(ledger, account, "sms").available >= 0 for account in known)
    assert len(known) > 1
    assert handed_out
