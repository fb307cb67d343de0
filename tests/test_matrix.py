"""Who may do what: every credential, at every endpoint of every dialect, about every kind of account.

What `verdict` says of a cell is what callers were promised, written from the README and not from the code. Each cell is
then asked, each in the same world, and what is refused must have written nothing.

house ── op ── tenant ── shop ── till           rival ── rival's
           ├── sibling (a sub-account)          frozen, suspended ── frozen's
           ├── idle, suspended ── idle's        dead, closed ── dead's
           └── gone, closed ── gone's
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import Any
from xmlrpc.client import Fault, dumps, loads

import pytest

from api.openapi import listed
from everlytic.xml_rpc import METHODS
from ledger import api_keys, credentials, holds, names, packages
from ledger.accounts import HOUSE, Role
from ledger.claims import CallerKey
from ledger.counter import State
from ledger.kinds import Scope
from ledger.opening import open_account
from ledger.packages import Package
from ledger.table import Table, open_table
from ozeki.ozeki_api import ACTIONS
from tests.api import caller as api
from tests.demo_ledger import quick_passwords
from tests.local.gateway import Context
from tests.mailpartner import caller as mailpartner
from tests.ozeki import caller as ozeki
from tests.simulation.memory import Memory
from tests.states import set_state
from tests.template import FUNCTIONS

PARENTS = {
    "op": None,
    "tenant": "op",
    "shop": "tenant",
    "till": "shop",
    "sibling": "op",
    "idle": "op",
    "idle's": "idle",
    "gone": "op",
    "gone's": "gone",
    "rival": None,
    "rival's": "rival",
    "frozen": None,
    "frozen's": "frozen",
    "dead": None,
    "dead's": "dead",
}
STATES = {"idle": State.SUSPENDED, "gone": State.CLOSED, "frozen": State.SUSPENDED, "dead": State.CLOSED}
IDS = {name: 1_000 + place for place, name in enumerate(PARENTS)} | {"nobody": 9_999}
ALL = frozenset(Scope)


class Verdict(Enum):
    """What a cell answers. Of two refusals the first here is told."""

    UNKNOWN = "nobody knows the credential"
    FORBIDDEN = "the credential is not good for this"
    ABSENT = "the credential does not show the account"
    DONE = "done"


@dataclass(frozen=True)
class Credential:
    """What is shown, by whom: a key or a password, good for `scopes` on `top` and all below it."""

    name: str
    top: str = ""
    scopes: frozenset[Scope] = frozenset()
    is_user: bool = False
    is_password: bool = False
    state: State = State.OPEN

    def __str__(self) -> str:
        return self.name

    @property
    def is_whole(self) -> bool:
        """Whether it is good for all that an operator may do, which dialects without scopes ask for."""
        return PARENTS.get(self.top, "") is None and Scope.ADMIN in self.scopes

    @property
    def operator(self) -> str:
        return above(self.top)[-1]


CREDENTIALS = [
    Credential("op's first key", "op", frozenset({Scope.ADMIN})),
    *(Credential(f"op's key to {scope}", "op", frozenset({scope})) for scope in Scope),
    *(Credential(f"tenant's key to {scope}", "tenant", frozenset({scope})) for scope in Scope),
    Credential("tenant's key to open accounts with credit", "tenant", frozenset({Scope.ACCOUNTS, Scope.TOPUP})),
    Credential("tenant's key to set limits", "tenant", frozenset({Scope.ACCOUNTS, Scope.ADJUST})),
    Credential("till's key to do all", "till", ALL),
    Credential("tenant as a user", "tenant", frozenset({Scope.READ}), is_user=True),
    Credential("sibling as a sub-account", "sibling", frozenset({Scope.READ}), is_user=True),
    Credential("op's password", "op", frozenset({Scope.ADMIN}), is_password=True),
    Credential("tenant's password", "tenant", frozenset({Scope.READ}), is_user=True, is_password=True),
    Credential("nothing"),
    Credential("a wrong key"),
    Credential("a wrong password", is_password=True),
    Credential("a revoked key"),
    Credential("idle's key to do all", "idle", ALL, state=State.SUSPENDED),
    Credential("gone's key to do all", "gone", ALL, state=State.CLOSED),
    Credential("frozen's first key", "frozen", frozenset({Scope.ADMIN}), state=State.SUSPENDED),
    Credential("frozen's key to do all", "frozen", ALL, state=State.SUSPENDED),
    Credential("frozen's customer's key", "frozen's", ALL, state=State.SUSPENDED),
    Credential("frozen's password", "frozen", frozenset({Scope.ADMIN}), is_password=True, state=State.SUSPENDED),
    Credential("dead's first key", "dead", frozenset({Scope.ADMIN}), state=State.CLOSED),
    Credential("dead's customer's key", "dead's", ALL, state=State.CLOSED),
    Credential("dead's customer as a user", "dead's", frozenset({Scope.READ}), is_user=True, state=State.CLOSED),
    Credential("dead's password", "dead", frozenset({Scope.ADMIN}), is_password=True, state=State.CLOSED),
]
CHILD = {"op": "tenant", "tenant": "shop", "idle": "idle's", "frozen": "frozen's"}


Ask = Callable[["World", Credential, str], set[Verdict]]
"""What asks one cell of the matrix, and says which verdicts the answer may stand for."""


@dataclass(frozen=True)
class Endpoint:
    """A row of the matrix: how it is asked, and what it takes to be let in.

    `about` says what its target may be: "" nothing, "package" one of the operator's catalogue, "tree" any account that
    the credential shows, "child" one right below an operator, "own or child" that operator, too, "below" any shown but
    the operator itself, "below the top" nor the account at the credential's top, "key" a key of the target's operator.
    """

    function: str
    variant: str
    ask: Ask
    about: str = ""
    needs: frozenset[Scope] = frozenset()
    changes: bool = False
    whole_tree: bool = False
    for_users: bool = False

    @property
    def dialect(self) -> str:
        return str(FUNCTIONS[self.function]["Handler"]).partition(".")[0]


def above(account: str) -> list[str]:
    """Walk up from an account: itself, the one above it, and so on to its operator."""
    path = [account]
    while (parent := PARENTS.get(path[-1])) is not None:
        path.append(parent)
    return path


def verdict(credential: Credential, endpoint: Endpoint, target: str) -> Verdict:
    """Say what this cell must answer: the whole table of rules."""
    if not credential.top:
        return Verdict.UNKNOWN
    if credential.state is State.CLOSED or (credential.state is State.SUSPENDED and endpoint.changes):
        return Verdict.FORBIDDEN
    if endpoint.dialect == "api":
        is_good = Scope.ADMIN in credential.scopes or endpoint.needs <= credential.scopes
        is_subtree = PARENTS[credential.top] is not None
        may = is_good and not (endpoint.whole_tree and is_subtree)
    else:
        reads_itself = credential.is_user and endpoint.for_users and target in ("", credential.top)
        may = credential.is_whole or reads_itself
    if not may:
        return Verdict.FORBIDDEN
    shown = {
        "": True,
        "package": not credential.is_user,
        "tree": credential.top in above(target),
        "below": credential.top in above(target),
        "below the top": credential.top in above(target),
        "child": PARENTS.get(target, "") == credential.top,
        "own or child": credential.top in above(target)[:2],
        "key": above(target)[-1] == credential.operator,
    }[endpoint.about]
    if not shown:
        return Verdict.ABSENT
    is_operator = PARENTS.get(target, "") is None
    if (endpoint.about.startswith("below") and is_operator) or (
        endpoint.about == "below the top" and target == credential.top
    ):
        return Verdict.FORBIDDEN
    return Verdict.DONE


# ------------------------------------------------------------------------------------------------------------ the world


@dataclass
class World:
    """The accounts above, each with credit, a user name and a token; what lets each credential in; their keys' ids."""

    table: Table
    memory: Memory
    secrets: dict[str, str]
    keys: dict[str, str]
    hold: str = ""

    def open(self, name: str) -> None:
        parent = PARENTS[name]
        owner = HOUSE if parent is None else IDS[parent]
        looked_up = [
            credentials.password(login(name), f"pass of {name}"),
            names.token(token(name)),
            *([] if parent is None else names.unique_names(owner, profile(name))),
            credentials.api_key(f"{name}: first"),
        ]
        open_account(
            self.table,
            owner,
            actor=owner,
            role=Role.ADMIN if parent is None else Role.USER,
            account=IDS[name],
            username=login(name),
            names=looked_up,
            properties=profile(name),
            balances={"sms": 1_000, "EUR": 1_000_000},
        )

    def issue(self, name: str, operator: str, scopes: frozenset[Scope], top: str) -> None:
        """Issue a key that is named as its credential."""
        asking = credentials.by_scoped_key(self.table, f"{operator}: first")
        claim = CallerKey(HOUSE, name, (name,))
        subtree = None if top == operator else IDS[top]
        key, _ = api_keys.issue(
            self.table, asking, f"secret {name}", name=name, scopes=scopes, subtree=subtree, caller_key=claim
        )
        self.secrets[name], self.keys[name] = f"secret {name}", key.id


