"""DynamoDB Local, Amazon's own engine, from a folder that .ci/run fills: its licence forbids shipping it with us."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tests.template import ROOT

FOLDER = Path(os.environ.get("DYNAMODB_LOCAL") or ROOT / ".engine")
OLDEST_JAVA = 17
START_TIMEOUT_S = 60


def missing() -> str | None:
    """Say what keeps DynamoDB Local from running here, None if nothing does."""
    if not (FOLDER / "DynamoDBLocal.jar").exists():
        return f"no DynamoDBLocal.jar in {FOLDER}: run .ci/run, or name its folder in DYNAMODB_LOCAL"
    if not shutil.which("java"):
        return "no java"
    version = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', version)
    if not found or int(found[1]) < OLDEST_JAVA:
        return f"DynamoDB Local needs Java {OLDEST_JAVA} or newer"
    return None


@contextmanager
def running() -> Iterator[str]:
    """Run an empty engine of our own, in memory; give its endpoint."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # sharedDb: one set of tables whatever the credentials and the region.
    options = ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    # A short life: what a better compiler would save later, it costs now.
    quickly = "-XX:TieredStopAtLevel=1"
    command = [
        "java",
        quickly,
        f"-Djava.library.path={FOLDER / 'DynamoDBLocal_lib'}",
        "-jar",
        f"{FOLDER / 'DynamoDBLocal.jar'}",
    ]
    with tempfile.TemporaryFile("w+") as log, subprocess.Popen(command + options, stdout=log, stderr=log) as engine:
        try:
            _wait(engine, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            engine.kill()  # it has nothing to save


def _wait(engine: subprocess.Popen[bytes], port: int, log: IO[str]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while engine.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    log.seek(0)
    raise RuntimeError(f"DynamoDB Local did not start:\n{log.read()}")
