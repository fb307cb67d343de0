"""One entry of a balance's history: what it says, how it packs into bytes, and the key that makes it happen once.

An entry is packed because the newest ones ride inside the balance item (README.md, Items): twenty must fit in 1 KB.

    kind 1 byte | flags 1 byte | milliseconds since 1970, 6 bytes | amount | held | actor | reference, UTF-8 to the end

Amount and held are zigzag varints, the actor a plain varint. A key is a UUIDv7: its first 48 bits are the time it was
minted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ledger.kinds import BY_NUMBER, Kind

KEY_BYTES = 16
LABEL_BYTES = 24  # actor and reference together
AMOUNT_LIMIT = 10**15  # of one change, either way, in the unit's smallest part
BALANCE_LIMIT = 2**53 - 1  # of a balance, either way: the last whole number that every JSON reader keeps exactly

# Flags.
_HAS_NOTE = 1  # long texts lie in a note item under the entry's key
_CLAIMED = 2  # made in one commit with a claim, which names all the balances that got an entry under this key


@dataclass(frozen=True, slots=True)
class Entry:
    """A change as it was asked for, in the unit's smallest part; for `SET`, `amount` is the target.

    `has_note`: long texts lie in a note item under its key. `claimed`: it was made in one commit with its claim.
    """

    kind: Kind
    amount: int
    time_ms: int
    actor: int
    reference: str = ""
    held: int = 0
    has_note: bool = False
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class Posted:
    """An entry in its place: its sequence number and the balance right before and right after it."""

    sequence: int
    key: bytes
    entry: Entry
    before: int
    after: int
    held: int
    replayed: bool = False

    @property
    def amount(self) -> int:
        """By how much the available credit changed."""
        return self.after - self.before


def mint_key(time_ms: int, random_bits: Callable[[int], int]) -> bytes:
    """Make a UUIDv7 (RFC 9562) for this time."""
    random = random_bits(74)
    value = time_ms << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return value.to_bytes(KEY_BYTES)


def key_time_ms(key: bytes) -> int:
    """Read back when a key was minted."""
    return int.from_bytes(key[:6])


def pack(entry: Entry) -> bytes:
    """Pack an entry. ValueError if the amount or the actor and reference are past their limits."""
    if abs(entry.amount) > AMOUNT_LIMIT or abs(entry.held) > AMOUNT_LIMIT:
        raise ValueError("amount is past the limit of one change")
    label = _varint(entry.actor) + entry.reference.encode()
    if len(label) > LABEL_BYTES:
        raise ValueError("actor and reference are too long together")
    flags = (_HAS_NOTE if entry.has_note else 0) | (_CLAIMED if entry.claimed else 0)
    head = bytes((entry.kind, flags)) + entry.time_ms.to_bytes(6)
    return head + _varint(_zigzag(entry.amount)) + _varint(_zigzag(entry.held)) + label


def unpack(packed: bytes) -> Entry:
    """Read an entry back from its bytes."""
    amount, at = _read_varint(packed, 8)
    held, at = _read_varint(packed, at)
    actor, at = _read_varint(packed, at)
    return Entry(
        kind=BY_NUMBER[packed[0]],
        amount=_unzigzag(amount),
        time_ms=int.from_bytes(packed[2:8]),
        actor=actor,
        reference=packed[at:].decode(),
        held=_unzigzag(held),
        has_note=bool(packed[1] & _HAS_NOTE),
        claimed=bool(packed[1] & _CLAIMED),
    )


def forward(run: Sequence[bytes], sequence: int, available: int, held: int) -> Iterator[Posted]:
    """Walk `[key, entry, key, entry, ...]` that follows entry `sequence`, summing from the balance right after it."""
    for at in range(0, len(run), 2):
        entry = unpack(run[at + 1])
        sequence += 1
        before = available
        available = entry.amount if entry.kind is Kind.SET else available + entry.amount
        held += entry.held
        yield Posted(sequence, run[at], entry, before, available, held)


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else ~number << 1 | 1


def _unzigzag(number: int) -> int:
    return ~(number >> 1) if number & 1 else number >> 1


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_varint(packed: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = packed[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
