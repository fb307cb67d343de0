"""Each function may do in DynamoDB what it is seen to need here, in every way it can take, and nothing else.

That no function does more, whichever test runs it, is for tests/iam.py and conftest.py to see.
"""

import itertools
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from api import (
    capture_hold,
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
    release_hold,
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
)
from ledger import api_keys, counter, credentials, holds, opening, packages
from ledger.balance import change
from ledger.change import Change
from ledger.claims import CallerKey
from ledger.counter import State
from ledger.entry import mint_key
from ledger.kinds import Kind, Scope
from ledger.table import Table
from tests import iam
from tests.api import caller as api
from tests.everlytic import caller as everlytic
from tests.everlytic.books import intercept
from tests.everlytic.test_xml_rpc import call
from tests.local import demo
from tests.local.gateway import Context, import_handler
from tests.mailpartner import caller as mailpartner
from tests.ozeki import caller as ozeki
from tests.simulation.harsh import small_tails
from tests.states import set_state
from tests.template import FUNCTIONS, ROOT

Scenario = Callable[[Table], None]

KEYS = ("0", "1", "2", "3", "4", "5", "0")
"""The first is used again once what it stands for lies in a page."""

JOHNS: dict[str, Any] = {"id": demo.JOHN, "unit": "sms"}
NOTED = {"reason": "why"}
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