def login(name: str) -> str:
    return name.replace("'s", "s")


def token(name: str) -> str:
    return f"token-of-{login(name)}"


def profile(name: str) -> dict[str, str | int]:
    return {"name": name, "email": f"{login(name)}@example.com", "token": token(name), "type": "simple"}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Open everything on a table in memory, which takes a hundredth of moto's time."""
    table, memory = open_table(), Memory()
    client = table.client
    object.__setattr__(table, "client", memory)
    table.recent.clear()
    with quick_passwords():
        yield _built(World(table, memory, {}, {}))
    object.__setattr__(table, "client", client)
    table.recent.clear()


def _built(world: World) -> World:
    for name in PARENTS:
        if name != "sibling":
            world.open(name)
    _open_sibling(world)
    for operator in ("op", "rival", "frozen", "dead"):
        packages.put(world.table, IDS[operator], Package("starter", "Starter", {"sms": 10}))
        world.issue(f"{operator}: to revoke", operator, frozenset({Scope.READ}), operator)
    for each in CREDENTIALS:
        if each.is_password:
            continue
        if each.is_user or each.name.endswith("first key"):
            world.secrets.setdefault(each.name, f"{each.top}: first")
        elif each.top:
            world.issue(each.name, each.operator, each.scopes, each.top)
    world.issue("a revoked key", "op", ALL, "op")
    api_keys.revoke(world.table, IDS["op"], world.keys["a revoked key"])
    world.secrets |= {"a wrong key": "wrong", "nothing": ""}
    for name, state in STATES.items():
        parent = PARENTS[name]
        set_state(world.table, HOUSE if parent is None else IDS[parent], IDS[name], state)
    return world


