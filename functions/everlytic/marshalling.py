"""XML-RPC's wire: calls read, answers and faults written. Specification: xmlrpc.com/spec. Design: README.md, XML-RPC.

The marshaller is the standard library's. defusedxml's own patch would swap the parser of the whole process; here its
parser is handed over instead, and refuses DTDs as well. Chosen: integers past 32 bits travel as `i8`; what no property
can be (floating point above all) is refused as it is read, and so is a struct that names a member twice.
"""

import re
from collections.abc import Callable, Mapping
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
from telemetry import Log

_INTEGER = re.compile("[+-]?0*[0-9]{1,19}")  # an i8
_REFUSED_TAGS = {"double", "float", "bigdecimal", "i1", "i2", "biginteger"}
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

    def request(self, parameters: Mapping[str, Any]) -> Request:
        """Make the request that this call is with these parameters, which are the path's, the query's and the body."""
        return Request(
            headers=gateway.headers(self.event),
            path=parameters,
            query=lambda: {name: value for name, value in parameters.items() if value != ""},
            properties=lambda: parameters["properties"],
            log=self.log,
        )


@dataclass(frozen=True, slots=True)
class Returned:
    """What a method returns."""

    value: Value
    replayed: bool = False


def answer(event: Event, act: Callable[[Call], Returned], done: str) -> dict[str, Any]:
    """Answer the call in this event with what `act` returns or the fault it meets."""
    return wire.run(event, done, partial(_answer, event, act), _refuse)


def _answer(event: Event, act: Callable[[Call], Returned], log: Log) -> dict[str, Any]:
    returned = act(Call(event, log))
    return _response(returned.value, gateway.replay_headers(returned.replayed, log))


def _refuse(status: HTTPStatus, message: str) -> dict[str, Any]:
    return _response(Fault(int(status), message))


def _response(answer: Value | Fault, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    return gateway.response(HTTPStatus.OK, "text/xml", write_response(answer), headers)


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


def _read_integer(reader: Unmarshaller, digits: str) -> None:
    if not _INTEGER.fullmatch(digits.strip()):
        raise ResponseError
    reader.end_int(digits)


def _read_struct(reader: Unmarshaller, data: str) -> None:
    names = reader._stack[reader._marks[-1] :: 2]
    if len(set(names)) < len(names):
        raise ResponseError
    reader.end_struct(data)


def _write_integer(_: Marshaller, value: Any, write: Callable[[str], object]) -> None:
    tag = "int" if MININT <= value <= MAXINT else "i8"
    write(f"<value><{tag}>{value}</{tag}></value>\n")


# Both classes look up here what to do with an element or a type: theirs are tables, and so are these.


class _Reader(Unmarshaller):
    dispatch = {  # noqa: RUF012 - never changed
        **{tag: read for tag, read in Unmarshaller.dispatch.items() if tag not in _REFUSED_TAGS},
        **dict.fromkeys(("int", "i4", "i8"), _read_integer),
        "struct": _read_struct,
    }


class _Writer(Marshaller):
    dispatch = {**Marshaller.dispatch, int: _write_integer}  # noqa: RUF012 - never changed
