"""Accounts below accounts, and keys that show one of them with all below it and nothing else.

100 the operator ── 101 john ── shop ── till
                 ├─ 1   acme ── branch
                 └─ 102
rival ── customer
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from api import (
    capture_hold,
    change_balance,
    change_balances,
    create_account,
    get_account,
    get_balance,
    get_balances,
    get_statement,
    issue_key,
    list_accounts,
    list_entries,
    list_holds,
    release_hold,
    reserve_credit,
    top_up_account,
    transfer_credit,
    update_account,
    wire,
)
from ledger import credentials, history, opening
from ledger.accounts import HOUSE, MOST_LEVELS, Role
from ledger.table import Table
from tests.api.caller import ADMIN, Answer, ask
from tests.demo_ledger import items
from tests.local import demo

READINGS = (get_account, get_balances, get_balance, list_entries, list_holds, get_statement)


@dataclass(frozen=True)
class Tree:
    shop: int
    till: int
    branch: int
    rival: int
    customer: int


def open_below(parent: int | None, name: str = "x", secret: str = ADMIN, key: str | None = None) -> Answer:
    return ask(create_account, {"name": name, "parent": parent}, secret=secret, key=key or f"open {name} {parent}")


def key_for(account: int | None, *scopes: str) -> str:
    body = {"name": "a key", "scopes": scopes or ["admin"], "account": account}
    return str(ask(issue_key, body, key=f"key {account} {scopes}")["secret"])


def listed(secret: str = ADMIN, **parameters: Any) -> list[int]:
    return [each["id"] for each in ask(list_accounts, secret=secret, **parameters)["accounts"]]


def change(account: int, amount: int, secret: str = ADMIN, key: str = "change") -> Answer:
    body = {"kind": "spend" if amount < 0 else "topup", "amount": amount}
    return ask(change_balance, body, secret=secret, key=f"{key} {account} {amount}", id=account, unit="sms")


def move(payer: int, payee: int, secret: str = ADMIN, amount: int = 1) -> Answer:
    body = {"payer": payer, "payee": payee, "unit": "sms", "amount": amount}
    return ask(transfer_credit, body, secret=secret, key=f"move {payer} {payee} {amount}")


@pytest.fixture
def tree(ledger: Table) -> Tree:
    rival = opening.open_account(
        ledger, HOUSE, actor=HOUSE, role=Role.ADMIN, username="rival", names=[credentials.api_key("rival")]
    ).id
    shop = open_below(demo.JOHN)["id"]
    till, branch = open_below(shop)["id"], open_below(demo.ACME)["id"]
    return Tree(shop, till, branch, rival, open_below(None, secret="rival")["id"])


def forget(table: Table) -> None:
    """Be another process, which remembers nothing."""
    table.recent.clear()


def test_accounts_lie_below_accounts_and_each_tells_its_parent(ledger: Table, tree: Tree) -> None:
    parents = {account: ask(get_account, id=account)["parent"] for account in (100, 101, tree.shop, tree.till)}
    assert parents == {100: None, 101: 100, tree.shop: 101, tree.till: tree.shop}
    opened = open_below(tree.till, "drawer")
    assert (opened.status, opened["parent"]) == (201, tree.till)
    assert opened.headers["location"] == f"/ledger/accounts/{opened['id']}"
    assert ask(get_account, id=opened["id"]).body == opened.body
    assert open_below(None)["parent"] == 100, "the top of what the key shows"
    assert open_below(100, "explicitly")["parent"] == 100


@pytest.mark.parametrize("whose", ["operator", "john", "shop"])
def test_a_key_works_on_all_of_its_subtree_at_any_depth(ledger: Table, tree: Tree, whose: str) -> None:
    top = {"operator": None, "john": 101, "shop": tree.shop}[whose]
    secret = key_for(top)
    for account in (tree.shop, tree.till):
        forget(ledger)
        place: dict[str, Any] = {"secret": secret, "id": account, "unit": "sms"}
        assert change(account, 50, secret)["after"] == 50
        topped_up = ask(top_up_account, {"package": "starter"}, secret=secret, key=f"topup {account}", id=account)
        assert topped_up["available"] == {"email": 500, "sms": 150, "transactions": 50}, "of the operator's catalogue"
        hold = ask(reserve_credit, {"amount": 20, "expires_in_s": 60}, key=f"hold {account}", **place)["hold"]
        assert [each["hold"] for each in ask(list_holds, **place)["holds"]] == [hold]
        assert ask(capture_hold, {"amount": 5}, key=f"capture {account}", hold=hold, **place)["held"] == 15
        assert ask(release_hold, key=f"release {account}", hold=hold, **place).status == 200
        assert ask(get_balance, **place)["available"] == 145
        assert [each["sequence"] for each in ask(list_entries, **place)["entries"]] == [5, 4, 3, 2, 1]
        assert {each["actor"] for each in ask(list_entries, **place)["entries"]} == {100}
        assert ask(get_statement, format="csv", **place).status == 200
        assert ask(update_account, {"name": "renamed"}, secret=secret, id=account)["name"] == "renamed"
        assert open_below(account, "another", secret)["parent"] == account
    moved = move(tree.shop, tree.till, secret, 45)
    assert (moved["paid"]["after"], moved["received"]["after"]) == (100, 190)
    batched = {"account": tree.till, "unit": "sms", "idempotency_key": "b", "change": {"kind": "spend", "amount": -190}}
    (outcome,) = ask(change_balances, {"changes": [batched]}, secret=secret)["outcomes"]
    assert (outcome["status"], outcome["entry"]["after"]) == (201, 0)
    assert history.reconcile(ledger, tree.till, "sms").problems == []


def test_a_key_for_a_subtree_lists_and_opens_within_it(ledger: Table, tree: Tree) -> None:
    secret = key_for(101)
    assert listed(secret) == [101]
    assert listed(secret, parent=101) == [tree.shop]
    assert listed(secret, parent=tree.till) == []
    opened = open_below(None, "kiosk", secret)
    assert (opened["parent"], listed(secret, parent=101)) == (101, [tree.shop, opened["id"]])
    assert opened["id"] not in listed(), "not right below the operator"
    scopes = ("read", "spend", "topup", "transfer", "adjust")
    assert open_below(None, secret=key_for(101, *scopes)).code == "not_permitted", "that is an admin's"


def outside(account: int, secret: str, inside: int) -> list[Answer]:
    """Ask for all there is to be had of an account."""
    place: dict[str, Any] = {"secret": secret, "id": account}
    of_unit = {endpoint: {"unit": "sms"} for endpoint in READINGS if endpoint not in (get_account, get_balances)}
    hold = {**place, "unit": "sms", "hold": "0" * 16}
    item = {"account": account, "unit": "sms", "idempotency_key": "b", "change": {"kind": "topup", "amount": 1}}
    (outcome,) = ask(change_balances, {"changes": [item]}, secret=secret)["outcomes"]
    return [
        *(ask(endpoint, **place, **of_unit.get(endpoint, {})) for endpoint in READINGS),
        ask(list_accounts, secret=secret, parent=account),
        change(account, 1, secret),
        change(account, -1, secret),
        Answer(outcome["status"], outcome["problem"]),
        ask(reserve_credit, {"amount": 1, "expires_in_s": 60}, key="hold", unit="sms", **place),
        ask(capture_hold, {"amount": 1}, key="capture", **hold),
        ask(release_hold, key="release", **hold),
        move(account, inside, secret),
        move(inside, account, secret),
        open_below(account, "inside", secret),
    ]


@pytest.mark.parametrize("remembered", [False, True], ids=["a fresh process", "after others' requests"])
def test_a_key_sees_nothing_outside_its_subtree(ledger: Table, tree: Tree, remembered: bool) -> None:
    """Not its sibling, what is above it, or another operator's, whatever the process has just told others."""
    secret = key_for(tree.shop)
    everything = {
        ADMIN: (100, 101, 1, tree.branch, 102, tree.shop, tree.till),
        "rival": (tree.rival, tree.customer),
        secret: (tree.shop, tree.till),
    }
    before = items(ledger)
    forget(ledger)
    if remembered:
        for other, theirs in everything.items():
            for account in theirs:
                assert change(account, 1, other, "before").status == 201
                assert ask(get_account, secret=other, id=account).status == 200
        before = items(ledger)
    for account in (100, 101, 1, tree.branch, 102, tree.rival, tree.customer, 7_777):
        assert {answer.code for answer in outside(account, secret, tree.till)} == {"account_not_found"}
        changed = ask(update_account, {"name": "x"}, secret=secret, id=account)
        topped_up = ask(top_up_account, {"package": "starter"}, secret=secret, key="topup", id=account)
        assert changed.code == topped_up.code == "account_not_found"
    for account in (100, 101, tree.till):
        assert {answer.code for answer in outside(account, "rival", tree.customer)} == {"account_not_found"}
    assert items(ledger) == before


