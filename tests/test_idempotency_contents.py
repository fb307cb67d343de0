"""What a caller's idempotency key stands for, operation by operation, as it lies in claims that are kept for good.

A claim made last year must still know its request: whoever adds, drops or reorders a part here refuses every retry of
what was asked before, and whoever drops one answers another request with this one's result.
"""

from dataclasses import dataclass, replace
from functools import partial
from hashlib import scrypt, sha256
from random import Random
from types import ModuleType
from typing import Any

import pytest

from api import (
    capture_hold,
    change_balance,
    change_balances,
    create_account,
    issue_key,
    openapi,
    release_hold,
    reserve_credit,
    top_up_account,
    transfer_credit,
)
from ledger import credentials, holds, opening
from ledger.accounts import HOUSE
from ledger.claims import CallerKey
from ledger.names import Name
from ledger.table import Table, claim_key
from operations.open_account import lambda_handler as open_account
from tests.api.caller import ask as ask_ledger
from tests.demo_ledger import items
from tests.everlytic.caller import ask as ask_everlytic
from tests.local import demo
from tests.local.gateway import Context
from tests.mailpartner.caller import KEY
from tests.mailpartner.caller import ask as ask_mailpartner
from tests.ozeki.caller import ADMIN as OZEKI_ADMIN
from tests.ozeki.caller import ask as ask_ozeki

JACK = 103
# What is kept of the password "new-secret" in a claim, stretched as little as demo_ledger.quick_passwords has it.
FINGERPRINT = scrypt(sha256(b"new-secret").digest(), salt=bytes(16), n=2, r=1, p=1).hex()
ONE_STEP = {
    "startuser": "11c5a99b9752f3c143c5767a845561e059fab85ecc8104a395beff94d573a155",
    "stopuser": "3a66f0166c289d2ec3bb691940ce073e4ee940c574bb4ea15c7a354886e16230",
    "deleteuser": "3649c7d91cc2f913d1c1d0f24118176b3c2d27a1a0a05d5ef77cff4e38feca5a",
}
DONE, REPLAYED, REUSED = "done", "replayed", "reused"
FAR_MS = 4_102_444_800_000  # in 2100: a hold opened then has the same name whenever this runs, and does not expire
SMS_OF_JOHN = {"id": demo.JOHN, "unit": "sms"}
OTHER_TOKEN = "another-subaccount"

Send = partial[str]


def ledger_call(endpoint: ModuleType, place: dict[str, Any], body: dict[str, Any] | None, **other: Any) -> str:
    """Call the API; what is not in the path is changed in the body."""
    place = place | {name: value for name, value in other.items() if name in place}
    named = {name: value for name, value in other.items() if name not in place}
    answer = ask_ledger(endpoint, None if body is None else body | named, key="order-7", **place)
    return _told(answer.code, "idempotency_key_reused", replayed=answer.replayed)


def batch(place: dict[str, Any], change: dict[str, Any], **other: Any) -> str:
    place = place | {name: value for name, value in other.items() if name in place}
    change = change | {name: value for name, value in other.items() if name not in place}
    item = {**place, "idempotency_key": "order-7", "change": change}
    (outcome,) = ask_ledger(change_balances, {"changes": [item]})["outcomes"]
    code = (outcome["problem"] or {}).get("code", "")
    return _told(code, "idempotency_key_reused", replayed=outcome["replayed"])


def everlytic(method: str, path: str, properties: dict[str, Any] | None, **other: Any) -> str:
    path = path.format(**{"customer": demo.ACME, "package": "starter"} | other)
    named = {name: value for name, value in other.items() if name not in ("customer", "package")}
    answer = ask_everlytic(method, path, properties if properties is None else properties | named, key="order-7")
    return _told(answer.message, "the Idempotency-Key was used for something else", replayed=answer.replayed)


def mailpartner(function: str, parameters: dict[str, Any], /, **other: Any) -> str:
    inner = {"parameters": parameters["parameters"] | other.pop("parameters", {})} if "parameters" in parameters else {}
    answer = ask_mailpartner(function, {**KEY, **parameters, **inner, **other}, "order-7")
    return _told("" if answer.code == 200 else answer.code, 97, replayed=answer.replayed)


def ozeki(parameters: dict[str, str], /, **other: str) -> str:
    answer = ask_ozeki({**OZEKI_ADMIN, **parameters, **other}, "order-7")
    return _told("" if answer.code is None else answer.code, 8, replayed=answer.replayed)