def _open_sibling(world: World) -> None:
    """Open a sub-account as Mailpartner's callers do, and give it the names that the others have."""
    wanted = {"apiKey": "op: first", "type": "simple", "parameters": {"creditToAttribute": 100}}
    shown = mailpartner.ask("CreateSubaccount", wanted).fields["subaccount"]
    world.secrets["sibling as a sub-account"] = shown["apiKey"]
    _, IDS["sibling"] = names.find_name(world.table, names.token(shown["token"]).pk)
    for endpoint, body in (
        ("set_token", {"token": token("sibling")}),
        ("set_login", {"username": "sibling", "password": "pass of sibling"}),
    ):
        assert api.ask(_module(endpoint), body, secret="op: first", id=IDS["sibling"]).status == 200
    credit = {"kind": "topup", "amount": 1_000}
    made = api.ask(_module("change_balance"), credit, secret="op: first", key="k", id=IDS["sibling"], unit="sms")
    assert made.status == 201


# -------------------------------------------------------------------------------------------------------- the endpoints


def _module(function: str) -> ModuleType:
    return import_module(f"api.{function}")


def _by_status(status: int) -> set[Verdict]:
    refused = {401: Verdict.UNKNOWN, 403: Verdict.FORBIDDEN, 404: Verdict.ABSENT}
    return {refused.get(status, Verdict.DONE)} if status < 300 or status in refused else set()


def ours(
    module: str,
    body: Callable[[World, Credential, str], object] | None = None,
    place: Callable[[World, str], dict[str, object]] = lambda _, target: {"id": IDS[target]},
) -> Ask:
    """Ask our own API: under a key that is always the same, as nothing of one cell is left in the next."""

    def ask(world: World, credential: Credential, target: str) -> set[Verdict]:
        secret = world.secrets[credential.name] or None
        answer = api.ask(
            _module(module),
            body(world, credential, target) if body else None,
            secret=secret,
            key="a cell",
            **place(world, target),
        )
        if answer.status == 207:
            return _by_status(answer["outcomes"][0]["status"])
        return _by_status(answer.status)

    return ask


