"""The demo data that the local gateway starts with, and how to call each API on it.

Every file in events/ is a request to it that succeeds, so the names that only the ledger chooses, a hold's and a key's,
are the same on every machine and every day. What one event takes away another may miss: start afresh, or send the
events of what is left.
"""

from dataclasses import replace

from ledger import api_keys
from ledger.accounts import HOUSE, Role
from ledger.balance import change
from ledger.change import Change
from ledger.claims import CallerKey
from ledger.credentials import api_key, by_scoped_key, password
from ledger.entry import key_time_ms
from ledger.kinds import Kind, Scope
from ledger.names import Name, unique_names
from ledger.opening import open_account
from ledger.packages import Package, put
from ledger.table import Table

ADMIN = 100
JOHN = 101
ACME = 1
API_KEY = "demo-api-key"
SUBACCOUNT = 102
TOKEN = "demo-subaccount"
HOLD = "TR5J1TG000000001"
HOLD_EXPIRES_MS = 4_102_444_800_000  # 2100
JOHNS_KEY = "demo-key-of-john"
KEY_ID = "019ab0f61c3e7d2a8f00112233445566"
ADMINS_KEY_ID = "019ab0f61c3e7d2a8f00112233445500"
LAST_LINE = "Ctrl-C ends it. What follows is what the functions log."


def seed(table: Table) -> None:
    """Open the demo's accounts. On an engine that kept them this is a replay, which changes nothing."""
    open_account(
        table,
        HOUSE,
        actor=HOUSE,
        role=Role.ADMIN,
        account=ADMIN,
        username="admin",
        names=[password("admin", "abc123"), api_key(API_KEY)],
        balances={"EUR": 2_769_200, "transactions": 1_000},
        also=api_keys.first_listed(table, API_KEY, ADMINS_KEY_ID),
        caller_key=CallerKey(HOUSE, "demo: admin", ("openaccount", ADMIN)),
    )
    open_account(
        table,
        ADMIN,
        actor=ADMIN,
        account=JOHN,
        username="john",
        names=[password("john", "john123")],
        balances={"sms": 500},
        caller_key=CallerKey(HOUSE, "demo: john", ("openaccount", JOHN)),
    )
    acme: dict[str, str | int] = {"name": "Acme", "email": "info@acme.example"}
    open_account(
        table,
        ADMIN,
        actor=ADMIN,
        account=ACME,
        names=unique_names(ADMIN, acme),
        properties=acme,
        caller_key=CallerKey(HOUSE, "demo: acme", ("openaccount", ACME)),
    )
    put(table, ADMIN, Package("2", "1,000 e-mails", {"email": 1_000}, "9.00", "EUR"))
    put(table, ADMIN, Package("starter", "Starter", {"email": 500, "sms": 100, "transactions": 50}, "25.00", "EUR"))
    profile: dict[str, str | int] = {"token": TOKEN, "type": "simple", "email": "demo@subaccount.invalid"}
    open_account(
        table,
        ADMIN,
        actor=ADMIN,
        account=SUBACCOUNT,
        names=[Name("token", f"T#{TOKEN}"), *unique_names(ADMIN, profile)],
        properties=profile,
        balances={"EUR": 161_800},
        caller_key=CallerKey(HOUSE, "demo: sub-account", ("openaccount", SUBACCOUNT)),
    )
    _hold(table)
    _issue_key(table)


def _hold(table: Table) -> None:
    """Open HOLD on the operator's own transactions, which nothing else here is about.

    A hold is named by when it expires and 38 random bits of the key that opened it. So the clock is the right one, but
    held still, and the life is what is left until then; that it is no more than 31 days is `holds.reserve`'s rule, not
    the balance's. A clock put forward would do, too, but leave a key from the future in the tail: every key after it
    would look old.
    """
    now_ms = table.now_ms()
    still = replace(table, now_ms=lambda: now_ms, random_bits=lambda _: 1)
    wanted = Change(
        HOUSE, ADMIN, "transactions", Kind.RESERVE, -100, ADMIN, held=100, lives_ms=HOLD_EXPIRES_MS - now_ms
    )
    change(still, wanted, CallerKey(HOUSE, "demo: hold", ("hold", ADMIN)))


def _issue_key(table: Table) -> None:
    """Issue an API key for john's account under KEY_ID, a UUIDv7: as of the time, and with the random bits, in it."""
    key = bytes.fromhex(KEY_ID)
    random = (int.from_bytes(key[6:8]) & 0xFFF) << 62 | int.from_bytes(key[8:]) & (1 << 62) - 1
    then = replace(table, now_ms=lambda: key_time_ms(key), random_bits=lambda _: random)
    api_keys.issue(
        then,
        by_scoped_key(table, API_KEY),
        JOHNS_KEY,
        name="web shop",
        scopes=frozenset({Scope.READ, Scope.SPEND}),
        subtree=JOHN,
        caller_key=CallerKey(HOUSE, "demo: key", ("issue key", JOHN)),
    )