def operations(event: dict[str, Any], **other: Any) -> str:
    answer = open_account(event | {"idempotency_key": "order-7"} | other, Context("OpenAccount"))
    return _told(answer.get("error", ""), "KeyReused", replayed=answer.get("replayed", False))


def _told(error: object, reused: object, *, replayed: bool) -> str:
    if error:
        return REUSED if error == reused else f"refused: {error}"
    return REPLAYED if replayed else DONE


@dataclass(frozen=True)
class Line:
    """One operation: whose key it is, what it stands for, the claim's digest of that, and requests that differ."""

    send: Send
    scope: int
    content: tuple[str | int, ...]
    digest: str
    others: tuple[dict[str, Any], ...]


NOTE = {"reason": "why", "metadata": {"b": "2", "a": "1"}}
NOTED = '{"metadata":{"a":"1","b":"2"},"reason":"why"}'
OTHER_NOTES: tuple[dict[str, Any], ...] = (
    {"reason": "why not"},
    {"reason": None},
    {"metadata": {"a": "1", "b": "3"}},
    {"metadata": {}},
)
CHANGE = {"reference": "ref-1", **NOTE}
OTHER_CHANGES: tuple[dict[str, Any], ...] = (
    {"id": demo.ACME},
    {"unit": "email"},
    {"amount": -4},
    {"kind": "adjustment"},
    {"reference": "ref-2"},
    {"reference": None},
    *OTHER_NOTES,
)
NEW_SUBACCOUNT = {
    "type": "advanced",
    "parameters": {
        "email": "jane@shop.example",
        "isBuyer": 1,
        "creditToAttribute": "10.5",
        "title": "Shop",
        "firstname": "Jane",
        "lastname": "Doe",
    },
}
HOLD = "TR5J1TNQ18H6BCFL"

