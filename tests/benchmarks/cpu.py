"""CPU time of Ozeki's addcredits and Everlytic's top-up and update, beside the least that could be done instead."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import boto3
from botocore.awsrequest import AWSResponse

from ledger import flush
from ledger.table import Table, open_table
from tests.benchmarks.goals import Goal, show
from tests.local.gateway import Context
from tests.template import ROOT

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

CALLS = 200
TAIL = flush.KEEP + flush.EVERY // 2  # entries in the balance that the ledger is answered with: between two flushes
OURS = "import ozeki.ozeki_api"
LEAST = """
import boto3
from aws_lambda_powertools import Logger
from pydantic import BaseModel
Logger()
boto3.client("dynamodb")
"""


def report(rounds: int) -> None:
    """Measure by turns; print medians and, for the goals, medians of the ratios within one turn."""
    table = open_table()
    plain = boto3.client("dynamodb")
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # the log lines are made, then thrown away
        from everlytic import topup_customer, update_customer
        from ozeki import ozeki_api

        warm = _by_turns(
            rounds,
            _warm(ozeki_api, table, times=TAIL - 1),  # the opening is entry 1
            _warm(topup_customer, table, times=TAIL, name="topup_customer"),
            _warm(update_customer, table, times=2, name="update_customer"),
            _warm(SimpleNamespace(lambda_handler=_bare_handler(plain, table.name)), replace(table, client=plain)),
            _warm(SimpleNamespace(lambda_handler=_bare_handler(table.client, table.name)), table),
        )
    start = _by_turns(rounds, lambda: _start_ms(OURS), lambda: _start_ms(LEAST))

    print(f"{'CPU of one process':50} {'ms':>8}")
    for what, figures in (
        ("addcredits, warm", warm[0]),
        ("Everlytic's top-up of one unit, warm", warm[1]),
        ("Everlytic's update of one property, warm", warm[2]),
        ("bare update_item handler, warm", warm[3]),
        ("the same with the ledger's client settings", warm[4]),
        ("import of the handler", start[0]),
        ("import of boto3, pydantic and Logger, and a client", start[1]),
    ):
        print(f"{what:50} {median(figures):8.2f}")
    show(
        Goal("warm, of a bare handler", "<=", 1.5, _times(warm[0], warm[3])),
        Goal("warm, of one with our client settings", "<=", 1.5, _times(warm[0], warm[4])),
        Goal("import, of boto3, pydantic and Logger", "<=", 1.35, _times(start[0], start[1])),
    )


def _bare_handler(client: "DynamoDBClient", table_name: str) -> Handler:
    """Make the least handler that adds credits and answers the balance: unchecked, unrecorded, unrepeatable."""

    def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
        query = dict(parse_qsl(event["rawQueryString"]))
        answer = client.update_item(
            TableName=table_name,
            Key={"pk": {"S": f"BARE#{query['useraccount']}"}, "sk": {"S": "~"}},
            UpdateExpression="ADD a :add",
            ExpressionAttributeValues={":add": {"N": query["add"]}},
            ReturnValues="UPDATED_NEW",
        )
        balance = answer["Attributes"]["a"]["N"]
        xml = f"<response><data><account><balance>{balance}</balance></account></data></response>"
        return {"statusCode": 200, "headers": {"Content-Type": "application/xml"}, "body": xml}

    return handler


def _warm(endpoint: Any, table: Table, times: int = 1, name: str = "ozeki_api") -> Callable[[], float]:
    """Call an endpoint for real, so that it is warm, then prepare to time it with its last answers on the wire.

    All timed calls mint the key that the last real one minted, which is the one that those answers are about.
    """
    event, context = json.loads((ROOT / "events" / f"{name}.json").read_text()), Context(name)
    now_ms, random = table.now_ms(), table.random_bits(60)
    last = replace(table, now_ms=lambda: now_ms, random_bits=lambda _: random)
    answers: list[AWSResponse] = []

    def keep(http_response: AWSResponse, **_: object) -> None:
        answers.append(http_response)

    def call_with(used: Table) -> None:
        endpoint.table = used
        endpoint.lambda_handler(event, context)

    for _ in range(times - 1):
        call_with(table)
    with _listening(table.client, "after-call.dynamodb", keep):
        call_with(last)

    def call_ms() -> float:
        on_the_wire = cycle(answers)
        with _listening(table.client, "before-send.dynamodb", lambda **_: next(on_the_wire)):
            started = time.process_time()
            for _ in range(CALLS):
                call_with(last)
            return (time.process_time() - started) * 1_000 / CALLS

    return call_ms


@contextmanager
def _listening(client: "DynamoDBClient", event: str, listener: Callable[..., Any]) -> Iterator[None]:
    client.meta.events.register(event, listener)
    try:
        yield
    finally:
        client.meta.events.unregister(event, listener)


def _start_ms(imports: str) -> float:
    """Run imports in a new interpreter, whose own start does not count. The first run leaves the .pyc files."""
    timed = f"import time\nstarted = time.process_time()\n{imports}\nprint(time.process_time() - started)"
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", timed]
    done = subprocess.run(command, cwd=ROOT / "functions", env=settings, capture_output=True, text=True, check=True)
    return float(done.stdout) * 1_000


def _by_turns(rounds: int, *measurements: Callable[[], float]) -> list[list[float]]:
    """Take every measurement once for nothing, then `rounds` times each in turn."""
    for measure in measurements:
        measure()
    taken = [[measure() for measure in measurements] for _ in range(rounds)]
    return [list(figures) for figures in zip(*taken, strict=True)]


def _times(ours: list[float], theirs: list[float]) -> float:
    return median(our / their for our, their in zip(ours, theirs, strict=True))
