"""What requests did, counted for CloudWatch: a line in its embedded metric format for each unit.

    CreditsAdded, CreditsSpent    in the unit's smallest part. Transfers and holds only move credit; a capture spends it
    Refused, Replayed             requests, and single changes of a batch
    Failed                        requests that met an exception which nobody expected: each one is a bug, or a set-up
                                  that is wrong, and what it has done is not known
    LoginFailed, LoginBlocked     logins by password that were refused, and those of them that were not even looked at
    SlowPath                      searches of the pages for a key that may have left the tail (README.md, Retries)

Each by service, dialect and unit, which is `none` for a request that is not about one. To watch by, not to settle
accounts by: a process that dies right after a change has not counted it. The histories are what is exact.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from ledger.entry import Posted

NAMESPACE = "Prepaid"
NO_UNIT = "none"


class Metric(StrEnum):
    """What is counted."""

    CREDITS_ADDED = "CreditsAdded"
    CREDITS_SPENT = "CreditsSpent"
    FAILED = "Failed"
    LOGIN_BLOCKED = "LoginBlocked"
    LOGIN_FAILED = "LoginFailed"
    REFUSED = "Refused"
    REPLAYED = "Replayed"
    SLOW_PATH = "SlowPath"


# Of the request at hand: a process has one at a time.
_counted: defaultdict[str, Counter[Metric]] = defaultdict(Counter)


def count(metric: Metric, unit: str, figure: int = 1) -> None:
    """Count something that the request at hand did or met."""
    _counted[unit][metric] += figure


def count_entry(unit: str, posted: Posted) -> None:
    """Count the credit that a change added or spent, unless it was made before or only moved credit."""
    # What is on hold is credit still: reserving and releasing it come to nothing.
    amount = posted.amount + posted.entry.held
    if amount and not posted.replayed and posted.entry.kind.counts:
        count(Metric.CREDITS_ADDED if amount > 0 else Metric.CREDITS_SPENT, unit, abs(amount))


def report(dialect: str, log: Mapping[str, object]) -> None:
    """Print what was counted since the last report. How the request ended is read off its log line."""
    asked = str(log.get("unit", NO_UNIT))
    if "failure" in log:
        count(Metric.FAILED, asked)
    elif "error" in log:
        count(Metric.REFUSED, asked)
    if log.get("replayed"):
        count(Metric.REPLAYED, asked)
    for unit, figures in _counted.items():
        line = _line(dialect, unit)
        for metric, figure in figures.items():
            line.add_metric(metric, MetricUnit.Count, figure)
        line.flush_metrics()
        line.clear_metrics()  # which flushing leaves out where a deployment turns metrics off
    _counted.clear()


@cache
def _line(dialect: str, unit: str) -> EphemeralMetrics:
    """Make what prints the lines of these dimensions; there are few of them, and making one costs as much as a line."""
    line = EphemeralMetrics(namespace=NAMESPACE)
    line.set_default_dimensions(dialect=dialect, unit=unit)
    return line