def nowhere(_: World, __: str) -> dict[str, object]:
    return {}


def in_sms(_: World, target: str) -> dict[str, object]:
    return {"id": IDS[target], "unit": "sms"}


def on_hold(world: World, target: str) -> dict[str, object]:
    return {"id": IDS[target], "unit": "sms", "hold": world.hold}


def starter(_: World, __: str) -> dict[str, object]:
    return {"identifier": "starter"}


def key_of(world: World, target: str) -> dict[str, object]:
    return {"key_": world.keys.get(f"{above(target)[-1]}: to revoke", "0" * 32)}


def said(body: object) -> Callable[[World, Credential, str], object]:
    return lambda *_: body


def move(*, pays: bool) -> Callable[[World, Credential, str], object]:
    """Move credit between the target and an account that the credential shows."""

    def body(_: World, credential: Credential, target: str) -> object:
        top = credential.top or "op"
        sides = IDS[target], IDS[CHILD.get(top, "nobody") if target == top else top]
        payer, payee = sides if pays else reversed(sides)
        return {"payer": payer, "payee": payee, "unit": "sms", "amount": 1}

    return body


def by_password(action: str, about: str = "", **parameters: str) -> Ask:
    """Ask Ozeki's API. A password says who is asking there, and nothing else does."""

    def ask(_: World, credential: Credential, target: str) -> set[Verdict]:
        shown = {"username": login(credential.top or "op"), "password": f"pass of {credential.top or 'nobody'}"}
        named = {about: login(target)} if about else {}
        answer = ozeki.ask({"action": action, **shown, **named, **parameters})
        refused = {
            4: Verdict.UNKNOWN,
            5: Verdict.FORBIDDEN,
            9: Verdict.FORBIDDEN,
            6: Verdict.ABSENT,
            None: Verdict.DONE,
        }
        return {refused[answer.code]}

    return ask


def customers(module: str, path: Callable[[str], dict[str, str]], body: object = None) -> Ask:
    """Ask Everlytic's API over REST."""

    def ask(world: World, credential: Credential, target: str) -> set[Verdict]:
        event = {
            "headers": _basic(world, credential) | {"content-type": "application/json"},
            "pathParameters": path(target),
            "body": json.dumps(body or {}),
            "requestContext": {"requestId": "a request", "domainName": "example.com"},
        }
        answer = import_module(f"everlytic.{module}").lambda_handler(event, Context("Everlytic"))
        return _by_status(answer["statusCode"])

    return ask


def _basic(world: World, credential: Credential) -> dict[str, str]:
    secret = world.secrets[credential.name]
    whose = credential.top if credential.is_user else credential.operator if credential.top else "op"
    return {"authorization": "Basic " + b64encode(f"{login(whose)}:{secret}".encode()).decode()} if secret else {}


def method(name: str, *given: Any) -> Ask:
    """Ask Everlytic's API over XML-RPC; TARGET stands for the target's id."""

    def ask(world: World, credential: Credential, target: str) -> set[Verdict]:
        parameters = tuple(IDS[target] if each == TARGET else each for each in given)
        event = {
            "headers": _basic(world, credential),
            "body": dumps(parameters, name),
            "requestContext": {"requestId": "a request", "domainName": "example.com"},
        }
        answer = import_module("everlytic.xml_rpc").lambda_handler(event, Context("XmlRpc"))
        try:
            returned: Any = loads(answer["body"])[0][0]
        except Fault as fault:
            return _by_status(fault.faultCode)
        if name == "system.multicall" and isinstance(returned[0], dict):
            return _by_status(returned[0]["faultCode"])
        return {Verdict.DONE}

    return ask


def subaccounts(function: str, named: str = "", **parameters: object) -> Ask:
    """Ask Mailpartner's API, whose codes mean something else on each page and 4, in `credit`, either of two."""

    def ask(world: World, credential: Credential, target: str) -> set[Verdict]:
        about = {named: token(target)} if named else {}
        answer = mailpartner.ask(function, {"apiKey": world.secrets[credential.name], **about, **parameters})
        return {
            200: {Verdict.DONE},
            1: {Verdict.UNKNOWN},
            10: {Verdict.UNKNOWN},
            2: {Verdict.FORBIDDEN},
            4: {Verdict.FORBIDDEN, Verdict.ABSENT},
            20: {Verdict.FORBIDDEN},
            7: {Verdict.ABSENT},
            404: {Verdict.ABSENT},
        }[answer.code]

    return ask


