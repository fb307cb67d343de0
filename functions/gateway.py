"""API Gateway's event (HTTP API, payload format 2.0), read once for every dialect, and the answer it takes back.

A request is read as what it is, not as it is labelled. What cannot be taken apart is Unreadable, the fault of whoever
sent it; how that is told is for the dialect. Nothing here knows a dialect, and nothing heavy is imported.
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl

from ledger.claims import LONGEST_KEY

Event = Mapping[str, Any]
Fields = list[tuple[str, str]]
"""Names and values in the order in which they were sent; an empty value is there, too."""

Undecodable = Literal["strict", "replace"]
"""What becomes of bytes that are not UTF-8: Unreadable, or U+FFFD and so a part of nobody's name and of no number."""

T = TypeVar("T")

_WEIGHT = re.compile(r"q\s*=\s*([01]\.?[0-9]*|\.[0-9]+)")  # Java sends `q=.2`
_BEFORE_JSON = b"\xef\xbb\xbf \t\r\n"  # a byte order mark, and white space
# Nobody on the way keeps it, and no browser takes it for what it does not say it is.
_EVERY_ANSWERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Unreadable(ValueError):
    """A part of a request that cannot be taken apart. The text says why."""


# ------------------------------------------------------------------------------------------------------------- requests


def request_id(event: Event) -> str:
    """Give API Gateway's id of the request, by which its log lines can be found."""
    return _context(event, "requestId")


def domain_name(event: Event) -> str:
    """Name the host as API Gateway knows it."""
    return _context(event, "domainName")


def headers(event: Event) -> dict[str, str]:
    """Read the headers, by their names in lower case: `sam local` capitalises them.

    One that comes in several spellings is joined, as API Gateway joins one that is sent twice: none hides another.
    """
    found: dict[str, str] = {}
    for spelt, value in (event.get("headers") or {}).items():
        name = spelt.lower()
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def path(event: Event) -> dict[str, str]:
    """Read the variables of the path."""
    return event.get("pathParameters") or {}


def query(event: Event, most: int, undecodable: Undecodable = "strict") -> Fields:
    """Read the query, of up to `most` fields, from where neither order nor a `+` has been lost."""
    return _form(event.get("rawQueryString") or "", most, undecodable)


def body(event: Event, longest: int) -> bytes:
    """Read the body as the bytes that were sent. `longest` counts characters, as the body arrives."""
    content: str = event.get("body") or ""
    if len(content) > longest:
        raise Unreadable(f"longer than {longest} characters")
    try:
        return b64decode(content, validate=True) if event.get("isBase64Encoded") else content.encode()
    except ValueError:
        raise Unreadable("not readable") from None


def is_json(content: bytes) -> bool:
    """Say whether a body is JSON, whatever it is labelled: an object or an array."""
    return content.lstrip(_BEFORE_JSON).startswith((b"{", b"["))


def read_json(
    content: bytes,
    *,
    integer: Callable[[str], Any] = int,
    fraction: Callable[[str], Any] = float,
    constant: Callable[[str], Any] | None = None,
    lone_surrogates: bool = False,
) -> Any:
    """Read JSON in which each name is given once; numbers by these functions, NaN and the infinities by `constant`.

    Without `constant` those three are refused, as JSON does. So is half a surrogate pair, which is no text, unless the
    dialect wants `lone_surrogates` so as to say where there is one.
    """
    try:
        text = content.decode("utf-8-sig")
        found = json.loads(
            text,
            object_pairs_hook=once_each,
            parse_int=integer,
            parse_float=fraction,
            parse_constant=constant or _no_number,
        )
        if not lone_surrogates and "\\u" in text:  # the one way to write such a half in UTF-8
            json.dumps(found, ensure_ascii=False, default=str).encode()
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Unreadable(str(error)) from None
    return found


def read_fields(content: bytes, content_type: str, most: int, undecodable: Undecodable = "strict") -> Fields:
    """Read a form of up to `most` fields: multipart if its type says so, as PHP sends an array, else URL-encoded.

    `undecodable` is for bytes as they are; escaped ones become U+FFFD.
    """
    if content_type.strip().lower().startswith("multipart/form-data"):
        return _multipart(content, content_type, most, undecodable)
    try:
        # Clients end a body with a line break, which would end up in the last value.
        text = content.decode("utf-8-sig", undecodable).strip()
    except ValueError as error:
        raise Unreadable(str(error)) from None
    return _form(text, most, "replace")


