import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from api import change_balance, get_balance, get_statement, list_entries, wire
from api.fields import rfc_3339
from tests.api.caller import Answer, ask
from tests.demo_ledger import SEEDED_MS, demo_ledger

CHANGES = 40
STARTED_MS = SEEDED_MS + 60_000


@pytest.fixture(scope="module", autouse=True)
def history() -> Iterator[None]:
    """Spend 1 of john's 500 every second for CHANGES seconds; every tenth change is a top-up of 100."""
    with demo_ledger() as ledger, pytest.MonkeyPatch.context() as patch:
        for number in range(CHANGES):
            patch.setattr(wire, "table", replace(ledger, now_ms=partial(at_ms, number)))
            kind, amount = ("topup", 100) if number % 10 == 9 else ("spend", -1)
            body = {"kind": kind, "amount": amount, "reason": f"message {number}", "reference": f"m{number}"}
            assert ask(change_balance, body, id=101, unit="sms", key=f"{number}").status == 201
        patch.setattr(wire, "table", ledger)
        yield


def at_ms(number: int) -> int:
    """Say when change `number` was made; it has the sequence number two above, after the opening."""
    return STARTED_MS + 1_000 * number


def instant(number: int, ms: int = 0) -> str:
    return rfc_3339(at_ms(number) + ms)


def entries(**parameters: Any) -> Answer:
    return ask(list_entries, id=101, unit="sms", **parameters)


def sequences(answer: Answer) -> list[int]:
    return [each["sequence"] for each in answer["entries"]]


