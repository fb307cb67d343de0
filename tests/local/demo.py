"""The demo data that the local gateway starts with, and how to call each API on it."""

from ledger.accounts import HOUSE, Role
from ledger.claims import CallerKey
from ledger.credentials import api_key, password
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
        balances={"EUR": 2_769_200},
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


def banner(base_url: str) -> str:
    """Say what there is and how to call it."""
    as_admin = "username=admin&password=abc123"
    credit = f'"apiKey":"{API_KEY}","credit":"100","tokenSubaccount":"{TOKEN}"'
    wanted = f'"apiKey":"{API_KEY}","type":"simple","parameters":{{"title":"Jane","creditToAttribute":10}}'
    customers = f"{base_url}/api/2.0/customers"
    call = f"<methodName>GetCustomer</methodName><params><param><value><int>{ACME}</int></value></param></params>"
    as_bearer = f"-H 'Authorization: Bearer {API_KEY}'"
    johns_sms = f"{base_url}/ledger/accounts/{JOHN}/balances/sms"
    return f"""\
Prepaid on {base_url}

  admin  password abc123   account {ADMIN}, API key {API_KEY}
  john   password john123  account {JOHN}, 500 sms credits at first
  a sub-account of admin's, token {TOKEN}, account {SUBACCOUNT}: 161.8 EUR at first, admin 2769.2 EUR
  Acme   a customer of admin's, account {ACME}; packages to top up: 2 (1,000 e-mails) and starter

Ozeki NG, as its own callers call it; the last line, pasted twice, takes the credits away once:

  curl '{base_url}/api?action=addcredits&{as_admin}&useraccount=john&add=244'
  curl '{base_url}/api?action=getcredits&username=john&password=john123'
  curl '{base_url}/api?action=setcredits&{as_admin}&useraccount=john&newbalance=500'
  curl -i -H 'Idempotency-Key: order-1' '{base_url}/api?action=addcredits&{as_admin}&useraccount=john&add=-10'

Everlytic, the first as its PHP sample sends it, with an empty body; the last over XML-RPC:

  curl -X PUT -H 'Content-Type: application/json' -d '' -u admin:{API_KEY} {customers}/topup/{ACME}/2
  curl -u admin:{API_KEY} {customers}/{ACME}
  curl -X PUT -u admin:{API_KEY} {customers}/{ACME} -d '{{"email":"office@acme.example"}}'
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

{LAST_LINE}
"""