def is_form(content: bytes) -> bool:
    """Say whether a body that is no JSON can be a form, which words, a number or a text in quotes are not."""
    return b"=" in content and not content.lstrip(_BEFORE_JSON).startswith(b'"')


def once_each(pairs: list[tuple[str, T]]) -> dict[str, T]:
    """Refuse a name given twice: nobody could tell which value was meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("a name is given twice")
    return found


def preferred(accept: str, offered: Sequence[str]) -> str:
    """Choose, of the types offered, the one that an Accept header likes best (RFC 9110, 12.5.1); of equals the first.

    The most specific range that matches a type weighs it; at the same weight, a type that is named is liked better than
    one that a wildcard lets in. If none is acceptable, the first is given all the same.
    """
    weights = dict(_weighted(each) for each in accept.lower().split(","))

    def liked(offer: str) -> tuple[float, int]:
        ranges = (offer, f"{offer.partition('/')[0]}/*", "*/*")
        return next(((weights[each], -place) for place, each in enumerate(ranges) if each in weights), (0, 0))

    best = max(offered, key=liked)
    return best if liked(best)[0] else offered[0]


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """Give the caller's Idempotency-Key, which may be none at all (is_key)."""
    return headers.get("idempotency-key")


def is_key(text: str) -> bool:
    """Say whether a text can be an idempotency key."""
    return 1 <= len(text) <= LONGEST_KEY


# -------------------------------------------------------------------------------------------------------------- answers


def response(status: int, content_type: str, body: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Make the answer that API Gateway passes on; it counts Content-Length itself."""
    common = {**_EVERY_ANSWERS, "Content-Type": content_type}
    return {"statusCode": int(status), "headers": common | dict(headers or {}), "body": body}


def no_content(headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Make an answer without a body."""
    return {"statusCode": int(HTTPStatus.NO_CONTENT), "headers": {**_EVERY_ANSWERS, **(headers or {})}}


def replay_headers(replayed: bool, log: dict[str, object]) -> dict[str, str]:
    """Give the header that says so if an earlier request was answered so, and note it in the log line."""
    if not replayed:
        return {}
    log["replayed"] = True
    return {"Idempotency-Replayed": "true"}


def xml_text(text: str) -> str:
    """Put U+FFFD for whatever is no character of XML 1.0, escaped or not."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


# --------------------------------------------------------------------------------------------------------------- parts


def _context(event: Event, name: str) -> str:
    return str((event.get("requestContext") or {}).get(name, ""))


def _weighted(accepted: str) -> tuple[str, float]:
    """Take one media range of an Accept header apart. A weight that cannot be read is 1, as if there were none."""
    name, *parameters = [part.strip() for part in accepted.split(";")]
    weight = next(filter(None, map(_WEIGHT.fullmatch, parameters)), None)
    return "*/*" if name == "*" else name, min(float(weight[1]), 1) if weight else 1


def _form(text: str, most: int, undecodable: Undecodable) -> Fields:
    try:
        text.encode()  # half a surrogate pair is no text
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=most, errors=undecodable)
    except ValueError as error:
        raise Unreadable(str(error)) from None
    # A form that was read from a file may begin with a byte order mark, escaped or not.
    return [(name.removeprefix("\ufeff"), value) for name, value in fields[:1]] + fields[1:]


def _multipart(content: bytes, content_type: str, most: int, undecodable: Undecodable) -> Fields:
    """Read the parts of multipart/form-data (RFC 7578), all of which must be plain fields."""
    # A part may be made of parts, each of which says so in a header: without a bound they would cost much time.
    if content.lower().count(b"content-type") > most:
        raise Unreadable("too many parts")
    head = b"Content-Type: " + content_type.encode(errors="replace") + b"\r\n\r\n"
    try:
        form: Message = BytesParser().parsebytes(head + content)
        parts = form.get_payload()
        if form.defects or not isinstance(parts, list) or len(parts) > most:
            raise Unreadable("not a form of so few parts within its boundary")
        return [_field(part, undecodable) for part in parts]
    except Unreadable:
        raise
    except (ValueError, LookupError, RecursionError) as error:
        raise Unreadable(str(error)) from None


def _field(part: Any, undecodable: Undecodable) -> tuple[str, str]:
    name = part.get_param("name", header="content-disposition")
    if part.get_content_disposition() != "form-data" or not isinstance(name, str):
        raise Unreadable("a part is not named")
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes) or part.defects or part.get_filename() is not None:
        raise Unreadable("a part is a file, not a field")
    return name, content.decode("utf-8", undecodable)


def _no_number(_: str) -> None:
    raise ValueError("no JSON number")