def row(function: str, variant: str, ask: Ask, about: str = "", *needs: Scope, **more: bool) -> Endpoint:
    return Endpoint(function, variant, ask, about, frozenset(needs), **more)


TARGET = "the target's id"
CHANGES: dict[str, Any] = {"changes": True}
WHOLE: dict[str, Any] = {"whole_tree": True}
READ, TOPUP, SPEND, TRANSFER, ADJUST, ACCOUNTS, ADMIN = Scope
ITEM = {"unit": "sms", "idempotency_key": "a cell"}


def batch(_: World, __: Credential, target: str) -> object:
    spend = {"kind": "spend", "amount": -1}
    return {"changes": [{"account": IDS[target], "unit": "sms", "idempotency_key": "a cell", "change": spend}]}


def below(**body: object) -> Callable[[World, Credential, str], object]:
    return lambda _, __, target: {"parent": IDS[target], **body}


def change(kind: str, amount: int) -> Ask:
    return ours("change_balance", said({"kind": kind, "amount": amount}), in_sms)


def new_key(_: World, __: Credential, target: str) -> object:
    return {"name": "a key", "scopes": ["read"], **({"account": IDS[target]} if target else {})}


LOGIN = {"username": "fresh", "password": "correct-horse"}
PACKAGE = {"name": "Gold", "quantities": {"sms": 1}}
NEW = {"name": "Fresh", "email": "fresh@example.com"}


def path_of(target: str) -> dict[str, str]:
    return {"id": str(IDS[target])}


def topup_path(target: str) -> dict[str, str]:
    return {"id": str(IDS[target]), "package_identifier": "starter"}


