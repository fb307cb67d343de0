"""Money is decimal from end to end: no amount is ever a float, in the code or on the wire."""

import ast
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry import AMOUNT_LIMIT
from ledger.table import Table
from ledger.units import Unit
from mailpartner import euros, formats, wire
from mailpartner.euros import Euros
from tests.local import demo
from tests.mailpartner.caller import KEY, MOVE, add, ask, create, event, remove, send
from tests.template import ROOT

SOURCES = [*(ROOT / "functions/mailpartner").glob("*.py"), *(ROOT / "functions/ledger").glob("*.py")]


@given(st.integers(-(10**20), 10**20))
def test_an_amount_is_written_exactly_and_without_padding(thousandths: int) -> None:
    text = str(Euros(thousandths))
    assert Decimal(text) * 1_000 == thousandths
    assert re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]{0,2}[1-9])?", text)
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal) * 1_000 == thousandths


@given(st.integers(1, AMOUNT_LIMIT))
def test_what_is_written_is_read_back(thousandths: int) -> None:
    assert euros.read(str(Euros(thousandths))) == euros.read(Euros(thousandths).padded()) == thousandths


@given(st.text(alphabet="0123456789.-+eE_ ", max_size=20) | st.text(max_size=20))
def test_an_amount_is_read_exactly_or_not_at_all(text: str) -> None:
    try:
        thousandths = euros.read(text)
    except ValueError:
        return
    assert Decimal(text) * 1_000 == thousandths


@pytest.mark.parametrize(("text", "thousandths"), [("0.001", 1), ("1000000000000", AMOUNT_LIMIT)])
def test_amounts_go_from_a_thousandth_to_the_limit(text: str, thousandths: int) -> None:
    assert euros.read(text) == thousandths
    for past in (thousandths - 1 if thousandths == 1 else thousandths + 1,):
        with pytest.raises(ValueError, match="not an amount"):
            euros.read(str(Euros(past)))


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [
        *(("10.5000", 10_500), ("10.5", 10_500), ("0010.50", 10_500), (".5", 500), ("1.", 1_000), ("100", 100_000)),
        *(("100.0", 100_000), (".001", 1), (".0010", 1), (f"{'0' * 30_000}1.{'0' * 30_000}", 1_000)),
        ("1000000000000.0000", AMOUNT_LIMIT),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_exact_amount_is_read_in_every_spelling_of_its_zeros(text: str, thousandths: int) -> None:
    """A DECIMAL(10,4) column gives 10.5000."""
    assert euros.read(text) == thousandths


def floats(source: Path) -> Iterator[str]:
    """Find what could make a float: a literal, a call, a true division, or a JSON reader left to itself."""
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Constant(value=float()) | ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield f"{source.name}:{node.lineno}"
            case ast.Call(func=ast.Name(id="float" | "round")):
                yield f"{source.name}:{node.lineno}"
            case ast.Call(func=ast.Attribute(attr="loads"), keywords=keywords):
                if {keyword.arg for keyword in keywords}.isdisjoint({"parse_float"}):
                    yield f"{source.name}:{node.lineno}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_source_makes_a_float(source: Path) -> None:
    found = list(floats(source))
    # Waiting is not money: how long to wait is the one float there is.
    assert len(found) == (source.name == "table.py"), found


def scalars(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            for each in value.values():
                yield from scalars(each)
        case list():
            for each in value:
                yield from scalars(each)
        case _:
            yield value


def test_no_float_crosses_the_wire_or_reaches_the_table(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    crossed: list[Any] = []

    def spy(value: Any) -> str:
        crossed.extend(scalars(value))
        return formats.to_json(value)

    def watch(params: Any, **_: Any) -> None:
        crossed.extend(scalars(params))

    monkeypatch.setattr(wire, "to_json", spy)
    ledger.client.meta.events.register("provide-client-params.dynamodb", watch)
    try:
        add(100.5)
        remove("0.001")
        create(creditToAttribute=0.1)
        ask("ListSubaccounts", KEY)
        ask("GetMe", KEY)
        ask("RemoveSubaccount", {**KEY, "token": demo.TOKEN})
        made = event(json.dumps({**MOVE, "credit": 1.5}).encode())
        crossed.extend(wire._read(made, {}).parameters.values())
        send("AddCredit", made)
    finally:
        ledger.client.meta.events.unregister("provide-client-params.dynamodb", watch)

    assert {type(each) for each in crossed} == {str, Unit, bool, int, bytes, Euros}
    assert sum(isinstance(each, Euros) for each in crossed) == 4, "two for each transfer"
