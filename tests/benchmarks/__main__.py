"""Measure what a change costs: `uv run python -m tests.benchmarks`. Nothing passes or fails."""

import argparse
import os
import platform
import sys
from contextlib import nullcontext

import boto3

from tests import environment
from tests.engine import dynamodb_local
from tests.store import create_table
from tests.template import ROOT

TABLE_NAME = "prepaid-benchmarks"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement of parallel writers (1)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each kind; medians are shown (5)")
    parser.add_argument("--endpoint", metavar="URL", help="an engine that runs already, with no table of ours in it")
    arguments = parser.parse_args()
    if not arguments.endpoint and (reason := dynamodb_local.missing()):
        sys.exit(f"No DynamoDB Local: {reason}")

    with nullcontext(arguments.endpoint) if arguments.endpoint else dynamodb_local.running() as endpoint:
        environment.close(TABLE_NAME, endpoint)
        sys.path.insert(0, str(ROOT / "functions"))
        create_table(boto3.client("dynamodb"), TABLE_NAME)

        # Only now: project modules read the environment when they are imported.
        from ledger.table import open_table
        from tests.benchmarks import cpu, parallel, transfers
        from tests.local import demo

        demo.seed(open_table())  # before any other account: it wants ids of its own
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores shared with the engine, at {endpoint}\n")
        parallel.report(endpoint, TABLE_NAME, arguments.seconds, arguments.rounds)
        transfers.report(endpoint, TABLE_NAME, arguments.seconds, arguments.rounds)
        cpu.report(arguments.rounds)


if __name__ == "__main__":  # each writer imports this module too
    main()