def test_what_a_broad_key_was_told_of_a_deep_account_is_not_remembered_for_a_narrow_one(
    ledger: Table, tree: Tree
) -> None:
    broad, narrow, other = key_for(101, "topup"), key_for(tree.till, "topup"), key_for(1, "topup")
    for account in (101, tree.shop, tree.till):
        assert change(account, 1, broad).status == 201
    assert change(tree.till, 2, narrow).status == 201
    for account in (101, tree.shop):
        assert change(account, 2, narrow).code == "account_not_found"
    for account in (101, tree.shop, tree.till):
        assert change(account, 2, other).code == "account_not_found"


def test_a_users_own_key_reads_what_lies_below_its_account(ledger: Table) -> None:
    mary = opening.open_account(
        ledger, demo.ADMIN, actor=demo.ADMIN, username="mary", names=[credentials.api_key("marys")]
    ).id
    below = open_below(open_below(mary)["id"])["id"]
    assert ask(get_account, secret="marys", id=below).status == 200
    assert change(below, 1, "marys").code == open_below(mary, secret="marys").code == "not_permitted"
    assert ask(get_account, secret="marys", id=101).code == "account_not_found"


def test_what_lies_right_below_an_account_is_listed_page_by_page(ledger: Table, tree: Tree) -> None:
    opened = [open_below(tree.shop, name)["id"] for name in "abc"]
    assert listed(parent=100) == listed() == [1, 101, 102]
    first = ask(list_accounts, parent=tree.shop, limit=2)
    assert [each["id"] for each in first["accounts"]] == [tree.till, opened[0]]
    assert {each["parent"] for each in first["accounts"]} == {tree.shop}
    rest = ask(list_accounts, parent=tree.shop, limit=2, cursor=first["next_cursor"])
    assert ([each["id"] for each in rest["accounts"]], rest["next_cursor"]) == (opened[1:], None)
    assert listed("rival") == [tree.customer]


