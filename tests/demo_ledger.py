"""The demo's ledger for tests: the table of the handlers themselves, in moto's memory, with the demo data in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from hashlib import scrypt
from typing import Any

import pytest
from moto import mock_aws

from ledger import credentials
from ledger.table import Table, open_table
from tests.local import demo
from tests.store import create_table

SEEDED_MS = 1_577_836_800_000
"""When the demo's accounts were opened, in 2020: before anything that happens in a test, whatever the time is there."""


@contextmanager
def demo_ledger() -> Iterator[Table]:
    """Give the accounts of the demo (tests/local/demo.py) on a table that is gone afterwards.

    They are opened once in this process and then put into each new table: a third of what opening them takes. The
    handlers' own client serves here too: to make one costs more than all the rest.
    """
    puts: Any = [{"PutRequest": {"Item": item}} for item in _demo_items()]
    with quick_passwords(), _new_table() as table:
        for first in range(0, len(puts), 25):
            table.client.batch_write_item(RequestItems={table.name: puts[first : first + 25]})
        yield table


@contextmanager
def quick_passwords() -> Iterator[None]:
    """Stretch passwords hardly at all. How much they are stretched matters elsewhere, and costs 0.4 s each time."""

    def hardly(secret: bytes, *, salt: bytes, n: int, r: int, p: int, maxmem: int) -> bytes:
        return scrypt(secret, salt=salt, n=2, r=1, p=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(credentials, "scrypt", hardly)
        yield


def items(table: Table) -> list[dict[str, Any]]:
    """List everything in a table, in order."""
    return sorted(table.client.scan(TableName=table.name)["Items"], key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


@cache
def _demo_items() -> list[dict[str, Any]]:
    with quick_passwords(), _new_table() as table:
        demo.seed(replace(table, now_ms=lambda: SEEDED_MS))
        return items(table)


@contextmanager
def _new_table() -> Iterator[Table]:
    table = open_table()
    with mock_aws():
        create_table(table.client, table.name)
        table.recent.clear()
        yield table
        table.recent.clear()
