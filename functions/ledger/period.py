"""A stretch of a balance's history between two instants, as a run of sequence numbers without a gap.

Servers' clocks differ a little, so times may step back within a history while sequence numbers never do. The edges are
the ones `history.at` finds: what the balance was when the period began is what the run begins from.
"""

from dataclasses import dataclass

from ledger import history
from ledger.counter import read
from ledger.entry import Posted
from ledger.table import Table


@dataclass(frozen=True, slots=True)
class Period:
    """The entries `first` to `last` of a balance; none if `last` is below `first`."""

    account: int
    unit: str
    first: int
    last: int

    def entries(self, table: Table, *, limit: int, before: int | None = None) -> list[Posted]:
        """Read up to `limit` of its entries, newest first, of those with a sequence number below `before`."""
        end = self.last + 1 if before is None else min(before, self.last + 1)
        limit = min(limit, end - self.first)
        return history.entries(table, self.account, self.unit, limit=limit, before=end) if limit > 0 else []


def find_period(table: Table, account: int, unit: str, since_ms: int | None, until_ms: int | None) -> Period:
    """Find the entries made from `since_ms` on and before `until_ms`, milliseconds since 1970; None: no such edge."""
    first = 1 if since_ms is None else _made_before(table, account, unit, since_ms) + 1
    if until_ms is None:
        return Period(account, unit, first, read(table, account, unit).sequence)
    return Period(account, unit, first, _made_before(table, account, unit, until_ms))


def _made_before(table: Table, account: int, unit: str, time_ms: int) -> int:
    posted = history.at(table, account, unit, time_ms - 1)
    return posted.sequence if posted else 0