def test_accounts_lie_so_deep_and_no_deeper(ledger: Table) -> None:
    path = [101]
    while len(path) < MOST_LEVELS:
        path.append(open_below(path[-1])["id"])
    asked = [(ADMIN, path[-1]), (key_for(101), path[-1]), (key_for(path[-1]), None)]
    before = items(ledger)
    for secret, parent in asked:
        refused = open_below(parent, secret=secret)
        assert (refused.status, refused.code) == (400, "invalid_request")
        assert [fault["at"] for fault in refused["errors"]] == ["body.parent"]
    assert items(ledger) == before
    forget(ledger)
    assert change(path[-1], 1).status == 201, "what lies deepest is found from the operator"
    assert ask(get_account, id=path[-1])["parent"] == path[-2]


def test_nothing_is_opened_below_a_closed_account_but_what_was_is_still_told(ledger: Table, tree: Tree) -> None:
    first = open_below(tree.till, "drawer")
    assert ask(update_account, {"state": "closed"}, id=tree.till).status == 200
    before = items(ledger)

    refused = open_below(tree.till, "another drawer")
    again = open_below(tree.till, "drawer")

    assert (refused.status, refused.code) == (409, "account_closed")
    assert (again.status, again.replayed, again.body) == (201, True, first.body)
    assert items(ledger) == before
    assert change(first["id"], 1).status == 201, "closing an account closes that one"
    assert open_below(tree.shop, "beside it").status == 201