OPERATIONS: dict[str, Line] = {
    "operations: open account": Line(
        partial(
            operations,
            {"role": "user", "operator": demo.ADMIN, "username": "mary", "balances": {"sms": 5, "email": 7, "EUR": 9}},
        ),
        HOUSE,
        ("openaccount", "user", demo.ADMIN, "mary", "EUR", 9, "email", 7, "sms", 5),
        "0d90393424e9e0f5d5feeedea574e4a2ea6cd0c01ae703bf37a9d48f08c5c643",
        (
            {"username": "mark"},
            {"role": "admin", "operator": None},
            {"balances": {"sms": 7, "email": 5, "EUR": 9}},
            {"balances": {"sms": 5}},
        ),
    ),
    "operations: open operator": Line(
        partial(operations, {"role": "admin", "username": "acme"}),
        HOUSE,
        ("openaccount", "admin", HOUSE, "acme"),
        "83d2c4b785af0667d2e5368b2bde89b887b612bc7873a284eec8d2adf69bb487",
        ({"username": "acne"}, {"balances": {"sms": 1}}),
    ),
    "api: create account": Line(
        partial(
            ledger_call,
            create_account,
            {},
            {"name": "Mary", "parent": demo.JOHN, "metadata": {"b": "2", "a": "1"}, "balances": {"sms": 5, "EUR": 9}},
        ),
        demo.ADMIN,
        ("create account", demo.JOHN, "Mary", '{"a": "1", "b": "2"}', "EUR", 9, "sms", 5),
        "ddf848253d52e22badd910d6f7e87560202294c88229da8e3f5d6b9782b994c1",
        (
            {"name": "Mark"},
            {"parent": None},
            {"metadata": {"a": "2", "b": "1"}},
            {"balances": {"sms": 9, "EUR": 5}},
            {"balances": {"sms": 5}},
        ),
    ),
    "api: top up credit": Line(
        partial(ledger_call, change_balance, SMS_OF_JOHN, {"kind": "topup", "amount": 40, **CHANGE}),
        demo.ADMIN,
        ("change", demo.JOHN, "sms", "topup", 40, "ref-1", NOTED),
        "4e8b2170314d3f1647e64bcbd8962c63000ca675b0c86621f9766beb3514f099",
        ({"kind": "adjustment"}, {"amount": 41}),
    ),
    "api: spend credit": Line(
        partial(ledger_call, change_balance, SMS_OF_JOHN, {"kind": "spend", "amount": -40, **CHANGE}),
        demo.ADMIN,
        ("change", demo.JOHN, "sms", "spend", -40, "ref-1", NOTED),
        "e99fc24ee72d4e4a8338b002da98e39e6dcd59b4deed936c33961e2f19166c96",
        OTHER_CHANGES,
    ),
    "api: adjust credit": Line(
        partial(ledger_call, change_balance, SMS_OF_JOHN, {"kind": "adjustment", "amount": -40}),
        demo.ADMIN,
        ("change", demo.JOHN, "sms", "adjustment", -40, "", ""),
        "5dd170de8b94e8b9d186894027ddfc2f668f3fd93210e9a53db36e1f8a389701",
        ({"kind": "spend"}, {"amount": 40}, {"reference": "ref-1"}),
    ),
    "api: a change of a batch": Line(
        partial(batch, {"account": demo.JOHN, "unit": "sms"}, {"kind": "spend", "amount": -40, **CHANGE}),
        demo.ADMIN,
        ("change", demo.JOHN, "sms", "spend", -40, "ref-1", NOTED),
        "e99fc24ee72d4e4a8338b002da98e39e6dcd59b4deed936c33961e2f19166c96",
        ({"account": demo.ACME}, *OTHER_CHANGES[1:]),
    ),
    "api: transfer": Line(
        partial(
            ledger_call,
            transfer_credit,
            {},
            {"payer": demo.JOHN, "payee": demo.ACME, "unit": "sms", "amount": 40, **NOTE},
        ),
        demo.ADMIN,
        ("transfer", demo.JOHN, demo.ACME, "sms", 40, NOTED),
        "74d2957790c90bcb31959959d7e8d56f301ff04c03e181670f7af9818dff58fe",
        (
            {"payer": demo.ACME, "payee": demo.JOHN},
            {"payer": demo.ADMIN},
            {"payee": demo.ADMIN},
            {"unit": "EUR"},
            {"amount": 41},
            *OTHER_NOTES,
        ),
    ),
    "api: top up a package": Line(
        partial(ledger_call, top_up_account, {"id": demo.JOHN}, {"package": "starter", **NOTE}),
        demo.ADMIN,
        ("topup", demo.JOHN, "starter", NOTED),
        "c8482c6642105df6afd36d45e033512690ce549fb3709b5a1b8a643841930f3f",
        ({"id": demo.ACME}, {"package": "2"}, *OTHER_NOTES),
    ),
    "api: reserve": Line(
        partial(ledger_call, reserve_credit, SMS_OF_JOHN, {"amount": 40, "expires_in_s": 60, **CHANGE}),
        demo.ADMIN,
        ("reserve", demo.JOHN, "sms", 40, 60, "ref-1", NOTED),
        "41407ee18cb7845d0a7ba7ac935e0dcb0a1a2337a1b24dea597c48cbd30323a2",
        (
            {"id": demo.ACME},
            {"unit": "email"},
            {"amount": 60, "expires_in_s": 40},
            {"amount": 41},
            {"expires_in_s": 61},
            {"reference": "ref-2"},
            *OTHER_NOTES,
        ),
    ),
    "api: capture": Line(
        partial(ledger_call, capture_hold, {**SMS_OF_JOHN, "hold": HOLD}, {"amount": 10, **NOTE}),
        demo.ADMIN,
        ("capture", demo.JOHN, "sms", HOLD, 10, NOTED),
        "66f10440c24b9ee8cc99dc006c85c8b07466e2b99e7367c547a9a1578769dd7b",
        ({"amount": 11}, {"hold": HOLD[:-1] + "1"}, *OTHER_NOTES),
    ),
    "api: release": Line(
        partial(ledger_call, release_hold, {**SMS_OF_JOHN, "hold": HOLD}, None),
        demo.ADMIN,
        ("release", demo.JOHN, "sms", HOLD),
        "90b575bfc42918701df11683922e916723283fa331c77624841e285bcc36d0aa",
        ({"hold": HOLD[:-1] + "1"}, {"unit": "email"}, {"id": demo.ACME}),
    ),
    "api: issue a key": Line(
        partial(
            ledger_call, issue_key, {}, {"name": "shop", "scopes": ["spend", "read", "adjust"], "account": demo.JOHN}
        ),
        demo.ADMIN,
        ("issue key", "shop", demo.JOHN, "adjust", "read", "spend"),
        "55c88dc572b794c15d189d30b2904b344afca85cffe54a12119fb6c46eeb94ae",
        ({"name": "web"}, {"account": demo.ACME}, {"account": None}, {"scopes": ["spend", "read"]}),
    ),
    "api: issue a key that expires": Line(
        partial(ledger_call, issue_key, {}, {"name": "shop", "scopes": ["read"], "expires_in_days": 30}),
        demo.ADMIN,
        ("issue key", "shop", 0, "read", 30),
        "0fd8d86dc33d570a51a8a57fbe111c3f86c548e8ccf372453b1ce5b54c667127",
        ({"expires_in_days": 31}, {"expires_in_days": None}),
    ),
    "api: issue a key to everything": Line(
        partial(ledger_call, issue_key, {}, {"name": "shop", "scopes": ["admin"]}),
        demo.ADMIN,
        ("issue key", "shop", 0, "admin"),
        "cb9b948e70da5fa95b356a264e38b222ea39bc66285e0e1da64cb97a6fa79f07",
        ({"account": demo.JOHN}, {"scopes": ["read"]}),
    ),
    "everlytic: create": Line(
        partial(everlytic, "POST", "", {"name": "Mary", "sms_quota": 5, "email": "Mary@x.example", "status": "off"}),
        demo.ADMIN,
        ("createcustomer", "email", "Mary@x.example", "name", "Mary", "sms_quota", 5, "status", "off"),
        "3a83de6949df5618e038af4237dd43398ba096008001c56dece654bc41a1ea49",
        ({"name": "Mark"}, {"email": "mark@x.example"}, {"sms_quota": 6}, {"status": "on"}, {"country": "ZA"}),
    ),
    "everlytic: update": Line(
        partial(everlytic, "PUT", "/{customer}", {"name": "Mary", "email_quota": 5, "deleted": "no"}),
        demo.ADMIN,
        ("updatecustomer", demo.ACME, "email_quota", 5, "name", "Mary"),
        "baf62359942b896cb643248de059cdaba2c1b15f7f93717fdf71ba315d80e714",
        ({"customer": demo.JOHN}, {"name": "Mark"}, {"email_quota": 6}, {"sms_quota": 5}, {"deleted": "yes"}),
    ),
    "everlytic: delete": Line(
        partial(everlytic, "DELETE", "/{customer}", None),
        demo.ADMIN,
        ("deletecustomer", demo.ACME),
        "d7291d8dfd8dc42471f72fe51d331d24b9adb232819734ecf6dc485b88fed08b",
        ({"customer": demo.JOHN},),
    ),
    "everlytic: top up": Line(
        partial(everlytic, "PUT", "/topup/{customer}/{package}", None),
        demo.ADMIN,
        ("topupcustomer", demo.ACME, "starter"),
        "fe11ee17a80011a1818e871c65da484b132d32487f42a4f124c23ea03cd18328",
        ({"customer": demo.JOHN}, {"package": "2"}),
    ),
    "mailpartner: add": Line(
        partial(mailpartner, "AddCredit", {"tokenSubaccount": demo.TOKEN, "credit": "10.5"}),
        demo.ADMIN,
        ("addcredit", demo.SUBACCOUNT, "EUR", 10_500),
        "2e4c874de0678202eef3518f162e9fab8f54c187f7e7995cbc4661ad4a66bce2",
        ({"credit": "10.501"}, {"tokenSubaccount": OTHER_TOKEN}),
    ),
    "mailpartner: remove credit": Line(
        partial(mailpartner, "RemoveCredit", {"tokenSubaccount": demo.TOKEN, "credit": "10.5"}),
        demo.ADMIN,
        ("removecredit", demo.SUBACCOUNT, "EUR", 10_500),
        "d756237b0a710819c574ab128b47ee1f614e7f5cb036a659e899790ed6536d68",
        ({"credit": "10.501"},),
    ),
    "mailpartner: create": Line(
        partial(mailpartner, "CreateSubaccount", NEW_SUBACCOUNT),
        demo.ADMIN,
        ("createsubaccount", "advanced", "jane@shop.example", 1, 10_500, "Shop", "Jane", "Doe"),
        "ee803ed5f9fb28fc69500d625046b2b3cc5c60da1c8c0464ed83e62305acbd83",
        (
            {"type": "simple"},
            {"parameters": {"email": "jack@shop.example"}},
            {"parameters": {"isBuyer": 0}},
            {"parameters": {"creditToAttribute": "10"}},
            {"parameters": {"title": "Jane", "firstname": "Shop"}},
            {"parameters": {"firstname": "Doe", "lastname": "Jane"}},
        ),
    ),
    "mailpartner: remove": Line(
        partial(mailpartner, "RemoveSubaccount", {"token": demo.TOKEN}),
        demo.ADMIN,
        ("removesubaccount", demo.SUBACCOUNT),
        "fa7ad56db4f8e19088586c4c89fd8526a7f6c29e212422978b7fd83b4d13a292",
        ({"token": OTHER_TOKEN},),
    ),
    "ozeki: add": Line(
        partial(ozeki, {"action": "addcredits", "useraccount": "john", "add": "5"}),
        demo.ADMIN,
        ("addcredits", demo.JOHN, "sms", 5),
        "9f9bc1261b8a6da374d7c684344879754f24d72f0c68e31a4c781127602e7a6e",
        ({"add": "6"}, {"useraccount": "admin"}, {"action": "setcredits", "newbalance": "5"}),
    ),
    "ozeki: set": Line(
        partial(ozeki, {"action": "setcredits", "useraccount": "john", "newbalance": "5"}),
        demo.ADMIN,
        ("setcredits", demo.JOHN, "sms", 5),
        "562edca73611f38a2702d60a874b972609990d67088bdb877f2104ea12070363",
        ({"newbalance": "6"}, {"useraccount": "admin"}, {"action": "addcredits", "add": "5"}),
    ),
    "ozeki: create user": Line(
        partial(ozeki, {"action": "createuser", "name": "mary", "type": "SMPP"}),
        demo.ADMIN,
        ("createuser", "mary"),
        "bff8869008b6231b97fdace80e3d86b6f691f476f6c2c12229f4166a1ac0a331",
        ({"name": "mark"}, {"name": "john", "action": "stopuser"}),
    ),
    "ozeki: configure user": Line(
        partial(ozeki, {"action": "configuser", "name": "john", "PASSWORD": "new-secret"}),
        demo.ADMIN,
        ("configuser", demo.JOHN, FINGERPRINT),
        "7d3e49018dba69211ca97d63c97e17b4614b999185658ce52f9cf91228e2ffaf",
        ({"PASSWORD": "new-secret-2"}, {"name": "jack"}),
    ),
    **{
        f"ozeki: {action}": Line(
            partial(ozeki, {"action": action, "name": "jack"}),
            demo.ADMIN,
            (action, JACK),
            digest,
            ({"name": "john"}, *({"action": other} for other in ONE_STEP if other != action)),
        )
        for action, digest in ONE_STEP.items()
    },
}