ENDPOINTS = [
    row("CreateAccount", "", ours("create_account", below(name="x"), nowhere), "tree", ACCOUNTS, **CHANGES),
    row(
        "CreateAccount",
        "with credit",
        ours("create_account", below(name="x", balances={"sms": 1}), nowhere),
        "tree",
        ACCOUNTS,
        TOPUP,
        **CHANGES,
    ),
    row("GetAccount", "", ours("get_account"), "tree", READ),
    row(
        "ListAccounts",
        "",
        ours("list_accounts", None, lambda _, target: {"parent": IDS[target]}),
        "tree",
        READ,
    ),
    row("UpdateAccount", "name", ours("update_account", said({"name": "x"})), "below", ACCOUNTS, **CHANGES),
    row(
        "UpdateAccount",
        "state",
        ours("update_account", said({"state": "suspended"})),
        "below the top",
        ACCOUNTS,
        **CHANGES,
    ),
    row(
        "UpdateAccount",
        "limits",
        ours("update_account", said({"credit_limits": {"sms": 1}})),
        "below the top",
        ACCOUNTS,
        ADJUST,
        **CHANGES,
    ),
    row("GetBalances", "", ours("get_balances"), "tree", READ),
    row("SetLogin", "", ours("set_login", said(LOGIN)), "below", ACCOUNTS, **CHANGES),
    row("RemoveLogin", "", ours("remove_login"), "below", ACCOUNTS, **CHANGES),
    row("SetEmail", "", ours("set_email", said({"email": "fresh@example.com"})), "below", ACCOUNTS, **CHANGES),
    row("SetToken", "", ours("set_token", said({"token": "fresh-token"})), "below", ACCOUNTS, **CHANGES),
    row("ChangeBalance", "topup", change("topup", 1), "tree", TOPUP, **CHANGES),
    row("ChangeBalance", "spend", change("spend", -1), "tree", SPEND, **CHANGES),
    row("ChangeBalance", "adjustment", change("adjustment", 1), "tree", ADJUST, **CHANGES),
    row("ChangeBalances", "spend", ours("change_balances", batch, nowhere), "tree", SPEND, **CHANGES),
    row("TopUpAccount", "", ours("top_up_account", said({"package": "starter"})), "tree", TOPUP, **CHANGES),
    row("TransferCredit", "from", ours("transfer_credit", move(pays=True), nowhere), "tree", TRANSFER, **CHANGES),
    row("TransferCredit", "to", ours("transfer_credit", move(pays=False), nowhere), "tree", TRANSFER, **CHANGES),
    row(
        "ReserveCredit",
        "",
        ours("reserve_credit", said({"amount": 1, "expires_in_s": 60}), in_sms),
        "tree",
        SPEND,
        **CHANGES,
    ),
    row("ListHolds", "", ours("list_holds", None, in_sms), "tree", READ),
    row("CaptureHold", "", ours("capture_hold", said({"amount": 1}), on_hold), "tree", SPEND, **CHANGES),
    row("ReleaseHold", "", ours("release_hold", None, on_hold), "tree", SPEND, **CHANGES),
    row("GetBalance", "", ours("get_balance", None, in_sms), "tree", READ),
    row("ListEntries", "", ours("list_entries", None, in_sms), "tree", READ),
    row("GetStatement", "", ours("get_statement", None, in_sms), "tree", READ),
    row(
        "PutPackage",
        "",
        ours("put_package", said(PACKAGE), lambda *_: {"identifier": "g"}),
        "",
        ADMIN,
        **CHANGES,
        **WHOLE,
    ),
    row("GetPackage", "", ours("get_package", None, starter), "package", READ),
    row("ListPackages", "", ours("list_packages", None, nowhere), "", READ),
    row("RetirePackage", "", ours("retire_package", None, starter), "", ADMIN, **CHANGES, **WHOLE),
    row("IssueKey", "to all", ours("issue_key", new_key, nowhere), "", ADMIN, **CHANGES, **WHOLE),
    row("IssueKey", "to one", ours("issue_key", new_key, nowhere), "tree", ADMIN, **CHANGES, **WHOLE),
    row("ListKeys", "", ours("list_keys", None, nowhere), "", ADMIN, **WHOLE),
    row("UpdateKey", "", ours("update_key", said({"name": "x"}), key_of), "key", ADMIN, **CHANGES, **WHOLE),
    row("RevokeKey", "", ours("revoke_key", None, key_of), "key", ADMIN, **CHANGES, **WHOLE),
    row("OzekiApi", "getcredits", by_password("getcredits", "useraccount"), "own or child", for_users=True),
    row("OzekiApi", "addcredits", by_password("addcredits", "useraccount", add="1"), "own or child", **CHANGES),
    row("OzekiApi", "setcredits", by_password("setcredits", "useraccount", newbalance="1"), "own or child", **CHANGES),
    row("OzekiApi", "createuser", by_password("createuser", name="fresh"), **CHANGES),
    row("OzekiApi", "configuser", by_password("configuser", "name", PASSWORD="fresh-pass"), "child", **CHANGES),
    row("OzekiApi", "startuser", by_password("startuser", "name"), "child", **CHANGES),
    row("OzekiApi", "stopuser", by_password("stopuser", "name"), "child", **CHANGES),
    row("OzekiApi", "deleteuser", by_password("deleteuser", "name"), "child", **CHANGES),
    row("CreateCustomer", "", customers("create_customer", lambda _: {}, NEW), **CHANGES),
    row("ListCustomers", "", customers("list_customers", lambda _: {})),
    row("GetCustomer", "", customers("get_customer", path_of), "child"),
    row("UpdateCustomer", "", customers("update_customer", path_of, {"sms_quota": 5}), "child", **CHANGES),
    row("DeleteCustomer", "", customers("delete_customer", path_of), "child", **CHANGES),
    row("TopupCustomer", "", customers("topup_customer", topup_path), "child", **CHANGES),
    row("XmlRpc", "CreateCustomer", method("CreateCustomer", NEW), **CHANGES),
    row("XmlRpc", "ListCustomers", method("ListCustomers")),
    row("XmlRpc", "GetCustomer", method("GetCustomer", TARGET), "child"),
    row("XmlRpc", "UpdateCustomer", method("UpdateCustomer", TARGET, {"sms_quota": 5}), "child", **CHANGES),
    row("XmlRpc", "DeleteCustomer", method("DeleteCustomer", TARGET), "child", **CHANGES),
    row("XmlRpc", "Topup", method("Topup", TARGET, "starter"), "child", **CHANGES),
    row("XmlRpc", "system.listMethods", method("system.listMethods")),
    row(
        "XmlRpc",
        "system.multicall",
        method("system.multicall", [{"methodName": "CreateCustomer", "params": [NEW]}]),
        **CHANGES,
    ),
    row("AddCredit", "", subaccounts("AddCredit", "tokenSubaccount", credit="1"), "child", **CHANGES),
    row("RemoveCredit", "", subaccounts("RemoveCredit", "tokenSubaccount", credit="1"), "child", **CHANGES),
    row("CreateSubaccount", "", subaccounts("CreateSubaccount", type="simple"), **CHANGES),
    row("ListSubaccounts", "", subaccounts("ListSubaccounts")),
    row("RemoveSubaccount", "", subaccounts("RemoveSubaccount", "token"), "child", **CHANGES),
    row("GetMe", "", subaccounts("GetMe"), for_users=True),
]

