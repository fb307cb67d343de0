import json

from defusedxml.ElementTree import fromstring

from ledger import accounts
from ledger.names import Name
from ledger.opening import open_account
from ledger.table import Table
from tests.everlytic.books import MODULES, add
from tests.everlytic.caller import ask, send, top_up
from tests.local import demo
from tests.local.gateway import Context
from tests.template import ROOT

XML = "application/xml"


def test_quotas_are_the_balances_as_they_are(ledger: Table) -> None:
    add(ledger, demo.ACME, "email", 2**31)
    add(ledger, demo.ACME, "sms", -7)
    assert ask("GET", "/1").quotas == (2**31, -7, 0)
    assert ask("GET", f"/{demo.JOHN}").quotas == (0, 500, 0)


def test_text_of_another_dialect_cannot_break_an_answer(ledger: Table) -> None:
    nasty = "\0 \x1b ]]> <a>&amp; \ufffe \ud7ff \U0001f600"
    account = open_account(
        ledger, demo.ADMIN, actor=demo.ADMIN, names=[Name("x", "T#x")], properties={"name": nasty, "email": 7, "x": "y"}
    ).id
    shown = ask("GET", f"/{account}").item
    assert shown["name"] == "\ufffd \ufffd ]]> <a>&amp; \ufffd \ud7ff \U0001f600"
    assert shown["email"] == "7"
    assert ask("GET", f"/{account}", headers={"Accept": XML}).item == shown
    assert fromstring(send("GET", "", headers={"Accept": XML}).data).tag == "response"
    ask("PUT", f"/{account}", {"telephone": "1"})
    assert accounts.get(ledger, demo.ADMIN, account).properties == {
        "name": nasty,
        "email": 7,
        "x": "y",
        "telephone": "1",
    }


def test_an_account_below_a_customer_is_no_customer(ledger: Table) -> None:
    below = open_account(ledger, demo.ACME, actor=demo.ADMIN, balances={"sms": 5}).id
    assert [ask(method, f"/{below}").status for method in ("GET", "DELETE")] == [404, 404]
    assert top_up(below).status == 404
    assert accounts.get(ledger, demo.ACME, below).units == {"sms"}


def test_the_example_events_are_answered(ledger: Table) -> None:
    statuses = {}
    for module in sorted(MODULES, key=lambda module: "delete" in module.__name__):
        name = module.__name__.partition(".")[2]
        example = json.loads((ROOT / "events" / f"{name}.json").read_text())
        statuses[name] = module.lambda_handler(example, Context(name))["statusCode"]
    assert statuses == dict.fromkeys(statuses, 200) | {"create_customer": 201}
    assert len(statuses) == 7