@pytest.fixture
def _with_a_hold(ledger: Table) -> None:
    """Open the hold that captures and releases are about, a second sub-account, and a second user."""
    then = replace(ledger, now_ms=lambda: FAR_MS, random_bits=Random(1).getrandbits)
    assert holds.reserve(then, demo.ADMIN, demo.JOHN, "sms", 50, lives_ms=1_000, actor=demo.ADMIN).hold == HOLD
    token: dict[str, str | int] = {"token": OTHER_TOKEN}
    names = [Name("token", f"T#{OTHER_TOKEN}")]
    opening.open_account(ledger, demo.ADMIN, actor=demo.ADMIN, names=names, properties=token)
    jack = [credentials.user_name("jack")]
    opening.open_account(ledger, demo.ADMIN, actor=demo.ADMIN, account=JACK, username="jack", names=jack)


@pytest.mark.usefixtures("_with_a_hold")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_key_stands_for_every_part_of_what_was_asked(ledger: Table, operation: str) -> None:
    line = OPERATIONS[operation]
    assert line.send() == DONE
    claim = ledger.get(claim_key(line.scope, "order-7"))
    assert claim is not None
    assert claim["d"]["B"] == CallerKey(line.scope, "order-7", line.content).digest()
    assert claim["d"]["B"].hex() == line.digest, "no claim made before this would know its request again"

    before = items(ledger)
    assert [line.send(**other) for other in line.others] == [REUSED] * len(line.others)
    assert line.send() == REPLAYED
    assert items(ledger) == before


def test_every_endpoint_that_takes_a_key_has_a_line() -> None:
    modules = [module for modules in openapi.ENDPOINTS.values() for module in modules if module.ENDPOINT.keyed]
    told = {line.send.args[0] for line in OPERATIONS.values() if line.send.func is ledger_call}
    assert {*modules} - {change_balances} == told
