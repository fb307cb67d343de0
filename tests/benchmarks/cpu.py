"""CPU time of Ozeki's addcredits, warm and at import, beside the least that could be done instead."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import boto3
from botocore.awsrequest import AWSResponse

from ledger.table import open_table
from tests.benchmarks.goals import Goal, show
from tests.local import demo
from tests.local.gateway import Context
from tests.template import ROOT

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

CALLS = 200
TAIL = 12  # entries in the answer that the ledger is given: the middle of what it meets
HANDLER = "import ozeki.ozeki_api"
LEAST = (
    "import boto3; from pydantic import BaseModel; from aws_lambda_powertools import Logger;"
    "Logger(); boto3.client('dynamodb')"
)
EVENT = json.loads((ROOT / "events" / "ozeki_api.json").read_text())


def report(rounds: int) -> None:
    """Measure by turns and print the medians."""
    warm = _warm(rounds)
    start = _start(rounds)
    print(f"{'CPU ms':40} {'ours':>8} {'theirs':>8}")
    for what, pairs in {**warm, **start}.items():
        ours, theirs = zip(*pairs, strict=True)
        print(f"{what:40} {median(ours):8.2f} {median(theirs):8.2f}")
    ratios = {
        what: median(ours / theirs for ours, theirs in pairs) for what, pairs in {**warm, **start}.items()
    }
    limits = (1.5, 1.5, 1.35)
    show(*(Goal(what, "<=", limit, ratio) for (what, ratio), limit in zip(ratios.items(), limits, strict=True)))


def _warm(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Time the handlers with everything remembered that they remember, and a wire that ends in this process."""
    table = open_table()
    demo.seed(table)
    with redirect_stdout(Path(os.devnull).open("w")):  # log lines are made and thrown away
        from ozeki.ozeki_api import lambda_handler

    plain = boto3.client("dynamodb")
    handlers = [lambda_handler, bare_handler(plain, table.name), bare_handler(table.client, table.name)]
    # The ledger's answer grows with the tail: the opening is entry 1.
    
    ...
