"""The curl lines that the local gateway prints, run as they are printed."""

import json
import shlex
import shutil
import subprocess

import pytest
from defusedxml.ElementTree import fromstring

from ledger.table import Table
from tests.everlytic.books import available, serving
from tests.local import demo


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_the_printed_lines_work_as_printed(ledger: Table) -> None:
    with serving() as base_url:
        printed = [line.strip() for line in demo.banner(base_url).splitlines() if "/api/2.0/" in line]
        topped_up, read, updated, updated_by_form, found, listed, called = (
            subprocess.run([*shlex.split(line), "-sS"], capture_output=True, text=True, check=True).stdout
            for line in printed
        )
    item = json.loads(topped_up)["item"]
    assert (item["name"], item["email_quota"]) == ("Acme", 1_000)
    assert json.loads(read)["item"] == item
    assert json.loads(read)["links"][0] == {"rel": "self", "href": f"{base_url}/api/2.0/customers/1"}
    assert json.loads(updated)["item"] == item | {"email": "office@acme.example"}
    formed = item | {"email": "info@acme.example", "postal_code": "2196"}
    assert json.loads(updated_by_form)["item"] == formed
    assert json.loads(found)["collection"] == [{"data": formed}]
    assert [each.text for each in fromstring(listed).iter("id")] == ["102", "1"]
    assert "<string>info@acme.example</string>" in called
    assert available(ledger, demo.ACME) == (1_000, 0, 0)
