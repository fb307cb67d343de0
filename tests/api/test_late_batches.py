"""A batch ends before its function does, and says of each change whether it was made."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from api import change_balances
from ledger.table import Table
from tests.api.caller import ask

SLOW_MS = 250  # each time anybody looks at the clock


def test_what_a_slow_batch_has_not_begun_after_six_seconds_is_busy_and_can_be_sent_again(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    topup = {"kind": "topup", "amount": 1}
    changes = [
        {"account": 101, "unit": "sms", "idempotency_key": f"message {number}", "change": topup} for number in range(30)
    ]

    def sent() -> list[dict[str, Any]]:
        answer = ask(change_balances, {"changes": changes})
        assert answer.status == 207
        outcomes: list[dict[str, Any]] = answer["outcomes"]
        return outcomes

    with monkeypatch.context() as slow:
        times = count(ledger.now_ms(), SLOW_MS)
        slow.setattr(Table, "now_ms", property(lambda _: times.__next__, lambda *_: None))
        first = sent()
    made = [each for each in first if each["status"] == 201]
    late = first[len(made) :]
    assert made
    assert {(each["status"], each["problem"]["code"], each["entry"]) for each in late} == {(503, "busy", None)}
    began, ended = (datetime.fromisoformat(each["entry"]["time"]) for each in (made[0], made[-1]))
    assert timedelta(seconds=4) < ended - began < timedelta(seconds=7)

    again = sent()
    assert [each["status"] for each in again] == [201] * 30
    assert [each["replayed"] for each in again] == [True] * len(made) + [False] * len(late)
    assert again[-1]["entry"]["after"] == 530
