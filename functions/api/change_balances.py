"""POST /ledger/changes: makes up to a hundred changes, each on its own and once, and tells what became of each."""

from functools import partial
from typing import Annotated, Any

from pydantic import Field

from api import changes, wire
from api.changes import NewChange, Wanted
from api.fields import AccountId, Asked, IdempotencyKey, Told, Unit
from api.problems import Problem
from api.resources import Entry
from api.wire import Answer, Call, Endpoint, NoParameters
from ledger import metrics
from ledger.errors import Busy
from ledger.metrics import Metric

MOST_CHANGES = 100
_LAST_START_MS = 6_000
"""A change begun later might outlive the function. It is refused as busy: sent again, the others are replays."""


class Item(Asked):
    """One change, with its own idempotency key."""

    account: AccountId
    unit: Unit
    idempotency_key: IdempotencyKey
    change: NewChange


class Batch(Asked):
    """Changes that have nothing to do with each other: some may be made and others refused."""

    changes: Annotated[list[Item], Field(min_length=1, max_length=MOST_CHANGES)]


class Outcome(Told):
    """What became of one change: its entry, or the problem it met. `status` is what it would have got alone."""

    status: int
    replayed: bool
    entry: Entry | None
    problem: Problem | None


class Outcomes(Told):
    """One outcome for each change, in the order asked."""

    outcomes: list[Outcome]


ENDPOINT = Endpoint(
    "POST",
    "/ledger/changes",
    done="BalancesChanged",
    scope=None,  # each change asks for its kind's own
    at=NoParameters,
    body=Batch,
    told=Outcomes,
    status=207,
    example={
        "body": {
            "changes": [
                {
                    "account": 101,
                    "unit": "sms",
                    "idempotency_key": "message-1",
                    "change": {"kind": "spend", "amount": -1},
                }
            ]
        }
    },
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, change_balances)


def change_balances(call: Call[NoParameters, Batch]) -> Answer:
    """Make each change in turn, whatever became of those before it."""
    last_start_ms = call.table.now_ms() + _LAST_START_MS
    outcomes = [_outcome(item, wire.attempt(partial(_make, call, item, last_start_ms))) for item in call.body.changes]
    call.log["changes"] = len(outcomes)
    call.log["refused"] = sum(outcome.problem is not None for outcome in outcomes)
    return Answer(Outcomes(outcomes=outcomes))


def _make(call: Call[NoParameters, Batch], item: Item, last_start_ms: int) -> tuple[Entry, bool]:
    if call.table.now_ms() > last_start_ms:
        raise Busy
    wanted: Wanted = item.change.root
    return changes.make(call, item.account, item.unit, wanted, item.idempotency_key)


def _outcome(item: Item, made: tuple[Entry, bool] | Problem) -> Outcome:
    if isinstance(made, Problem):
        metrics.count(Metric.REFUSED, item.unit)
        return Outcome(status=made.status, replayed=False, entry=None, problem=made)
    entry, replayed = made
    if replayed:
        metrics.count(Metric.REPLAYED, item.unit)
    return Outcome(status=201, replayed=replayed, entry=entry, problem=None)