def banner(base_url: str) -> str:
    """Say what there is and how to call it."""
    as_admin = "username=admin&password=abc123"
    credit = f'"apiKey":"{API_KEY}","credit":"100","tokenSubaccount":"{TOKEN}"'
    wanted = f'"apiKey":"{API_KEY}","type":"simple","parameters":{{"title":"Jane","creditToAttribute":10}}'
    customers = f"{base_url}/api/2.0/customers"
    call = f"<methodName>GetCustomer</methodName><params><param><value><int>{ACME}</int></value></param></params>"
    as_bearer = f"-H 'Authorization: Bearer {API_KEY}'"
    acme = f"{base_url}/ledger/accounts/{ACME}"
    johns_sms = f"{base_url}/ledger/accounts/{JOHN}/balances/sms"
    return f"""\
Prepaid on {base_url}

  admin  password abc123   account {ADMIN}, API key {API_KEY}
  john   password john123  account {JOHN}, 500 sms credits at first, API key {JOHNS_KEY} to read and spend
  a sub-account of admin's, token {TOKEN}, account {SUBACCOUNT}: 161.8 EUR at first, admin 2769.2 EUR
  a hold on 100 of admin's 1,000 transactions, {HOLD}, until 2100
  Acme   a customer of admin's, account {ACME}; packages to top up: 2 (1,000 e-mails) and starter

Ozeki NG, as its own callers call it; the last line, pasted twice, takes credits away once:

  curl '{base_url}/api?action=addcredits&{as_admin}&useraccount=john&add=244'
  curl '{base_url}/api?action=getcredits&username=john&password=john123'
  curl '{base_url}/api?action=setcredits&{as_admin}&useraccount=john&newbalance=500'
  curl '{base_url}/api?action=createuser&{as_admin}&type=user&name=mary'
  curl '{base_url}/api?action=configuser&{as_admin}&name=mary&PASSWORD=mary-123'
  curl -i -H 'Idempotency-Key: order-1' '{base_url}/api?action=addcredits&{as_admin}&useraccount=john&add=-10'

Everlytic, the first as its PHP sample sends it, with an empty body; one as a form; the last over XML-RPC:

  curl -X PUT -H 'Content-Type: application/json' -d '' -u admin:{API_KEY} {customers}/topup/{ACME}/2
  curl -u admin:{API_KEY} {customers}/{ACME}
  curl -X PUT -u admin:{API_KEY} {customers}/{ACME} -d '{{"email":"office@acme.example"}}'
  curl -X PUT -u admin:{API_KEY} {customers}/{ACME} -d 'email=info%40acme.example&postal_code=2196'
  curl -g -u admin:{API_KEY} '{customers}?filter[email]=info@acme.example'
  curl -u admin:{API_KEY} '{customers}?count=2&order=name' -H 'Accept: application/xml'
  curl -u admin:{API_KEY} {base_url}/api/2.0/xmlrpc/ -H 'Content-Type: text/xml' -d '<methodCall>{call}</methodCall>'

Mailpartner, the first as its PHP sample sends it (JSON that curl labels a form); the last, pasted twice, opens one:

  curl '{base_url}/v1/subaccount/credit/remove' -d '{{{credit}}}'
  curl '{base_url}/v1/subaccount/credit/add' -d 'apiKey={API_KEY}&credit=100.5&tokenSubaccount={TOKEN}'
  curl '{base_url}/v1/subaccount/list?apiKey={API_KEY}'
  curl '{base_url}/v1/me?apiKey={API_KEY}&_format=xml'
  curl -i -H 'Idempotency-Key: open-1' '{base_url}/v1/subaccount/create' -d '{{{wanted}}}'

Our own API, described on {base_url}/ledger/docs; the first, pasted twice, spends once:

  curl -i {as_bearer} -H 'Idempotency-Key: message-1' {johns_sms}/changes -d '{{"kind":"spend","amount":-1}}'
  curl {as_bearer} {johns_sms}/entries
  curl {as_bearer} '{johns_sms}/statement?format=csv'
  curl {as_bearer} -H 'Idempotency-Key: hold-1' {johns_sms}/holds -d '{{"amount":100,"expires_in_s":60}}'
  curl {as_bearer} {base_url}/ledger/accounts/{JOHN}/balances

One customer, one balance: Acme, Everlytic's, becomes a user of Ozeki's and a sub-account of Mailpartner's, too:

  curl -X PUT {as_bearer} {acme}/login -d '{{"username":"acme","password":"correct-horse"}}'
  curl -X PUT {as_bearer} {acme}/token -d '{{"token":"acme-2026-a7Qd"}}'
  curl '{base_url}/api?action=addcredits&{as_admin}&useraccount=acme&add=100'

{LAST_LINE}
"""
