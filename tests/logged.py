"""What handlers write while they run: log lines, and metrics in CloudWatch's embedded format."""

import io
import json
import re
from collections import Counter
from typing import Any


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    """Read log lines."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


def without_times(written: str) -> str:
    """Leave out time stamps, in which any digits may be."""
    return re.sub(r'"[Tt]imestamp": ?("[^"]*"|[0-9]+)', "", written)


def counted(printed: str) -> dict[tuple[str, str, str], float]:
    """Sum up the metrics in what was printed, by dialect, unit and metric, as CloudWatch reads them."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for written in map(json.loads, printed.splitlines()):
        if "_aws" not in written:
            continue
        (directive,) = written["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Prepaid"
        (dimensions,) = directive["Dimensions"]
        assert {name: written[name] for name in dimensions}.keys() == {"dialect", "unit", "service"}
        for metric in directive["Metrics"]:
            assert metric["Unit"] == "Count"
            sums[written["dialect"], written["unit"], metric["Name"]] += sum(written[metric["Name"]])
    return dict(sums)
