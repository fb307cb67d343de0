"""The README's command as a reader runs it: a process of its own, and the curl lines it prints."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import pytest

from tests.template import ROOT


def start(*options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.local", *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def curl_lines(printed: IO[str]) -> Iterator[list[str]]:
    """Read the block of curl lines at the end of the banner."""
    seen = False
    for line in printed:
        if line.strip().startswith("curl "):
            seen = True
            yield shlex.split(line)
        elif seen:
            return


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_the_printed_curl_lines_work_as_printed_and_no_password_is_logged() -> None:
    with start("--port", "0") as local:
        assert local.stdout
        answers = [
            subprocess.run([*line, "-sS"], capture_output=True, text=True, check=True).stdout
            for line in list(curl_lines(local.stdout))
        ]
        local.send_signal(signal.SIGINT)
        logged, requests = local.communicate(timeout=10)

    assert re.findall(r"<balance>(-?\d+)</balance>", "".join(answers)) == ["744", "744", "500", "490"]
    assert requests == "GET /api 200\n" * len(answers)
    assert '"service":"prepaid"' in logged
    assert not re.search("abc123|john123|password|demo-api-key|order-1", logged)
    assert local.returncode == 0


def test_an_engine_that_does_not_answer_is_said_plainly() -> None:
    with start("--dynamodb-endpoint", "http://127.0.0.1:9") as local:
        _, errors = local.communicate(timeout=30)
    assert errors.startswith("No DynamoDB to use at http://127.0.0.1:9: ")
    assert "Traceback" not in errors
    assert local.returncode == 1
