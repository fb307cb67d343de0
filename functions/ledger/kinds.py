"""The kinds of entries, each with all that is known of it, and the scopes that let an API key make them."""

from enum import IntEnum, StrEnum
from typing import Self


class Scope(StrEnum):
    """What an API key is good for. `accounts` is to open and update accounts and their names; `admin` is everything.

    Only `topup`, `adjust` and `admin` create credit from nothing, or let an account owe it.
    """

    READ = "read"
    TOPUP = "topup"
    SPEND = "spend"
    TRANSFER = "transfer"
    ADJUST = "adjust"
    ACCOUNTS = "accounts"
    ADMIN = "admin"


class Kind(IntEnum):
    """What an entry did: the number that is stored, which never changes, and what else there is to know of it.

    `word` names it to callers. `scope` is what a key of our own API must be good for to make one; the vendors' APIs
    know no scopes. `counts` says whether the metrics of credit added and spent count it: credit that only moves between
    accounts is neither.
    """

    word: str
    scope: Scope
    counts: bool

    def __new__(cls, number: int, word: str, scope: Scope, counts: bool) -> Self:
        kind = int.__new__(cls, number)
        kind._value_ = number
        kind.word = word
        kind.scope = scope
        kind.counts = counts
        return kind

    OPENING = 1, "opening", Scope.TOPUP, True
    TOP_UP = 2, "topup", Scope.TOPUP, True
    SPEND = 3, "spend", Scope.SPEND, True
    ADJUSTMENT = 4, "adjustment", Scope.ADJUST, True
    SET = 5, "set", Scope.ADMIN, True
    TRANSFER_IN = 6, "transfer_in", Scope.TRANSFER, False
    TRANSFER_OUT = 7, "transfer_out", Scope.TRANSFER, False
    RESERVE = 8, "reserve", Scope.SPEND, True
    CAPTURE = 9, "capture", Scope.SPEND, True
    RELEASE = 10, "release", Scope.SPEND, True


BY_NUMBER = {int(kind): kind for kind in Kind}
"""The kinds by the numbers that are stored."""

SPENDS = frozenset({Kind.SPEND, Kind.RESERVE, Kind.TRANSFER_OUT})
"""The kinds that must find credit and an open account. Every other kind works from below zero and while suspended."""

HOLDING = frozenset({Kind.RESERVE, Kind.CAPTURE, Kind.RELEASE})
"""The kinds that open, use up or end a hold. Of the last two the reference is the hold."""
