"""Every endpoint reads its parameters in every way in which a client may send them."""

import json
from codecs import BOM_UTF8
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from ledger.table import Table
from tests.local import demo
from tests.mailpartner.caller import HANDLERS, KEY, Number, event, send
from tests.multipart import TYPE, form

REQUESTS: dict[str, dict[str, str]] = {
    "AddCredit": {"tokenSubaccount": demo.TOKEN, "credit": "0.2"},
    "RemoveCredit": {"tokenSubaccount": demo.TOKEN, "credit": "0.8"},
    "CreateSubaccount": {"type": "advanced", "parameters[email]": "é@shop.example", "parameters[isBuyer]": "1"},
    "ListSubaccounts": {"page": "7"},
    "RemoveSubaccount": {"token": demo.TOKEN},
    "GetMe": {},
}
# What of an answer shows that its parameters were read.
TELLING: dict[str, tuple[str, Any]] = {
    "AddCredit": ("credit", Number("2769")),
    "RemoveCredit": ("credit", Number("2770")),
    "CreateSubaccount": ("sendConfirmMailTo", "é@shop.example"),
    "ListSubaccounts": ("page", Number("7")),
    "RemoveSubaccount": ("", None),
    "GetMe": ("user", {"username": "admin", "firstname": "", "lastname": ""}),
}


def as_json(fields: dict[str, str]) -> bytes:
    """Write fields as PHP's json_encode would an array of arrays."""
    inner = {name[11:-1]: value for name, value in fields.items() if name.startswith("parameters[")}
    outer = {name: value for name, value in fields.items() if not name.startswith("parameters[")}
    return json.dumps(outer | ({"parameters": inner} if inner else {})).encode()


WAYS: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
    "JSON labelled a form": lambda fields: event(as_json(fields)),
    "JSON with a byte order mark": lambda fields: event(BOM_UTF8 + as_json(fields), content_type="application/json"),
    "form": lambda fields: event(urlencode(fields).encode()),
    "form with a byte order mark": lambda fields: event(BOM_UTF8 + urlencode(fields).encode()),
    "multipart": lambda fields: event(form(fields), content_type=TYPE),
    "query": lambda fields: event(query=urlencode(fields)),
    "query with a byte order mark": lambda fields: event(query="%EF%BB%BF" + urlencode(fields)),
    "capitalised header": lambda fields: (
        event(form(fields)) | {"headers": {"CONTENT-TYPE": TYPE.replace("form-data", "Form-Data")}}
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("function", HANDLERS)
def test_every_endpoint_reads_its_parameters_in_every_way(ledger: Table, function: str, way: str) -> None:
    answer = send(function, WAYS[way]({**KEY, **REQUESTS[function]}))
    name, value = TELLING[function]
    assert (answer.code, answer.message, answer.fields.get(name)) == (200, "", value)