FOR_EVERYBODY = {"GetDocs", "GetOpenapi", "RefuseRequest"}


# ------------------------------------------------------------------------------------------------------------ the tests


def test_every_endpoint_has_a_row_and_so_has_every_action_and_method_of_those_that_have_many() -> None:
    routed = {name for name, function in FUNCTIONS.items() if function.get("Events")}
    assert {each.function for each in ENDPOINTS} == {name for name in routed if _is_of_http(name)} - FOR_EVERYBODY
    assert {each.variant for each in ENDPOINTS if each.function == "OzekiApi"} == ACTIONS.keys()
    methods = {each.variant for each in ENDPOINTS if each.function == "XmlRpc"}
    assert methods >= {name for name in METHODS if "." not in name}
    rows = {each.function for each in ENDPOINTS if each.dialect == "api"}
    assert len(rows) == len(listed())


def _is_of_http(function: str) -> bool:
    return any(event["Type"] == "HttpApi" for event in FUNCTIONS[function]["Events"].values())


@pytest.mark.parametrize("credential", CREDENTIALS, ids=str)
def test_a_credential_may_do_what_the_table_says_and_what_is_refused_writes_nothing(
    world: World, credential: Credential
) -> None:
    wrong = []
    asked = 0
    for endpoint, target in cells(credential):
        before = dict(world.memory.items)
        world.table.recent.clear()
        if endpoint.function in ("CaptureHold", "ReleaseHold"):
            world.hold = held(world, target)
        opened = dict(world.memory.items)
        expected = verdict(credential, endpoint, target)
        answered = endpoint.ask(world, credential, target)
        changed = uncounted(world.memory.items) != uncounted(opened)
        may_change = expected is Verdict.DONE and endpoint.changes
        if expected not in answered or (changed and not may_change):
            wrong.append((endpoint.function, endpoint.variant, target, expected.name, answered, changed))
        world.memory.items.clear()
        world.memory.items.update(before)
        asked += 1
    assert not wrong
    assert asked > 30 if not credential.is_password else asked > 8


def uncounted(found: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
    """Leave out the guesses that were counted: they are no part of what anybody asked for."""
    return {place: item for place, item in found.items() if not place[0].startswith("F#")}


def cells(credential: Credential) -> Iterator[tuple[Endpoint, str]]:
    """List what this credential is tried at: each endpoint that takes its kind, and each kind of account.

    Its own, the one below it, a deep one, those above, a sibling, another operator, that one's customer, and nobody.
    """
    top = credential.top or "op"
    relatives = {top, CHILD.get(top, top), *above(top)}
    targets = sorted(relatives | {"op", "tenant", "till", "sibling", "rival", "rival's", "nobody"})
    for endpoint in ENDPOINTS:
        if (endpoint.dialect == "ozeki") is not credential.is_password:
            continue
        for target in [""] if endpoint.about in ("", "package") else targets:
            moves_to_itself = endpoint.function == "TransferCredit" and target == top and top not in CHILD
            if not moves_to_itself:
                yield endpoint, target


def held(world: World, target: str) -> str:
    """Open a hold on an account, if it is there and open."""
    parent = PARENTS.get(target, "")
    if parent == "" or STATES.get(target):
        return "0" * 16
    owner = HOUSE if parent is None else IDS[parent]
    return holds.reserve(world.table, owner, IDS[target], "sms", 2, lives_ms=60_000, actor=owner).hold
