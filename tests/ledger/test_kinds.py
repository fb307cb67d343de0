"""All that there is to know of a kind of entry stands in its one line of `ledger/kinds.py`."""

import pytest

from ledger import metrics
from ledger.entry import Entry, Posted
from ledger.kinds import BY_NUMBER, Kind
from tests.logged import counted

ABOUT = {
    Kind.OPENING: (1, "opening", "topup", {"CreditsAdded": 5}),
    Kind.TOP_UP: (2, "topup", "topup", {"CreditsAdded": 5}),
    Kind.SPEND: (3, "spend", "spend", {"CreditsAdded": 5}),
    Kind.ADJUSTMENT: (4, "adjustment", "adjust", {"CreditsAdded": 5}),
    Kind.SET: (5, "set", "admin", {"CreditsAdded": 5}),
    Kind.TRANSFER_IN: (6, "transfer_in", "transfer", {}),
    Kind.TRANSFER_OUT: (7, "transfer_out", "transfer", {}),
    Kind.RESERVE: (8, "reserve", "spend", {"CreditsAdded": 5}),
    Kind.CAPTURE: (9, "capture", "spend", {"CreditsAdded": 5}),
    Kind.RELEASE: (10, "release", "spend", {"CreditsAdded": 5}),
}
"""Number, word, scope, and what is counted where one adds 5. The numbers are stored, the words are told."""


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_has_its_number_word_scope_and_metric(kind: Kind, capsys: pytest.CaptureFixture[str]) -> None:
    metrics.report("an earlier test", {})
    capsys.readouterr()

    metrics.count_entry("sms", Posted(1, b"key", Entry(kind, 5, 0, actor=1), before=0, after=5, held=0))
    metrics.report("ledger", {})

    figures = {metric: figure for (_, _, metric), figure in counted(capsys.readouterr().out).items()}
    assert (int(kind), kind.word, kind.scope, figures) == ABOUT[kind]
    assert BY_NUMBER[int(kind)] is kind
