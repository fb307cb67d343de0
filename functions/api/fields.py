"""What the fields of requests and answers may hold. The OpenAPI document says the same, because it is made of this."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SecretStr, WithJsonSchema

from ledger import counter, units
from ledger.accounts import LAST_ID
from ledger.entry import AMOUNT_LIMIT
from ledger.kinds import Kind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):([0-5]\d|60)(?:\.(\d{1,9}))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))", re.ASCII
)
_DIGITS = re.compile(r"0|[1-9][0-9]{0,15}")
_DATE_TIME = WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-22T09:30:00.000Z"]})


class Asked(BaseModel):
    """What a caller says. A name that is not known is refused: it may be a known one misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Told(BaseModel):
    """What a caller is told."""

    model_config = ConfigDict(frozen=True)


def _from_digits(value: object) -> object:
    if isinstance(value, str):
        if not _DIGITS.fullmatch(value):
            raise ValueError("a whole number, in plain digits")
        return int(value)
    return value


def _from_rfc_3339(value: object) -> object:
    """Read an instant as milliseconds since 1970, whatever its offset; a leap second is the one before it."""
    found = _RFC_3339.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("a date and time with its offset, as RFC 3339 writes it")
    date, minute, second, fraction, sign, hours, minutes = found.groups()
    clock = datetime.fromisoformat(f"{date}T{minute}:{min(int(second), 59):02d}+00:00")
    ms = (clock - _EPOCH) // _MS + int((fraction or "0").ljust(3, "0")[:3])
    offset_ms = (int(hours or 0) * 60 + int(minutes or 0)) * 60_000
    return ms + offset_ms if sign == "-" else ms - offset_ms


def rfc_3339(ms: int) -> str:
    """Write milliseconds since 1970 as an instant in UTC."""
    return (_EPOCH + ms * _MS).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _day(ms: int) -> str:
    """Write the day of an instant in UTC."""
    return (_EPOCH + ms * _MS).date().isoformat()


def _one_of(words: Iterable[str]) -> WithJsonSchema:
    """Describe a text that is one of these, where it stands."""
    return WithJsonSchema({"type": "string", "enum": list(words)})


def _reader(words: Mapping[str, Enum]) -> BeforeValidator:
    """Read a word as what it stands for, and nothing else: not the number that is stored for it.

    What it stands for is taken, too, from our own code.
    """

    def read(value: Any) -> Any:
        if isinstance(value, Enum):
            return value
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return words[value]

    return BeforeValidator(read)


_UNITS = {str(unit): unit for unit in units.Unit}
_KINDS = {kind.word: kind for kind in Kind}
_STATES = {state.name.lower(): state for state in counter.State}

Unit = Annotated[units.Unit, _reader(_UNITS), _one_of(_UNITS)]
"""A unit misspelt would be looked at by nobody."""

AccountId = Annotated[int, Field(strict=True, ge=1, le=LAST_ID, examples=[101])]
Amount = Annotated[int, Field(strict=True, ge=1, le=AMOUNT_LIMIT)]
AmountOrZero = Annotated[int, Field(strict=True, ge=0, le=AMOUNT_LIMIT)]
Line = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Username = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[!-~]+$", examples=["acme"])]
Password = Annotated[SecretStr, Field(min_length=8, max_length=16, examples=["correct-horse"])]
Email = Annotated[
    str, Field(min_length=3, max_length=254, pattern=r"^[!-?A-~]+@[!-?A-~]+$", examples=["office@acme.example"])
]
Token = Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$", examples=["acme-2026-a7Qd"])]
# Not a dot first: in a URL's path `.` and `..` are steps, and clients take them before they send.
Identifier = Annotated[
    str, Field(min_length=1, max_length=16, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$", examples=["gold"])
]
Reference = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[!-~]+$", examples=["order-7"])]
IdempotencyKey = Annotated[str, Field(min_length=1, max_length=255, examples=["order-7"])]
Metadata = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=40)], Annotated[str, Field(max_length=200)]],
    Field(max_length=20, examples=[{"order": "A-77"}]),
]
HoldId = Annotated[str, Field(pattern=r"^[0-9A-V]{16}$", examples=["TR5J1TG000000001"])]
KeyId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", examples=["019ab0f61c3e7d2a8f00112233445566"])]

# As they stand in a path or a query.
AccountIdIn = Annotated[AccountId, BeforeValidator(_from_digits)]
Count = Annotated[int, Field(ge=1, le=100), BeforeValidator(_from_digits)]
SequenceIn = Annotated[int, Field(ge=1, le=10**12), BeforeValidator(_from_digits)]
Instant = Annotated[int, BeforeValidator(_from_rfc_3339), _DATE_TIME]

# As they are told.
Time = Annotated[int, PlainSerializer(rfc_3339), _DATE_TIME]
Day = Annotated[
    int,
    PlainSerializer(_day),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-11-22"]}),
]
State = Annotated[counter.State, _reader(_STATES), PlainSerializer(lambda state: state.name.lower()), _one_of(_STATES)]
EntryKind = Annotated[Kind, _reader(_KINDS), PlainSerializer(lambda kind: kind.word), _one_of(_KINDS)]
