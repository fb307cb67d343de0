"""Null is absent: whatever a body need not have may be null, and that asks for nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from api import create_account, openapi, update_account
from api.fields import Asked
from ledger.table import Table
from tests.api.caller import ask


def kinds_of(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds_of(kind)


PLACES = {place for endpoint in openapi.listed() for place in endpoint.at.__mro__}
OPTIONAL = [
    pytest.param(kind, name, id=f"{kind.__name__}.{name}")
    for kind in kinds_of(Asked)
    if kind not in PLACES and kind.__module__.startswith("api.")
    for name, field in kind.model_fields.items()
    if not field.is_required()
]


def test_there_are_such_fields() -> None:
    assert len(OPTIONAL) > 10


@pytest.mark.parametrize(("kind", "name"), OPTIONAL)
def test_what_need_not_be_there_may_be_null(kind: type[BaseModel], name: str) -> None:
    field = kind.model_fields[name]
    assert TypeAdapter(field.rebuild_annotation()).validate_python(None) is None
    assert field.default is None


def test_a_change_of_nothing_but_nulls_changes_nothing(ledger: Table) -> None:
    before = ask(update_account, {}, id=101)
    nulls: dict[str, Any] = dict.fromkeys(update_account.AccountUpdate.model_fields)
    assert ask(update_account, nulls, id=101) == before


def test_an_account_opened_with_nulls_is_as_one_opened_without(ledger: Table) -> None:
    opened = ask(create_account, {"name": "Mary"}, key="a")
    same = ask(create_account, {"name": "Mary", "parent": None, "metadata": None, "balances": None}, key="a")
    assert (same.body, same.replayed) == (opened.body, True)