def test_entries_come_newest_first_page_by_page_without_a_gap() -> None:
    seen: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = entries(limit=7, **cursor)
        seen += page["entries"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [each["sequence"] for each in seen] == list(range(CHANGES + 1, 0, -1))
    assert all(newer["before"] == older["after"] for newer, older in pairwise(seen))
    assert [each["reason"] for each in seen[:2]] == ["message 39", "message 38"]
    assert seen[-1]["kind"] == "opening"


def test_a_period_begins_with_from_and_ends_before_to() -> None:
    assert sequences(entries(from_=instant(36))) == [41, 40, 39, 38]
    assert sequences(entries(from_=instant(36, +1))) == [41, 40, 39]
    assert sequences(entries(to=instant(1))) == [2, 1]
    assert sequences(entries(to=instant(1, +1))) == [3, 2, 1]
    assert sequences(entries(from_=instant(10), to=instant(12))) == [13, 12]
    assert sequences(entries(from_=instant(12), to=instant(12))) == []
    assert sequences(entries(from_=instant(12), to=instant(10))) == []
    assert sequences(entries(to="1969-12-31T23:59:59Z")) == []
    assert entries(from_=instant(36), limit=4)["next_cursor"] is None
    assert entries(from_=instant(36), limit=3)["next_cursor"] == 39


def test_an_instant_may_have_any_offset() -> None:
    utc = instant(36)
    hour = int(utc[11:13])
    east = f"{utc[:11]}{(hour + 2) % 24:02}{utc[13:-1]}+02:00"
    if hour < 22:
        assert sequences(entries(from_=east)) == [41, 40, 39, 38]


def test_a_kind_can_be_asked_for() -> None:
    assert sequences(entries(kind="topup")) == [41, 31, 21, 11]
    first = entries(kind="topup", limit=2)
    assert (sequences(first), first["next_cursor"]) == ([41, 31], 31)
    assert sequences(entries(kind="topup", limit=2, cursor=31)) == [21, 11]
    assert sequences(entries(kind="capture")) == []


def test_a_balance_is_told_as_it_was() -> None:
    def balance(**at: str) -> tuple[int, int]:
        told = ask(get_balance, id=101, unit="sms", **at)
        return told["sequence"], told["available"]

    assert balance() == (41, 500 - 36 + 400)
    assert balance(at=instant(0, -1)) == (1, 500)
    assert balance(at=instant(0)) == (2, 499)
    assert balance(at=instant(9)) == (11, 591)
    assert balance(at="2019-12-31T23:59:59Z") == (0, 0)
    assert balance(at="9999-12-31T23:59:59.999999999-23:59") == balance()


def test_a_unit_never_used_has_a_history_of_nothing() -> None:
    assert ask(list_entries, id=101, unit="EUR").body == {"entries": [], "next_cursor": None}
    assert ask(get_balance, id=101, unit="EUR")["available"] == 0
    assert ask(get_statement, id=101, unit="EUR").body.count("\r\n") == 1


def test_a_statement_adds_up() -> None:
    told = ask(get_statement, id=101, unit="sms", from_=instant(5), to=instant(15))
    rows = list(csv.DictReader(io.StringIO(told.body)))
    assert [row["sequence"] for row in rows] == [str(number) for number in range(7, 17)]
    assert int(rows[0]["before"]) + sum(int(row["amount"]) for row in rows) == int(rows[-1]["after"])
    assert rows[0]["time"] == instant(5)
    assert [row["reason"] for row in rows] == [f"message {number}" for number in range(5, 15)]
    assert told.headers["content-disposition"] == "attachment; filename=101-sms.csv"


def test_a_statement_for_people_has_a_chart_and_no_script() -> None:
    told = ask(get_statement, id=101, unit="sms", format="html")
    page = fromstring(told.body.replace("<!DOCTYPE html>\n", "").replace('<meta charset="utf-8">', ""))
    (said,) = page.findall("body/p")
    (line,) = page.findall("body/svg/path")
    assert said.text == "From 0 to 864 in 41 entries."
    assert line.attrib["d"].count("V") == CHANGES + 2
    assert len(page.findall("body/table/tbody/tr")) == CHANGES + 1
    policy = told.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
    assert "<script" not in told.body


def test_what_callers_wrote_is_text_in_a_statement() -> None:
    texts = ("<b>&\"'", "=1+2", "-1", "@x")
    for text in texts:
        body = {"kind": "topup", "amount": 1, "reference": text, "reason": text[::-1]}
        ask(change_balance, body, id=1, unit="sms", key=text)
    page = ask(get_statement, id=1, unit="sms", format="html").body
    assert "<td>&lt;b&gt;&amp;&quot;&#x27;</td><td>&#x27;&quot;&amp;&gt;b&lt;</td>" in page
    rows = list(csv.DictReader(io.StringIO(ask(get_statement, id=1, unit="sms").body)))
    assert [row["reference"] for row in rows] == ["<b>&\"'", "'=1+2", "'-1", "'@x"]
    assert [row["reason"] for row in rows] == ["'\"&>b<", "2+1=", "1-", "x@"]


def cells(text: str, separator: str, *, quotes: bool) -> list[str]:
    """Read CSV as some spreadsheet may: with another separator, or with quotes that are characters like any other."""
    lines = re.split("[\r\n]+", text)
    if quotes:
        return [cell for row in csv.reader(lines, delimiter=separator) for cell in row]
    return [cell.strip('"') for line in lines for cell in line.split(separator)]


@pytest.mark.parametrize("start", "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe63\u2212")
def test_nothing_a_caller_wrote_is_a_formula_to_any_spreadsheet_and_our_numbers_stay_numbers(start: str) -> None:
    before = ("", " ", "\t", "\r", "\n", "\0", "\u00a0", "\ufeff", "a;", "a,", 'a"', "a|", "a\t", "a\n", 'a";"', "a; ")
    for place, written in enumerate(before):
        wanted: dict[str, Any] = {"kind": "adjustment", "amount": -5, "reason": f"{written}{start}1+1"}
        if wanted["reason"].isascii() and wanted["reason"].isprintable() and " " not in written:
            wanted["reference"] = wanted["reason"]
        assert ask(change_balance, wanted, id=102, unit="sms", key=f"{start} {place}").status == 201
    told = ask(get_statement, id=102, unit="sms").body
    for separator in ",;\t|":
        for quotes in (True, False):
            for cell in cells(told, separator, quotes=quotes):
                seen = cell.lstrip().lstrip("\0\ufeff").lstrip()
                assert not seen.startswith(start) or re.fullmatch("-5|-[0-9]+", seen)
    rows = list(csv.DictReader(io.StringIO(told), quoting=csv.QUOTE_NONNUMERIC))
    assert {row["amount"] for row in rows} == {-5}


def test_ordinary_texts_are_told_as_they_were_written() -> None:
    texts = ("3 - 2 = 1", "a+b", "john@example.com", "it's", "20% off", "pages 3-5")
    for text in texts:
        ask(change_balance, {"kind": "topup", "amount": 1, "reason": text}, id=1, unit="email", key=text)
    rows = csv.DictReader(io.StringIO(ask(get_statement, id=1, unit="email").body))
    assert tuple(row["reason"] for row in rows) == texts


def test_a_statement_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_statement, "MOST_ENTRIES", CHANGES + 1)
    assert ask(get_statement, id=101, unit="sms").status == 200
    monkeypatch.setattr(get_statement, "MOST_ENTRIES", CHANGES)
    assert ask(get_statement, id=101, unit="sms").code == "invalid_request"


@pytest.mark.parametrize("form", ["csv", "html"])
def test_a_statement_is_no_longer_than_can_be_sent(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = ask(get_statement, id=101, unit="sms", format=form)
    monkeypatch.setattr(get_statement, "LONGEST_ANSWER", len(json.dumps(told.body)))
    assert ask(get_statement, id=101, unit="sms", format=form).body == told.body
    monkeypatch.setattr(get_statement, "LONGEST_ANSWER", len(json.dumps(told.body)) - 1)
    assert ask(get_statement, id=101, unit="sms", format=form).code == "invalid_request"
