"""The demo data that the local gateway starts with, and how to call each API on it."""

from ledger.accounts import HOUSE, Role, open_account
from ledger.claims import CallerKey
from ledger.credentials import api_key, password
from ledger.table import Table

ADMIN = 100
JOHN = 101
API_KEY = "demo-api-key"


def seed(table: Table) -> None:
    """Open the demo's two accounts. On an engine that kept them this is a replay, which changes nothing."""
    open_account(
        table,
        HOUSE,
        actor=HOUSE,
        role=Role.ADMIN,
        account=ADMIN,
        username="admin",
        names=[password("admin", "abc123"), api_key(API_KEY)],
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


def banner(base_url: str) -> str:
    """Say what there is and how to call it."""
    as_admin = "username=admin&password=abc123"
    return f"""\
Prepaid on {base_url}

  admin  password abc123   account {ADMIN}, API key {API_KEY}
  john   password john123  account {JOHN}, 500 sms credits at first

Ozeki NG, as its own callers call it; the last line, pasted twice, takes the credits away once:

  curl '{base_url}/api?action=addcredits&{as_admin}&useraccount=john&add=244'
  curl '{base_url}/api?action=getcredits&username=john&password=john123'
  curl '{base_url}/api?action=setcredits&{as_admin}&useraccount=john&newbalance=500'
  curl -i -H 'Idempotency-Key: order-1' '{base_url}/api?action=addcredits&{as_admin}&useraccount=john&add=-10'
"""
