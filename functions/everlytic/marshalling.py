"""XML-RPC's wire: calls read, answers and faults written. Specification: xmlrpc.com/spec. Design: README.md, XML-RPC.

The marshaller is the standard library's. defusedxml's own patch would swap the parser of the whole process; here its
parser is handed over instead, and refuses DTDs as well. No number is ever a float: a `double` is read as a Decimal, and
an integer past 32 bits, which no type of the specification holds, is written as one without fraction or exponent. A
struct that names a member twice is refused as it is read.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any
from xml.parsers.expat import ExpatError
from xmlrpc.client import MAXINT, MININT, Error, Fault, Marshaller, ResponseError, Unmarshaller

from defusedxml.xmlrpc import DefusedExpatParser

import gateway
from everlytic import wire
from everlytic.wire import Refused, Request
from gateway import Event
from ledger.credentials import Caller
from telemetry import Log

_INTEGER = re.compile("[+-]?0*[0-9]{1,19}")  # an i8
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_TYPE = "text/xml"
_NOT_A_CALL = (Error, ExpatError, ValueError, TypeError, LookupError)
"""What parser and marshaller raise at what is no call. They do not say so, hence a test that makes many up."""

Value = int | str | list[Any] | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A call, whose body is read when it is asked for. `log` is as for a Request."""

    event: Event
    log: Log

    def read(self) -> tuple[str, tuple[Any, ...]]:
        """Read the method called and what it is called with. Raises Refused."""
        body = wire.read_body(self.event)
        # Text is taken as text, whatever encoding it declares: API Gateway has decoded it.
        return read_call(body if self.event.get("isBase64Encoded") else body.decode())

    def request(
        self, parameters: Mapping[str, Any], recognised: Caller | None = None, place: int | None = None
    ) -> Request:
        """Make the request that this call is with these parameters, which are the path's, the query's and the body."""
        return Request(
            headers=gateway.headers(self.event),
            path=parameters,
            query=lambda: dict(_fields(parameters)),
            properties=lambda: parameters["properties"],
            log=self.log,
            recognised=recognised,
            place=place,
        )


@dataclass(frozen=True, slots=True)
class Returned:
    """What a method returns."""

    value: Value
    replayed: bool = False


def _fields(parameters: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Write parameters as the fields of a query, a struct's members in brackets; what is empty is not given."""
    for name, value in parameters.items():
        members = [(f"{name}[{member}]", each) for member, each in value.items()] if isinstance(value, dict) else []
        yield from (field for field in members or [(name, value)] if wire.is_given(field[1]) and field[1] != "")


def answer(event: Event, act: Callable[[Call], Returned], done: str) -> dict[str, Any]:
    """Answer the call in this event with what `act` returns or the fault it meets."""
    return wire.run(event, done, partial(_answer, event, act), partial(_refuse, event))


def _answer(event: Event, act: Callable[[Call], Returned], log: Log) -> dict[str, Any]:
    returned = act(Call(event, log))
    headers = gateway.replay_headers(returned.replayed, log)
    return gateway.response(HTTPStatus.OK, _TYPE, write_response(returned.value), headers)


def _refuse(event: Event, status: HTTPStatus, message: str) -> dict[str, Any]:
    """Answer with a fault. Who has sent no credentials is asked for them by HTTP: many clients send none before."""
    fault = write_response(Fault(int(status), message))
    if status == HTTPStatus.UNAUTHORIZED and not gateway.headers(event).get("authorization"):
        return gateway.response(status, _TYPE, fault, wire.HEADERS[status])
    return gateway.response(HTTPStatus.OK, _TYPE, fault)


def read_call(body: str | bytes) -> tuple[str, tuple[Any, ...]]:
    """Read the method called and what it is called with. Raises Refused."""
    reader = _Reader()
    parser = DefusedExpatParser(reader, forbid_dtd=True)
    try:
        parser.feed(body)
        parser.close()
        parameters = reader.close()
    except _NOT_A_CALL:
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is not an XML-RPC call without a DTD") from None
    if (method := reader.getmethodname()) is None:
        raise Refused(HTTPStatus.BAD_REQUEST, "the body names no method")
    return method, parameters


def write_response(answer: Value | Fault) -> str:
    """Write an answer or a fault."""
    content = _Writer().dumps(answer if isinstance(answer, Fault) else (answer,))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<methodResponse>\n{content}</methodResponse>\n'


def size(value: Value) -> int:
    """Count the bytes of a value as Lambda sends them: as a text within JSON."""
    return len(json.dumps(write_response(value), ensure_ascii=False).encode())


def _read_integer(reader: Unmarshaller, digits: str) -> None:
    if not _INTEGER.fullmatch(digits.strip()):
        raise ResponseError
    reader.end_int(digits)


def _read_decimal(reader: Unmarshaller, digits: str) -> None:
    if not _DECIMAL.fullmatch(digits.strip()):
        raise ResponseError
    reader.end_bigdecimal(digits)


def _read_struct(reader: Unmarshaller, data: str) -> None:
    names = reader._stack[reader._marks[-1] :: 2]
    if len(set(names)) < len(names):
        raise ResponseError
    reader.end_struct(data)


def _write_integer(_: Marshaller, value: Any, write: Callable[[str], object]) -> None:
    tag = "int" if MININT <= value <= MAXINT else "double"
    write(f"<value><{tag}>{value}</{tag}></value>\n")


# Both classes look up here what to do with an element or a type: theirs are tables, and so are these.


class _Reader(Unmarshaller):
    dispatch = {  # noqa: RUF012 - never changed
        **Unmarshaller.dispatch,
        **dict.fromkeys(("int", "i1", "i2", "i4", "i8", "biginteger"), _read_integer),
        **dict.fromkeys(("double", "float", "bigdecimal"), _read_decimal),
        "struct": _read_struct,
    }


class _Writer(Marshaller):
    dispatch = {**Marshaller.dispatch, int: _write_integer}  # noqa: RUF012 - never changed
