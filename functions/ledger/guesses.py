"""Guesses: wrong passwords, counted by user name and source address, and what is refused because of them.

From the sixth on, with no quarter of an hour without one between them, no password is looked at for a minute, right or
wrong; from the seventh on for two, and so on up to an hour. A guess that is refused so is not counted.
Design: README.md, Guesses.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from hashlib import sha256
from ipaddress import IPv6Address

from ledger.errors import LoginBlocked, WrongCredentials
from ledger.metrics import NO_UNIT, Metric, count
from ledger.table import FAILED, Failure, Item, Table, failure, single
from ledger.update import number

MOST_GUESSES = 5
SHORTEST_BLOCK_MS = 60_000
LONGEST_BLOCK_MS = 3_600_000
QUIET_MS = 900_000
_KEPT_S = 86_400  # then DynamoDB deletes the item, sooner or later


def judge(table: Table, username_pk: str, source: str, is_right: Callable[[], bool]) -> None:
    """Have a password judged, unless too many were wrong. Raises WrongCredentials, LoginBlocked or Busy.

    Guesses that are judged at the same instant do not see each other: there may be as many more as there are processes.
    """
    pk = _pk(username_pk, source)
    seen = table.get(single(pk)) or {}
    if table.now_ms() < _blocked_until_ms(seen) or table.remembers(pk):
        count(Metric.LOGIN_BLOCKED, NO_UNIT)
        raise LoginBlocked
    if not is_right():
        _count(table, pk, seen)
        raise WrongCredentials


def _pk(username_pk: str, source: str) -> str:
    """Name the count of one user name from one address: by a hash, because what was sent as a name may be a password.

    Of IPv6 an address is the 64 bits that one subscriber is given.
    """
    with suppress(ValueError):  # which IPv4 is
        source = IPv6Address(source).exploded[:19]
    return f"F#{sha256(f'{source} {username_pk}'.encode(errors='surrogatepass')).hexdigest()}"


def _blocked_until_ms(seen: Item) -> int:
    """Say until when no password is looked at: the latest guess, or some time after it. Never, if none was counted."""
    if not seen:
        return 0
    doublings = int(seen["n"]["N"]) - MOST_GUESSES - 1
    block_ms = min(SHORTEST_BLOCK_MS << min(doublings, 6), LONGEST_BLOCK_MS) if doublings >= 0 else 0
    return int(seen["t"]["N"]) + block_ms


def _count(table: Table, pk: str, seen: Item) -> None:
    """Count one more, or from one on after a quiet time. If that cannot be written, block in this process at least."""
    now_ms = table.now_ms()
    begin = partial(
        table.client.put_item,
        TableName=table.name,
        Item={**single(pk), "n": number(1), "t": number(now_ms), "ttl": number(now_ms // 1_000 + _KEPT_S)},
        # Of two that found a quiet time the second adds to what the first has put.
        ConditionExpression="attribute_not_exists(pk) OR t = :seen",
        ExpressionAttributeValues={":seen": seen.get("t", number(0))},
    )
    add = partial(
        table.client.update_item,
        TableName=table.name,
        Key=single(pk),
        UpdateExpression="SET n = n + :one, t = :now",
        ConditionExpression="attribute_exists(pk)",  # DynamoDB may just have deleted it
        ExpressionAttributeValues={":one": number(1), ":now": number(now_ms)},
    )
    is_quiet = now_ms >= _blocked_until_ms(seen) + QUIET_MS
    for write in (begin, add) if is_quiet else (add, begin):
        try:
            write()
        except FAILED as error:
            if failure(error) is not Failure.CONDITION:
                break
        else:
            return
    table.remember(pk, now_ms + SHORTEST_BLOCK_MS)
