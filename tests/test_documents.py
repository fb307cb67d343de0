"""What the code points to is in the repository, and the documents are what they say they are."""

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
