"""A statement: one balance over a period, as a table for programs (CSV) or for people (HTML with a chart)."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from api.explained import read_note
from api.fields import rfc_3339
from api.pages import policy
from ledger.entry import Posted
from ledger.units import Unit

CSV = "text/csv; charset=utf-8"
COLUMNS = ("sequence", "time", "kind", "amount", "before", "after", "actor", "reference", "reason")
_TEXTS = 2  # of the columns, the last: what callers wrote

# What OWASP's page on CSV injection lists, in their full-width and small forms, too, and a minus that is no hyphen.
_STARTS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
# What a spreadsheet may pass over before it looks for one.
_UNSEEN = r"\s\x00-\x1f\x7f-\xa0\xad\u200b-\u200f\u2060\ufeff"
_FORMULA = re.compile(f"[{_UNSEEN}]*[{_STARTS}]")
# What ends a cell in a spreadsheet that separates them by something else, or reads no quotes.
_ENDS = re.compile(r"""([,;|"\t\r\n])""")

_WIDTH, _HEIGHT, _MARGIN = 900, 240, 12
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733 }
table { border-collapse: collapse; width: 100%; margin-top: 1.5rem }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid #d8dee6 }
td { font-variant-numeric: tabular-nums }
th:nth-child(2), th:nth-child(3), th:nth-last-child(-n+2) { text-align: left }
td:nth-child(2), td:nth-child(3), td:nth-last-child(-n+2) { text-align: left }
svg { width: 100%; height: auto; background: #f5f7fa; margin-top: 1rem }
.line { fill: none; stroke: #1769aa; stroke-width: 2 } .zero { stroke: #b3bdc9; stroke-dasharray: 4 4 }
"""
POLICY = policy(_STYLE)
"""The Content-Security-Policy under which the page is shown."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A balance's entries in a period, oldest first, without a gap. Amounts are in the unit's smallest part.

    `notes` are the long texts of those that have some, by their keys.
    """

    account: int
    unit: str
    opening: int
    entries: Sequence[Posted]
    notes: Mapping[bytes, str]

    @property
    def closing(self) -> int:
        """The balance at the end of the period."""
        return self.entries[-1].after if self.entries else self.opening

    def csv(self) -> str:
        """Write the entries as CSV (RFC 4180), with a header line. Texts are in quotes and numbers are not."""
        written = io.StringIO()
        rows = csv.writer(written, quoting=csv.QUOTE_NONNUMERIC)
        rows.writerow(COLUMNS)
        rows.writerows([*cells[:-_TEXTS], *map(_no_formula, cells[-_TEXTS:])] for cells in self._rows())
        return written.getvalue()

    def html(self) -> str:
        """Write a page with the balance as a chart and the entries as a table."""
        title = escape(f"Account {self.account}, {Unit(self.unit).described()}")
        head = "".join(f"<th>{name}</th>" for name in COLUMNS)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>\n" for cells in self._rows()
        )
        return f"""\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>
<body>
<h1>{title}</h1>
<p>From {self.opening:,} to {self.closing:,} in {len(self.entries):,} entries.</p>
{self._chart()}
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}</tbody>
</table>
</body>
</html>
"""

    def _rows(self) -> Iterator[tuple[int | str, ...]]:
        for posted in self.entries:
            entry = posted.entry
            numbers = posted.amount, posted.before, posted.after, entry.actor
            reason, _ = read_note(self.notes.get(posted.key, ""))
            yield posted.sequence, rfc_3339(entry.time_ms), entry.kind.word, *numbers, entry.reference, reason

    def _chart(self) -> str:
        """Draw the balance as steps, one for each entry, from the opening balance on, with a line at zero."""
        points = [self.opening, *(each.after for each in self.entries)]
        low, high = min(0, *points), max(0, *points)

        def y(amount: int) -> str:
            return f"{_HEIGHT - _MARGIN - (amount - low) * (_HEIGHT - 2 * _MARGIN) / (high - low or 1):.1f}"

        step = (_WIDTH - 2 * _MARGIN) / len(points)
        steps = "".join(f"V{y(amount)}h{step:.3f}" for amount in points)
        return (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="the balance after each entry">'
            f'<line class="zero" x1="0" x2="{_WIDTH}" y1="{y(0)}" y2="{y(0)}"/>'
            f'<path class="line" d="M{_MARGIN} {y(points[0])}{steps}"/>'
            "</svg>"
        )


def _no_formula(text: int | str) -> str:
    """Keep a spreadsheet from taking what a caller wrote, or a part of it, for a formula: put an apostrophe before."""
    cells = _ENDS.split(str(text))
    guarded = "".join(f"'{cell}" if _FORMULA.match(cell) else cell for cell in cells)
    return f"'{guarded}" if guarded[:1] in ("\t", "\r", "\n", "\0") else guarded
