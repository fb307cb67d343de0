"""The house's own rules: what the code points to exists, rooms stay small, one thing is done in one place."""

import ast
import re
from pathlib import Path

import pytest

from tests.template import ROOT

POINTER = re.compile(r"(?:Design: |\()([\w/]*README\.md), ([\w' ]+?)[.)\n]")
OUTSIDE = re.compile(r"\b(?:ledger|wire|house|operations)\.md\b")
SOURCES = sorted([*ROOT.glob("functions/**/*.py"), *ROOT.glob("tests/**/*.py")])
POINTERS = [
    (path.relative_to(ROOT), document, section)
    for path in SOURCES
    for document, section in POINTER.findall(path.read_text())
]


def headings(document: Path) -> set[str]:
    return set(re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE))


@pytest.mark.parametrize(("path", "document", "section"), POINTERS, ids=lambda each: str(each))
def test_a_pointer_leads_to_a_section_that_exists(path: Path, document: str, section: str) -> None:
    """Look beside the file, or else from functions/ on."""
    beside = ROOT / path.parent / document
    assert section in headings(beside if beside.is_file() else ROOT / "functions" / document)


def test_there_are_pointers() -> None:
    assert len(POINTERS) > 10


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_points_out_of_the_repository(path: Path) -> None:
    assert path == Path(__file__) or not OUTSIDE.search(path.read_text())


@pytest.mark.parametrize("folder", ["", *("api", "everlytic", "ledger", "mailpartner", "operations", "ozeki")])
def test_every_room_has_its_page(folder: str) -> None:
    assert headings(ROOT / "functions" / folder / "README.md")


FUNCTIONS = sorted(ROOT.glob("functions/**/*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 350, 70


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_can_be_seen_at_a_glance(path: Path) -> None:
    source = path.read_text()
    long = [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert not long
    assert len(source.splitlines()) <= LONGEST_FILE


def test_a_cancelled_transaction_is_judged_in_one_place() -> None:
    assert [path.name for path in FUNCTIONS if "CancellationReasons" in path.read_text()] == ["commit.py"]


def test_only_the_table_makes_a_client() -> None:
    assert [path.name for path in FUNCTIONS if "boto3.client(" in path.read_text()] == ["table.py"]


def test_no_dialect_knows_another_and_the_ledger_knows_none() -> None:
    """The one function that answers for all of them, where none does, stands above them."""
    dialects = {"api", "everlytic", "mailpartner", "operations", "ozeki"}
    for path in {*FUNCTIONS} - {ROOT / "functions/refuse_request.py"}:
        room = path.relative_to(ROOT / "functions").parts[0]
        imported = set(re.findall(r"^(?:from|import) (\w+)", path.read_text(), re.MULTILINE))
        assert not imported & (dialects - {room} if room in dialects else dialects), path