@contextmanager
def crowded(table: Table) -> Iterator[None]:
    """Have a transaction pass at a function's first write of each kind, which did nothing then and has to try again."""
    passed: set[str] = set()

    def conflict(params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name not in WRITES or model.name in passed or iam.at_work() is None:
            return
        passed.add(model.name)
        error: Any = {"Error": {"Code": "TransactionConflictException"}}
        if parts := params.get("TransactItems"):
            error = {"Error": {"Code": "TransactionCanceledException"}}
            error["CancellationReasons"] = [{"Code": "TransactionConflict"} for _ in parts]
        raise ClientError(error, model.name)

    events = table.client.meta.events
    events.register("before-parameter-build.dynamodb", conflict, unique_id="crowded")
    yield
    events.unregister("before-parameter-build.dynamodb", unique_id="crowded")


# ------------------------------------------------------------------------------------ what happens behind the functions


def add(table: Table, owner: int, account: int, unit: str, note: str = "") -> None:
    """Fill a page, and a bit of a tail."""
    for _ in KEYS:
        change(table, Change(owner, account, unit, Kind.ADJUSTMENT, 1, owner, note=note))


def put_aside(table: Table, owner: int, account: int, unit: str) -> list[str]:
    """Have all credit held by three holds that have expired since, of which the last lies apart from its balance."""
    yesterday = replace(table, now_ms=lambda: table.now_ms() - 86_400_000)
    rest = counter.read(table, account, unit).available - 2
    return [hold(yesterday, owner, account, unit, amount) for amount in (1, 1, rest)]


def hold(table: Table, owner: int, account: int, unit: str, amount: int = 10) -> str:
    return holds.reserve(table, owner, account, unit, amount, lives_ms=60_000, actor=owner).hold


def forget(table: Table) -> None:
    """Make every claim one that was taken an hour ago and never came to anything, so that it has to be renewed."""
    an_hour_ago = mint_key(table.now_ms() - 3_600_000, table.random_bits)
    for item in table.client.scan(TableName=table.name)["Items"]:
        if item["pk"]["S"].startswith("K#"):
            table.client.put_item(TableName=table.name, Item={**item, "k": {"B": an_hour_ago}})


# ---------------------------------------------------------------------------------------------------------------- Ozeki


def ozeki_api(table: Table) -> None:
    for key in KEYS:
        ozeki.ask(ozeki.ADD_244, key=key)
    forget(table)
    ozeki.ask(ozeki.ADD_244, key="0")
    opening.open_account(
        table, demo.ADMIN, actor=demo.ADMIN, username="mary", names=[credentials.password("mary", "secret")]
    )
    ozeki.ask(ozeki.SET_JOHN, useraccount="mary", newbalance="7")
    ozeki.ask(ozeki.GET_AS_ADMIN)
    put_aside(table, demo.ADMIN, demo.JOHN, "sms")
    for key in ("1", "1", "2"):
        give_names(demo.JOHN)
        for action in ("createuser", "configuser", "stopuser", "startuser", "deleteuser"):
            name = "jane" if action == "createuser" else "john"
            ozeki.ask({"action": action, **ozeki.ADMIN, "name": name}, f"{action} {key}", PASSWORD="new-secret")
    for _ in range(7):
        ozeki.ask(ozeki.GET_AS_ADMIN, password="wrong")


# ------------------------------------------------------------------------------------ Everlytic, over REST and XML-RPC

Send = Callable[..., object]

NOBODY = 999
NEW = {"name": "New", "email": "new@acme.example", "email_package_id": 2, "email_quota": 5, "unique_id": "n"}
ALL = {
    "name": "x",
    "email": "x@acme.example",
    "email_quota": 1,
    "status": "suspended",
    "email_package_id": 2,
    "unique_id": "x",
}


def creating(table: Table, send: Send, *request: Any) -> None:
    def top_up(asked: Any) -> None:
        """Top the customer up that is being created, before its creator looks at it."""
        if asked["Key"]["sk"]["S"] == "C#000000000002":
            change(table, Change(demo.ADMIN, 2, "sms", Kind.TOP_UP, 1, demo.ADMIN))

    with pytest.MonkeyPatch.context() as race:
        intercept(race, table, top_up, "get_item")
        send(*request, NEW, key="new")
    add(table, demo.ADMIN, 2, "transactions")
    send(*request, NEW, key="new")


def updating(table: Table, customer: int, send: Send, *request: Any) -> None:
    add_and_put_aside(table, customer)
    for amount in range(3):
        send(*request, {"sms_quota": amount})
    for _ in range(2):
        send(*request, ALL, key="update")


def give_names(account: int) -> None:
    """Give an account all the names that are unique among its operator's: whoever closes it gives them up."""
    everlytic.ask("PUT", f"/{account}", {"email": "unique@acme.example", "unique_id": "unique"})


def deleting(table: Table, customer: int, send: Send, *request: Any) -> None:
    add_and_put_aside(table, customer)
    give_names(customer)
    for _ in range(2):
        send(*request, key="delete")


def add_and_put_aside(table: Table, customer: int) -> None:
    add(table, demo.ADMIN, customer, "transactions")
    put_aside(table, demo.ADMIN, customer, "transactions")


def topping_up(table: Table, send: Send, *request: Any) -> None:
    for key in KEYS:
        send(*request, key=key)
    packages.retire(table, demo.ADMIN, "2")
    send(*request, key="retired")


def call_with(method: str, *given: Any, key: str | None = None) -> object:
    return call(method, *given, **({} if key is None else {"Idempotency-Key": key}))


def xml_rpc(table: Table) -> None:
    creating(table, call_with, "CreateCustomer")
    call_with("ListCustomers")
    call_with("GetCustomer", demo.JOHN)
    topping_up(table, call_with, "Topup", demo.ACME, "2")
    updating(table, demo.ACME, call_with, "UpdateCustomer", demo.ACME)
    deleting(table, demo.JOHN, call_with, "DeleteCustomer", demo.JOHN)


# ---------------------------------------------------------------------------------------------------------- Mailpartner


def mailing(function: str, payer: tuple[int, int] | None = None) -> Scenario:
    """Have the payer's credit held by holds that have expired, and ask for the same several times."""

    def scenario(table: Table) -> None:
        if payer:
            put_aside(table, *payer, "EUR")
        if function == "RemoveSubaccount":
            give_names(demo.SUBACCOUNT)
        created = {"type": "simple", "parameters": {"creditToAttribute": 1}}
        for key in KEYS:
            mailpartner.ask(function, {**mailpartner.MOVE, **created, "credit": "0.001", "token": demo.TOKEN}, key)

    return scenario


# -------------------------------------------------------------------------------------------------------------- our own


def creating_account(table: Table) -> None:
    wanted = {"name": "x", "parent": demo.JOHN, "balances": {"sms": 5}}
    for key in KEYS:
        api.ask(create_account, wanted, key=key)
    set_state(table, demo.ADMIN, demo.JOHN, State.CLOSED)
    for key in ("0", "new"):
        api.ask(create_account, wanted, key=key)


def updating_account(table: Table) -> None:
    put_aside(table, demo.ADMIN, demo.JOHN, "sms")
    limited: dict[str, Any] = {"name": "x", "metadata": {"a": "b"}, "credit_limits": {"sms": 1, "email": 2}}
    for wanted in (limited, {"state": "suspended"}, {"state": "closed"}, {"state": "closed"}):
        api.ask(update_account, wanted, id=demo.JOHN)
    give_names(demo.ACME)
    api.ask(update_account, {"state": "closed"}, id=demo.ACME)


def changing(table: Table, ask: Callable[[str, str, int], object]) -> None:
    """Change balances one by one, or several in one request."""
    put_aside(table, demo.ADMIN, demo.JOHN, "sms")
    for key in KEYS:
        ask(key, "sms", -1)
    ask("too much", "sms", -10_000)
    ask("first use", "email", 5)
    forget(table)
    ask("0", "sms", -1)


def change_one(key: str, unit: str, amount: int) -> object:
    return api.ask(change_balance, _change(amount), id=demo.JOHN, unit=unit, key=key)


def change_several(key: str, unit: str, amount: int) -> object:
    item = {"account": demo.JOHN, "unit": unit, "idempotency_key": key, "change": _change(amount)}
    return api.ask(change_balances, {"changes": [item, item]})


def _change(amount: int) -> dict[str, Any]:
    return {"kind": "spend" if amount < 0 else "topup", "amount": amount, **NOTED}


def topping_up_account(table: Table) -> None:
    for key in KEYS:
        api.ask(top_up_account, {"package": "starter", **NOTED}, id=demo.JOHN, key=key)
    packages.retire(table, demo.ADMIN, "starter")
    api.ask(top_up_account, {"package": "starter"}, id=demo.JOHN, key="retired")


def transferring(table: Table) -> None:
    put_aside(table, demo.ADMIN, demo.JOHN, "sms")
    wanted = {"payer": demo.JOHN, "payee": demo.ACME, "unit": "sms", "amount": 1, **NOTED}
    for key in KEYS:
        api.ask(transfer_credit, wanted, key=key)
    api.ask(transfer_credit, {**wanted, "payee": NOBODY}, key="nobody")


def reserving(table: Table) -> None:
    put_aside(table, demo.ADMIN, demo.JOHN, "sms")
    for key in KEYS:
        api.ask(reserve_credit, {"amount": 5, "expires_in_s": 60, **NOTED}, key=key, **JOHNS)
    api.ask(capture_hold, {"amount": 5}, key="all", hold=api.ask(list_holds, **JOHNS)["holds"][0]["hold"], **JOHNS)
    for key in ("room", "no room"):
        api.ask(reserve_credit, {"amount": 5, "expires_in_s": 60}, key=key, **JOHNS)
    forget(table)
    api.ask(reserve_credit, {"amount": 5, "expires_in_s": 60, **NOTED}, key="0", **JOHNS)


def capturing(table: Table) -> None:
    inline, _, apart = (hold(table, demo.ADMIN, demo.JOHN, "sms") for _ in range(3))
    for name in (inline, apart):
        for key in KEYS:
            api.ask(capture_hold, {"amount": 1, **NOTED}, key=f"{name} {key}", hold=name, **JOHNS)
    forget(table)
    api.ask(capture_hold, {"amount": 1, **NOTED}, key=f"{apart} 0", hold=apart, **JOHNS)
    for amount in (5, 5):
        api.ask(capture_hold, {"amount": amount}, key=f"{amount}", hold=apart, **JOHNS)
    *_, expired = put_aside(table, demo.ADMIN, demo.JOHN, "sms")
    api.ask(capture_hold, {"amount": 1}, key="too late", hold=expired, **JOHNS)


def releasing(table: Table) -> None:
    names = [hold(table, demo.ADMIN, demo.JOHN, "sms") for _ in set(KEYS)]
    for key, name in zip(KEYS, [*names, names[0]], strict=True):
        api.ask(release_hold, key=key, hold=name, **JOHNS)
    *_, expired = put_aside(table, demo.ADMIN, demo.JOHN, "sms")
    api.ask(release_hold, key="expired", hold=expired, **JOHNS)


def history_read(*requests: Callable[[], object]) -> Scenario:
    """Read a balance with holds apart, and pages of entries that have notes."""

    def scenario(table: Table) -> None:
        add(table, demo.ADMIN, demo.JOHN, "sms", note=json.dumps(NOTED))
        for _ in range(3):
            hold(table, demo.ADMIN, demo.JOHN, "sms")
        for request in requests:
            request()

    return scenario


def asking(*requests: Callable[[], object]) -> Scenario:
    """Ask the same twice."""

    def scenario(_: Table) -> None:
        for request in requests * 2:
            request()

    return scenario


def issuing(_: Table) -> None:
    for key in KEYS:
        api.ask(issue_key, {"name": "shop", "scopes": ["read"], "account": demo.JOHN}, key=key)
    api.ask(issue_key, {"name": "shop", "scopes": ["read"], "account": NOBODY}, key="nobody")


def revoking(table: Table) -> None:
    issuing(table)
    api.ask(issue_key, {"name": "office", "scopes": ["admin"]}, key="office")
    for each in api.ask(list_keys)["keys"]:
        for _ in range(2):
            api.ask(revoke_key, key_=each["id"])


# ----------------------------------------------------------------------------------------- what there is an event for


def invoking(function: str, **more: Any) -> Scenario:
    """Send the function's event twice."""
    module = FUNCTIONS[function]["Handler"].split(".")[-2]
    event = json.loads((ROOT / "events" / f"{module}.json").read_text())

    def scenario(table: Table) -> None:
        history_read()(table)
        for _ in range(2):
            import_handler(FUNCTIONS[function]["Handler"])(event | more, Context(function))

    return scenario


def opening_accounts(table: Table) -> None:
    invoking("OpenAccount")(table)
    invoking("OpenAccount", role="admin", operator=None, username="rival", balances={}, idempotency_key="rival")(table)


def setting_state(table: Table) -> None:
    """Suspend an operator, and close it with a hold that has expired."""
    put_aside(table, 0, demo.ADMIN, "EUR")
    holds.release(table, 0, demo.ADMIN, "transactions", demo.HOLD, actor=0)
    for state in ("suspended", "open", "closed", "closed"):
        invoking("SetAccountState", state=state)(table)


HOUSE_TO_ADMIN, ADMIN_TO_SUBACCOUNT = (0, demo.ADMIN), (demo.ADMIN, demo.SUBACCOUNT)
GOLD = {"name": "Gold", "quantities": {"sms": 1000}}

SCENARIOS: dict[str, Scenario] = {
    "OzekiApi": ozeki_api,
    "CreateCustomer": lambda table: creating(table, everlytic.ask, "POST", ""),
    "ListCustomers": asking(lambda: everlytic.ask("GET", "?count=1&page=2")),
    "GetCustomer": asking(lambda: everlytic.ask("GET", f"/{demo.JOHN}")),
    "UpdateCustomer": lambda table: updating(table, demo.ACME, everlytic.ask, "PUT", f"/{demo.ACME}"),
    "DeleteCustomer": lambda table: deleting(table, demo.ACME, everlytic.ask, "DELETE", f"/{demo.ACME}"),
    "TopupCustomer": lambda table: topping_up(table, everlytic.ask, "PUT", f"/topup/{demo.ACME}/2"),
    "XmlRpc": xml_rpc,
    "AddCredit": mailing("AddCredit", HOUSE_TO_ADMIN),
    "RemoveCredit": mailing("RemoveCredit", ADMIN_TO_SUBACCOUNT),
    "CreateSubaccount": mailing("CreateSubaccount", HOUSE_TO_ADMIN),
    "ListSubaccounts": mailing("ListSubaccounts"),
    "RemoveSubaccount": mailing("RemoveSubaccount", ADMIN_TO_SUBACCOUNT),
    "GetMe": mailing("GetMe"),
    "CreateAccount": creating_account,
    "GetAccount": asking(lambda: api.ask(get_account, id=demo.JOHN)),
    "ListAccounts": asking(
        lambda: api.ask(list_accounts),
        lambda: api.ask(list_accounts, parent=demo.JOHN),
        lambda: api.ask(list_accounts, parent=NOBODY),
    ),
    "UpdateAccount": updating_account,
    "SetLogin": asking(
        lambda: api.ask(set_login, {"username": "jane", "password": "correct-horse"}, id=demo.JOHN),
    ),
    "RemoveLogin": asking(lambda: api.ask(remove_login, id=demo.JOHN)),
    "SetEmail": asking(
        lambda: api.ask(set_email, {"email": "a@b"}, id=demo.JOHN),
        lambda: api.ask(set_email, {"email": "c@d"}, id=demo.JOHN),
    ),
    "SetToken": asking(
        lambda: api.ask(set_token, {"token": "first-of-john"}, id=demo.JOHN),
        lambda: api.ask(set_token, {"token": "second-of-john"}, id=demo.JOHN),
    ),
    "GetBalances": history_read(lambda: api.ask(get_balances, id=demo.JOHN)),
    "ChangeBalance": lambda table: changing(table, change_one),
    "ChangeBalances": lambda table: changing(table, change_several),
    "TopUpAccount": topping_up_account,
    "TransferCredit": transferring,
    "ReserveCredit": reserving,
    "ListHolds": history_read(lambda: api.ask(list_holds, **JOHNS)),
    "CaptureHold": capturing,
    "ReleaseHold": releasing,
    "GetBalance": history_read(
        lambda: api.ask(get_balance, **JOHNS), lambda: api.ask(get_balance, at="2026-01-01T00:00:00Z", **JOHNS)
    ),
    "ListEntries": history_read(
        lambda: api.ask(list_entries, **JOHNS), lambda: api.ask(list_entries, from_="2026-01-01T00:00:00Z", **JOHNS)
    ),
    "GetStatement": history_read(
        lambda: api.ask(get_statement, **JOHNS), lambda: api.ask(get_statement, to="2099-01-01T00:00:00Z", **JOHNS)
    ),
    "PutPackage": asking(lambda: api.ask(put_package, GOLD, identifier="gold")),
    "GetPackage": asking(lambda: api.ask(get_package, identifier="starter")),
    "ListPackages": asking(lambda: api.ask(list_packages)),
    "RetirePackage": asking(lambda: api.ask(retire_package, identifier="starter")),
    "IssueKey": issuing,
    "ListKeys": asking(lambda: api.ask(list_keys)),
    "UpdateKey": asking(lambda: api.ask(update_key, {"name": "shop"}, key_=demo.KEY_ID)),
    "RevokeKey": revoking,
    "GetOpenapi": invoking("GetOpenapi"),
    "GetDocs": invoking("GetDocs"),
    "RefuseRequest": invoking("RefuseRequest"),
    "OpenAccount": opening_accounts,
    "ReconcileBalance": invoking("ReconcileBalance"),
    "ResetCredentials": invoking("ResetCredentials"),
    "SetAccountState": setting_state,
}


def ask_for_nobody(function: str) -> None:
    """Ask an endpoint of our own about an account that nobody has: it is looked for among all there are."""
    for module in itertools.chain.from_iterable(openapi.ENDPOINTS.values()):
        if FUNCTIONS[function]["Handler"] == f"{module.__name__}.lambda_handler" and "{id}" in module.ENDPOINT.path:
            example = {**module.ENDPOINT.example, "id": NOBODY}
            api.ask(module, example.pop("body", None), key="nobody", **example)


@pytest.mark.usefixtures("nothing_later")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_it_is_seen_to_need_and_nothing_else(ledger: Table, function: str) -> None:
    assert function in SCENARIOS, f"{function} has no scenario"
    iam.seen.pop(function, None)
    show_a_deep_key(ledger, function)
    with small_tails(), crowded(ledger):
        SCENARIOS[function](ledger)
        ask_for_nobody(function)
    assert iam.seen[function] == iam.granted(function)


def show_a_deep_key(table: Table, function: str) -> None:
    """Send the function's event with a key for an account below another's, whose state is looked up by its owner."""
    if "items S#*" not in iam.granted(function) or FUNCTIONS[function]["Handler"].startswith("operations."):
        return
    below = opening.open_account(table, demo.JOHN, actor=demo.ADMIN, account=9_999).id
    api_keys.issue(
        table,
        credentials.by_scoped_key(table, demo.API_KEY),
        "a deep key",
        name="deep",
        scopes=frozenset({Scope.ADMIN}),
        subtree=below,
        caller_key=CallerKey(0, "deep", ("deep",)),
    )
    module = FUNCTIONS[function]["Handler"].split(".")[-2]
    event = json.loads((ROOT / "events" / f"{module}.json").read_text())
    if event.get("isBase64Encoded"):
        event |= {"body": b64decode(event["body"]).decode(), "isBase64Encoded": False}
    shown = json.dumps(event).replace(demo.API_KEY, "a deep key")
    basic, deep = (b64encode(f"admin:{secret}".encode()).decode() for secret in (demo.API_KEY, "a deep key"))
    shown = shown.replace(basic, deep)
    table.recent.clear()
    import_handler(FUNCTIONS[function]["Handler"])(json.loads(shown), Context(function))
    table.recent.clear()


def test_every_scenario_is_a_functions() -> None:
    assert SCENARIOS.keys() == FUNCTIONS.keys()


@pytest.mark.usefixtures("failing")  # the denial itself is what nobody expected
def test_what_a_policy_does_not_grant_is_denied_whoever_catches_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUNCTIONS["GetCustomer"], "Policies", [])
    everlytic.send("GET", f"/{demo.JOHN}")
    assert iam.denied == ["GetCustomer may not do dynamodb:GetItem of S"]
    iam.denied.clear()


LAST_USE: dict[str, Any] = {
    "Key": {"pk": {"S": "S#0"}, "sk": {"S": "."}},
    "UpdateExpression": "SET d = :today",
    "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(d)",
}


@pytest.mark.parametrize(
    ("other", "is_covered"),
    [
        ({}, True),
        ({"ConditionExpression": "d = :seen"}, True),
        ({"Key": {"pk": {"S": "O#100"}, "sk": {"S": "S#0"}}}, False),
        ({"Key": {"pk": {"S": "B#1#sms"}, "sk": {"S": "~"}}}, False),
        ({"UpdateExpression": "SET d = :today, scopes = :all"}, False),
        ({"UpdateExpression": "SET account = :mine"}, False),
        ({"ConditionExpression": "size(hash) > :guess"}, False),
    ],
)
def test_what_only_reads_may_write_the_day_of_a_keys_last_use_and_nothing_else(
    other: dict[str, Any], is_covered: bool
) -> None:
    assert bool(iam.covers("GetBalance", "dynamodb:UpdateItem", LAST_USE | other)) is is_covered
    assert not iam.covers("GetBalance", "dynamodb:DeleteItem", LAST_USE)
