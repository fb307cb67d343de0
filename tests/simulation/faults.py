"""A DynamoDB client to which everything happens that can happen to a call between two machines."""

from __future__ import annotations

import copy
import re
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.simulation.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.simulation.scheduler import Scheduler

READS = {"get_item", "query", "batch_get_item"}
SLOWEST_MS = 3_000  # between two copies of one call
LIFE_MS = 15_000  # of a Lambda function: template.yaml's Timeout


class Killed(BaseException):
    """The process is gone. A BaseException, as no code of ours may live on after it."""


class Client:
    """Passes calls to a real client, one scheduler step each, with faults as likely as `odds` says.

    Odds are by name, each between 0 and 1: `kill` before or after the call took effect, `lose` the answer or the call,
    `resend` it as the SDK does when an answer is lost, `delay` a copy of it until after its caller moved on, and
    `conflict` with a transaction passing by.
    """

    def __init__(
        self, real: Any, scheduler: Scheduler, odds: Mapping[str, float], rewrite: Callable[[str, Any], Any] | None
    ) -> None:
        self.met: Counter[str] = Counter()
        self._real = real
        self._scheduler = scheduler
        self._odds = odds
        self._rewrite = rewrite
        self._dies_ms = 0

    def live(self) -> None:
        """Begin a process's life."""
        self._dies_ms = self._scheduler.now_ms + LIFE_MS

    def sleep_ms(self, ms: float) -> None:
        """Sleep as a process that may meet its end."""
        self._scheduler.pause(ms)
        if self._scheduler.now_ms > self._dies_ms:
            raise Killed

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            if self._rewrite:
                request = self._rewrite(operation, copy.deepcopy(request))
            return self._call(operation, request)

        return call

    def _call(self, operation: str, request: Any) -> Any:
        self.sleep_ms(0)
        fault = self._draw()
        if operation in READS and fault in ("delay", "conflict"):
            fault = ""
        self.met[fault] += 1
        early = self._scheduler.random.random() < 0.5
        if fault == "conflict":
            raise self._conflict(operation, request)
        if fault == "kill" and early:
            raise Killed
        if fault == "delay":
            self._later(operation, request)
            if early:
                raise ReadTimeoutError(endpoint_url="simulation")
        if fault == "lose" and early:
            raise ReadTimeoutError(endpoint_url="simulation")
        if fault == "resend" and not early:
            self._quietly(operation, request)
        if fault in ("resend", "delay"):
            self.sleep_ms(self._scheduler.random.randrange(SLOWEST_MS))
        answer = self._answer(operation, request, resent=fault in ("resend", "delay"))
        if fault == "kill":
            raise Killed
        if fault == "lose":
            raise ReadTimeoutError(endpoint_url="simulation")
        return answer

    def _draw(self) -> str:
        chance = self._scheduler.random.random()
        for fault, odds in self._odds.items():
            if chance < odds:
                return fault
            chance -= odds
        return ""

    def _answer(self, operation: str, request: Any, *, resent: bool) -> Any:
        try:
            answer = getattr(self._real, operation)(**request)
        except ClientError as error:
            error.response["ResponseMetadata"]["RetryAttempts"] = int(resent)
            raise
        answer["ResponseMetadata"]["RetryAttempts"] = int(resent)
        return answer

    def _conflict(self, operation: str, request: Any) -> ClientError:
        """Make what AWS answers when a transaction is passing: each item votes on its own, whatever another meets."""
        response: Any = {"Error": {"Message": "simulated"}, "ResponseMetadata": {"RetryAttempts": 0}}
        if operation == "transact_write_items":
            writes = request["TransactItems"]
            is_ours = isinstance(self._real, Memory)  # an engine cannot be asked without doing it
            reasons = self._real.reasons(writes) if is_ours else [{"Code": "None"} for _ in writes]
            code = self._scheduler.random.choice(("TransactionConflict", "ThrottlingError"))
            reasons[self._scheduler.random.randrange(len(writes))] = {"Code": code}
            response["Error"]["Code"] = "TransactionCanceledException"
            response["CancellationReasons"] = reasons
        else:
            response["Error"]["Code"] = "TransactionConflictException"
        return ClientError(response, operation)

    def _quietly(self, operation: str, request: Any) -> None:
        with suppress(ClientError):
            self._answer(operation, request, resent=False)

    def _later(self, operation: str, request: Any) -> None:
        self._scheduler.spawn(
            lambda: self._quietly(operation, request), after_ms=self._scheduler.random.randrange(2 * SLOWEST_MS)
        )


def without(clause: str, of: str = "") -> Callable[[str, Any], Any]:
    """Make a rewrite that takes one clause out of every condition (of the one operation): a mutant of the ledger."""

    def rewrite(operation: str, request: Any) -> Any:
        if operation == "transact_write_items":
            writes = [write for each in request["TransactItems"] for write in each.values()]
        else:
            writes = [request]
        for write in writes if of in ("", operation) else ():
            if clause in write.get("ConditionExpression", ""):
                rest = [part for part in write["ConditionExpression"].split(" AND ") if part != clause]
                write["ConditionExpression"] = " AND ".join(rest) or "attribute_exists(pk) OR attribute_not_exists(pk)"
                used = write["ConditionExpression"] + " " + write.get("UpdateExpression", "")
                if values := write.get("ExpressionAttributeValues"):
                    names = set(re.findall(r":\w+", used))
                    write["ExpressionAttributeValues"] = {name: values[name] for name in values if name in names}
        return request

    return rewrite
