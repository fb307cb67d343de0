"""A wire that loses calls, under the SDK and so under everything: the ledger's code runs as it is deployed."""

import random
import time
from enum import Enum, auto
from functools import cache
from threading import Timer
from types import TracebackType
from typing import TYPE_CHECKING, Self

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from ledger.table import Table, open_table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class Fate(Enum):
    """What may become of a call."""

    NEVER_ARRIVES = auto()
    ANSWER_IS_LOST = auto()
    ARRIVES_LATE = auto()  # after its sender has given up and perhaps tried again
    SENDER_DIES_BEFORE = auto()
    SENDER_DIES_AFTER = auto()


_EVENT = "before-send.dynamodb"
_ODDS = {
    Fate.NEVER_ARRIVES: 3,
    Fate.ANSWER_IS_LOST: 3,
    Fate.ARRIVES_LATE: 2,
    Fate.SENDER_DIES_BEFORE: 1,
    Fate.SENDER_DIES_AFTER: 1,
}
_DEATHS = {Fate.SENDER_DIES_BEFORE, Fate.SENDER_DIES_AFTER}


class Died(BaseException):
    """The process ended here, as far as the code under test can tell: not an Exception, so nothing handles it."""


@cache
def table_without_sdk_retries() -> Table:
    """Every loss reaches the ledger itself: the SDK, which would hide most of them, sends nothing again."""
    settings = Config(retries={"total_max_attempts": 1})
    return Table(boto3.client("dynamodb", config=settings), open_table().name)


class LossyWire:
    """Loses a share of a client's calls for as long as it is entered; the seed fixes which and how.

    Who waits for an answer in vain waits up to `timeout_s`, and what arrives late arrives up to so much later still.
    """

    def __init__(
        self, client: "DynamoDBClient", share: float, seed: str, *, deadly: bool = True, timeout_s: float = 0.2
    ) -> None:
        self._fates = {fate: odds for fate, odds in _ODDS.items() if deadly or fate not in _DEATHS}
        self._events = client.meta.events
        self._share = share
        self._timeout_s = timeout_s
        self._random = random.Random(seed)
        self._wire = URLLib3Session()
        self._late: list[Timer] = []

    def _send(self, request: AWSPreparedRequest, **_: object) -> None:
        if self._random.random() >= self._share:
            return
        (fate,) = self._random.choices(list(self._fates), list(self._fates.values()))
        match fate:
            case Fate.ANSWER_IS_LOST | Fate.SENDER_DIES_AFTER:
                self._wire.send(request)
            case Fate.ARRIVES_LATE:
                late_s = self._random.uniform(0, 2 * self._timeout_s)
                self._late.append(Timer(late_s, self._wire.send, [request]))
                self._late[-1].start()
        if fate in _DEATHS:
            raise Died
        time.sleep(self._random.uniform(0, self._timeout_s))
        if fate is Fate.NEVER_ARRIVES:
            raise ConnectTimeoutError(endpoint_url=request.url)
        raise ReadTimeoutError(endpoint_url=request.url)

    def __enter__(self) -> Self:
        self._events.register(_EVENT, self._send)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._events.unregister(_EVENT, self._send)
        for late in self._late:
            late.join()
        self._wire.close()
