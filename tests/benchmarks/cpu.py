"""CPU time of Ozeki's addcredits, warm and at import, beside the least that could be done instead."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import boto3
from botocore.awsrequest import AWSResponse

from ledger import flush
from ledger.table import open_table
from tests.benchmarks.goals import Goal, show
from tests.local.gateway import Context
from tests.template import ROOT

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

CALLS = 200
TAIL = flush.KEEP + flush.EVERY // 2  # entries in the balance that the ledger is answered with: between two flushes
EVENT = json.loads((ROOT / "events" / "ozeki_api.json").read_text())
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
        from ozeki.ozeki_api import lambda_handler

        warm = _by_turns(
            rounds,
            _warm(lambda_handler, table.client, times=TAIL - 1),  # the opening is entry 1
            _warm(_bare_handler(plain, table.name), plain),
            _warm(_bare_handler(table.client, table.name), table.client),
        )
    start = _by_turns(rounds, lambda: _start_ms(OURS), lambda: _start_ms(LEAST))

    print(f"{'CPU of one process':50} {'ms':>8}")
    for what, figures in (
        ("addcredits, warm", warm[0]),
        ("bare update_item handler, warm", warm[1]),
        ("the same with the ledger's client settings", warm[2]),
        ("import of the handler", start[0]),
        ("import of boto3, pydantic and Logger, and a client", start[1]),
    ):
        print(f"{what:50} {median(figures):8.2f}")
    show(
        Goal("warm, of a bare handler", "<=", 1.5, _times(warm[0], warm[1])),
        Goal("warm, of one with our client settings", "<=", 1.5, _times(warm[0], warm[2])),
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


def _warm(handler: Handler, client: "DynamoDBClient", times: int = 1) -> Callable[[], float]:
    """Call a handler for real, so that it is warm, then prepare to time it with its last answer on the wire."""
    context = Context("OzekiApi")
    answers: list[AWSResponse] = []

    def keep(http_response: AWSResponse, **_: object) -> None:
        answers.append(http_response)

    with _listening(client, "after-call.dynamodb", keep):
        for _ in range(times):
            handler(EVENT, context)

    def answer_again(**_: object) -> AWSResponse:
        return answers[-1]

    def call_ms() -> float:
        with _listening(client, "before-send.dynamodb", answer_again):
            started = time.process_time()
            for _ in range(CALLS):
                handler(EVENT, context)
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
