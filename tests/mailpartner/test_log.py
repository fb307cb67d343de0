"""What is logged of a request, and what never is."""

import io

import pytest

from ledger.table import Table
from mailpartner import add_credit
from tests.local import demo
from tests.logged import lines
from tests.mailpartner.books import break_transactions, no_answer
from tests.mailpartner.caller import HANDLERS, KEY, MOVE, add, ask, create, event, remove, send


def test_each_request_leaves_one_line_of_numbers_and_names_of_ours(ledger: Table, log: io.StringIO) -> None:
    add(5, key="order 1")
    add(5, key="order 1")
    remove(5)
    create()
    ask("ListSubaccounts", KEY)
    ask("GetMe", KEY)
    ask("RemoveSubaccount", {**KEY, "token": demo.TOKEN})
    add(5)
    ask("AddCredit", {"apiKey": "nobody's"})
    send("AddCredit", event("{"))

    sides = {"caller": 100, "account": 102}
    ours = ("message", "caller", "account", "sequence", "account_sequence", "replayed", "error")
    told = [{name: line[name] for name in ours if name in line} for line in lines(log)]
    created = told[3].pop("account")
    assert isinstance(created, int)
    assert told == [
        {"message": "CreditAdded", **sides, "sequence": 2, "account_sequence": 2},
        {"message": "CreditAdded", **sides, "sequence": 2, "account_sequence": 2, "replayed": True},
        {"message": "CreditRemoved", **sides, "sequence": 3, "account_sequence": 3},
        {"message": "SubaccountCreated", "caller": 100},
        {"message": "SubaccountsListed", "caller": 100},
        {"message": "CreditRead", "caller": 100},
        {"message": "SubaccountRemoved", **sides},
        {"message": "refused", **sides, "error": 7},
        {"message": "refused", "error": 10},
        {"message": "refused", "error": 90},
    ]
    assert {(line["level"], line["correlation_id"]) for line in lines(log)} == {("INFO", "a request")}


def test_no_log_line_holds_a_secret_or_what_the_caller_wrote(
    ledger: Table, log: io.StringIO, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    secret = "in-the-log"
    token = create(title=secret, email=f"{secret}@example.com").fields["subaccount"]["token"]
    for function in HANDLERS:
        ask(function, {**MOVE, "credit": 777, "token": token}, key=secret)
        ask(function, {**MOVE, "credit": 778, "token": token}, key=secret)
        ask(function, {"apiKey": secret})
        send(function, event(query=f"apiKey={demo.API_KEY}&token={secret}&tokenSubaccount={secret}&credit=777"))
        send(function, event(f"{{{secret}"))
        send(function, event() | {"isBase64Encoded": True, "body": secret})
    break_transactions(monkeypatch, add_credit, ledger, no_answer)
    add(777, key=secret)

    assert len(lines(log)) == 2 + 6 * len(HANDLERS)
    everything = log.getvalue() + "".join(capfd.readouterr())
    for each in (secret, demo.API_KEY, demo.TOKEN, token, "apiKey"):
        assert each not in everything
    # As values, not as text: a time stamp may have the same digits.
    assert not {777, 778, 777_000, 778_000} & {value for line in lines(log) for value in line.values()}
