"""A caller that never gives up: it sends a request again, under the same key, until an answer reaches it."""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from tests.engine.writers import Writers

Answer = TypeVar("Answer")

WAVES = 10
LOST_ON_THE_WAY = 0.05  # answers that leave the function but never reach the caller
SENT_TWICE_AT_ONCE = 0.05


@dataclass(frozen=True, slots=True)
class Request:
    key: str
    amount: int


def make_requests(account: int, count: int, chance: random.Random) -> list[Request]:
    return [Request(f"{account}-{number}", chance.randrange(1, 1_000)) for number in range(count)]


def send_all(
    writers: Writers,
    job: Callable[[list[Request], str], list[Answer | None]],
    requests: list[Request],
    chance: random.Random,
) -> dict[Request, list[Answer]]:
    """Have the writers answer all requests, in waves; return every answer that was ever given.

    `job` answers what one process gets of a wave, None for what it cannot answer. That goes out again in the next
    wave, a second or two later, most likely to another process and among new requests.
    """
    answers: dict[Request, list[Answer]] = defaultdict(list)
    waiting = list(requests)
    again: list[Request] = []
    wave = -(-len(requests) // WAVES)
    while waiting or again:
        new, waiting = waiting[:wave], waiting[wave:]
        sent = again + new + [request for request in new if chance.random() < SENT_TWICE_AT_ONCE]
        chance.shuffle(sent)
        shares = [sent[writer :: writers.count] for writer in range(writers.count)]
        seeds = [f"{chance.getrandbits(32)}" for _ in shares]
        given = chain(*writers.race(job, shares, seeds))
        again = []
        for request, answer in zip(chain(*shares), given, strict=True):
            if answer is not None:
                answers[request].append(answer)
            if answer is None or (waiting and chance.random() < LOST_ON_THE_WAY):
                again.append(request)
    return answers