def test_the_parent_is_part_of_what_a_key_stands_for(ledger: Table, tree: Tree) -> None:
    first = open_below(tree.shop, "kiosk", key="k")
    again = open_below(tree.shop, "kiosk", key="k")
    assert (again.status, again.replayed, again.body) == (201, True, first.body)
    for parent in (None, 100, 101, tree.till):
        assert open_below(parent, "kiosk", key="k").code == "idempotency_key_reused"
    named = open_below(None, "stand", key="2")
    assert open_below(100, "stand", key="2").body == named.body, "named or not, it is the same parent"
    assert open_below(None, "stand", key_for(101), key="2")["id"] != named["id"], "a subtree's keys are its own"


def test_nobody_stumbles_over_an_idempotency_key_that_another_subtree_used(ledger: Table, tree: Tree) -> None:
    body = {"kind": "spend", "amount": -9_999}
    for secret, account in ((key_for(tree.shop), tree.shop), (key_for(tree.branch), tree.branch), (ADMIN, 101)):
        refused = ask(change_balance, body, secret=secret, key="order-1", id=account, unit="sms")
        assert refused.code == "insufficient_credit"
        again = ask(change_balance, body | {"amount": -9_998}, secret=secret, key="order-1", id=account, unit="sms")
        assert again.code == "idempotency_key_reused"


@dataclass
class Counted:
    """A DynamoDB client that counts its calls."""

    client: Any
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        call: Callable[..., Any] = getattr(self.client, name)

        def counted(**request: Any) -> Any:
            self.calls.append(name)
            return call(**request)

        return counted

    def during(self, do: Callable[[], Answer]) -> list[str]:
        self.calls.clear()
        assert do().status in (200, 201)
        return self.calls


@pytest.fixture
def counted(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> Counted:
    counting = Counted(ledger.client)
    client: Any = counting
    monkeypatch.setattr(wire, "table", replace(ledger, client=client))
    return counting


RECOGNISED = ["get_item"] * 2
TOP_RECOGNISED = ["get_item"] * 3  # its look-up, its operator's profile and its top's
CHANGED = ["put_item", "update_item"]


@pytest.mark.parametrize(
    ("top", "account"), [(None, 100), (None, 101), (101, 101), (1, 2)], ids=["own", "direct", "top", "below a top"]
)
def test_a_usual_account_costs_one_read_and_a_change_of_a_known_one_none(
    ledger: Table, counted: Counted, top: int | None, account: int
) -> None:
    assert open_below(demo.ACME)["id"] == 2
    secret = ADMIN if top is None else key_for(top)
    recognised = RECOGNISED if top is None else TOP_RECOGNISED
    change(account, 1)
    forget(ledger)
    assert counted.during(lambda: ask(get_account, secret=secret, id=account)) == [*recognised, "get_item"]
    assert counted.during(lambda: ask(get_account, secret=secret, id=account)) == ["get_item"]
    forget(ledger)
    assert counted.during(lambda: change(account, 2, secret)) == [*recognised, "get_item", *CHANGED]
    assert counted.during(lambda: change(account, 3, secret)) == CHANGED


def test_a_deep_account_costs_no_more_to_change_once_it_is_known(ledger: Table, tree: Tree, counted: Counted) -> None:
    change(tree.till, 1)
    forget(ledger)
    owners = ["get_item"] * 3
    assert counted.during(lambda: change(tree.till, 2)) == [*RECOGNISED, *owners, *CHANGED]
    assert counted.during(lambda: change(tree.till, 3)) == CHANGED


def test_to_open_an_account_without_a_parent_needs_no_look_at_the_tree(ledger: Table, counted: Counted) -> None:
    open_below(None, "the first, whose number is taken")
    forget(ledger)
    newest_and_told = ["get_item", "transact_write_items", "get_item"]
    assert counted.during(lambda: open_below(None)) == [*RECOGNISED, *newest_and_told]
