"""The same API over HTTP: the curl lines that the local gateway prints, and what goes wrong on the way."""

import json
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.table import Table
from tests.local import demo
from tests.local.gateway import Gateway
from tests.local.routes import routes
from tests.local.server import serve
from tests.mailpartner.books import CHILD_EUR, PARENT_EUR, balances
from tests.mailpartner.caller import HANDLERS
from tests.template import FUNCTIONS

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")


@pytest.fixture
def url(ledger: Table) -> Iterator[str]:
    """Serve the endpoints on a free port."""
    server = serve(Gateway(routes({name: FUNCTIONS[name] for name in HANDLERS})), port=0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


def curl(*arguments: str) -> str:
    command = ["curl", "-sS", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def status_and_answer(*arguments: str) -> tuple[str, Any]:
    body, _, status = curl(*arguments, "-w", "\n%{http_code}").rpartition("\n")
    return status, json.loads(body)


def test_the_printed_lines_work_as_printed(url: str, ledger: Table) -> None:
    lines = [shlex.split(line)[1:] for line in demo.banner(url).splitlines() if "curl" in line and "/v1/" in line]
    removed, added, listed, me, created = (curl(*line) for line in lines)
    again = curl(*lines[-1])
    new, told_again = (json.loads(each.splitlines()[-1]) for each in (created, again))

    assert removed == '{"success": true, "code": 200, "credit": 2869.2, "subaccountCredit": 61.8, "currency": "EUR"}'
    assert added == '{"success": true, "code": 200, "credit": 2768.7, "subaccountCredit": 162.3, "currency": "EUR"}'
    assert json.loads(listed)["data"][0]["credits"] == {"balance": "162.300", "currency": "EUR"}
    assert "<entry><![CDATA[2768.700]]></entry>" in me
    assert "Idempotency-Replayed" not in created
    assert "Idempotency-Replayed: true" in again
    new_key = new["subaccount"]["apiKey"]
    assert len(new_key) == 51
    assert told_again["subaccount"]["apiKey"] == ""
    assert new.pop("subaccount") == told_again.pop("subaccount") | {"apiKey": new_key}
    assert new == told_again
    assert balances(ledger) == (PARENT_EUR - 500 - 10_000, CHILD_EUR + 500)


def test_a_removal_carries_its_parameters_in_the_body_or_the_query(url: str) -> None:
    body = json.dumps({"apiKey": demo.API_KEY, "token": demo.TOKEN})
    line = ["-X", "DELETE", "-H", "Content-Type: application/json", "-d", body, f"{url}/v1/subaccount/remove"]
    assert status_and_answer(*line) == ("200", {"success": True, "code": 200})
    query = f"{url}/v1/subaccount/remove?apiKey={demo.API_KEY}&token={demo.TOKEN}"
    status, answer = status_and_answer("-X", "DELETE", query)
    assert (status, answer["code"]) == ("200", 404)


def test_an_array_of_phps_curl_is_a_form_in_parts(url: str) -> None:
    fields = {"apiKey": demo.API_KEY, "tokenSubaccount": demo.TOKEN, "credit": "1.5"}
    line = [argument for name, value in fields.items() for argument in ("-F", f"{name}={value}")]
    status, answer = status_and_answer(f"{url}/v1/subaccount/credit/add", *line)
    assert (status, answer["subaccountCredit"]) == ("200", 163.3)
    status, answer = status_and_answer(f"{url}/v1/subaccount/credit/add", *line, "-F", "x=@pyproject.toml")
    assert (status, answer["code"]) == ("400", 90)


def test_what_is_wrong_is_said_with_a_code_and_sometimes_with_a_status(url: str, tmp_path: Any) -> None:
    add = f"{url}/v1/subaccount/credit/add"
    too_long = tmp_path / "400kB"
    too_long.write_text(json.dumps({"apiKey": demo.API_KEY, "credit": 1, "x": "x" * 400_000}))
    seen = [
        status_and_answer(add, "-d", "{}"),
        status_and_answer(add, "-d", '{"apiKey":'),
        status_and_answer(add, "-d", f"@{too_long}"),
        status_and_answer(add, "-d", "apiKey=wrong"),
        status_and_answer(f"{url}/v1/me"),
        status_and_answer(f"{url}/v1/nowhere"),
        status_and_answer("-X", "PUT", add),
    ]
    assert [(status, answer.get("code")) for status, answer in seen] == [
        *(("200", 1), ("400", 90), ("400", 90), ("200", 10), ("200", 1)),
        *(("404", None), ("404", None)),
    ]
