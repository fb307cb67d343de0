"""What is never logged of a request; what is, tests/test_telemetry.py says of all dialects."""

import io

import pytest

from ledger.table import Table
from mailpartner import add_credit
from tests.local import demo
from tests.logged import lines, without_times
from tests.mailpartner.books import break_transactions, no_answer
from tests.mailpartner.caller import HANDLERS, MOVE, add, ask, create, event, send


@pytest.mark.usefixtures("loud")
def test_no_log_line_holds_a_secret_or_what_the_caller_wrote(
    ledger: Table, log: io.StringIO, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "in-the-log"
    new = create(title=secret, email=f"{secret}@example.com").fields["subaccount"]
    token = new["token"]
    ask("GetMe", {"apiKey": new["apiKey"]})
    for function in HANDLERS:
        ask(function, {**MOVE, "credit": 777.313, "token": token}, key=secret)
        ask(function, {**MOVE, "credit": 778, "token": token}, key=secret)
        ask(function, {"apiKey": secret})
        send(function, event(query=f"apiKey={demo.API_KEY}&token={secret}&tokenSubaccount={secret}&credit=777.313"))
        send(function, event(f"{{{secret}"))
        send(function, event() | {"isBase64Encoded": True, "body": secret})
    break_transactions(monkeypatch, add_credit, ledger, no_answer)
    add(777.313, key=secret)

    assert len(lines(log)) == 3 + 6 * len(HANDLERS)
    everything = without_times(log.getvalue() + "".join(capfd.readouterr()))
    for each in (secret, demo.API_KEY, demo.TOKEN, token, new["apiKey"], "apiKey", "777.313", "777313"):
        assert each not in everything
