"""The README's command as a reader runs it: a process of its own, and the curl lines it prints."""

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from tests.local.demo import LAST_LINE
from tests.template import ROOT


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def start(*options: str) -> "Iterator[subprocess.Popen[str]]":
    """Start the gateway, which is gone afterwards. Ctrl-C ends it also where the tests themselves do not heed it."""
    command = [sys.executable, "-m", "tests.local", *options]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_heed_ctrl_c
    ) as local:
        try:
            yield local
        finally:
            local.kill()


def curl_lines(printed: IO[str]) -> Iterator[list[str]]:
    """Read the curl lines of the banner."""
    for line in printed:
        if line.strip().startswith("curl "):
            yield shlex.split(line)
        elif line.strip() == LAST_LINE:
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
        logged, requests = local.communicate(timeout=60)

    ozeki, everlytic, mailpartner = answers[:6], answers[6:13], answers[13:18]
    ours, names = answers[18:23], answers[23:]
    assert re.findall(r"<balance>(-?\d+)</balance>", "".join(ozeki)) == ["744", "744", "500", "490"]
    assert [json.loads(each)["item"]["email_quota"] for each in everlytic[:3]] == [1_000] * 3
    assert "office@acme.example" in everlytic[2]
    assert all("info@acme.example" in each for each in everlytic[3:])
    assert '"2196"' in everlytic[4], "the one that has the address is found"
    assert [json.loads(each)["username"] for each in names[:2]] == ["acme", "acme"]
    assert "<balance>100</balance>" in names[2]
    assert [json.loads(each)["credit"] for each in mailpartner[:2]] == [2_869.2, 2_768.7]
    assert "<balance>" not in mailpartner[3]
    assert "2768.7" in mailpartner[3]
    assert "open-1" not in mailpartner[4]
    assert json.loads(ours[0].partition("\n\n")[2])["after"] == 489, "what -i shows first are headers"
    assert ours[2].splitlines()[-1].endswith(',489,100,"",""')
    (balance,) = json.loads(ours[4])["balances"]
    assert (balance["available"], balance["held"], balance["sequence"]) == (389, 100, 6)
    statuses = re.findall(r" (\d+)$", requests, re.MULTILINE)
    assert len(statuses) == len(answers)
    assert set(statuses) <= {"200", "201"}
    assert '"service":"prepaid"' in logged
    readable = re.sub(r'"correlation_id":"[0-9a-f-]{36}"', "", logged)  # a random one may have abc123 in it
    assert not re.search("abc123|john123|mary-123|correct-horse|password|demo-api-key|order-1", readable)
    assert local.returncode == 0


@pytest.mark.parametrize(("options", "told"), [([], "False"), (["--sam-headers"], "True")])
def test_the_option_that_names_headers_as_sam_local_does_reaches_the_gateway(options: list[str], told: str) -> None:
    """In place of serving, the process says how the gateway was made."""
    made = (
        "import sys\n"
        "from tests.local import __main__ as local\n"
        "local.serve = lambda gateway, port: sys.exit(print(gateway.sam_headers))\n"
        "local.main()"
    )
    command = [sys.executable, "-c", made, *options]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() == told


def test_an_engine_that_does_not_answer_is_said_plainly() -> None:
    with start("--dynamodb-endpoint", "http://127.0.0.1:9") as local:
        _, errors = local.communicate(timeout=60)
    assert errors.startswith("No DynamoDB to use at http://127.0.0.1:9: ")
    assert "Traceback" not in errors
    assert local.returncode == 1
