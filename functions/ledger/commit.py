"""Several writes in one commit, all or none: the one place where a cancelled transaction is judged.

A claimed commit happens once: the claim on the caller's key is the first of its writes, so it exists if and only if the
others do, and a retry that meets it is answered from what they left. Without a caller's key a key of our own is
claimed: it tells our lost success from somebody else's. Design: README.md, Commits.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ledger.claims import CallerKey, claim_item, standing
from ledger.errors import Busy, OutcomeUnknown, unless_lost
from ledger.table import FAILED, Failure, Item, Table, answer_of, failure, was_resent


def _try_again(_: Item | None) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a commit, and what it means if its condition was false for the item it met (None: there was none).

    `refused` raises why the commit cannot be, or returns to have it all planned and tried again: True at once, because
    it has cleared the way or learned something, False after a pause.
    """

    item: Item
    refused: Callable[[Item | None], bool] = _try_again


def put_new(table: Table, item: Item, refused: Callable[[Item | None], bool] = _try_again) -> Write:
    """Write the put of an item that must not be there yet."""
    is_new = "attribute_not_exists(pk)"
    return Write({"Put": {"TableName": table.name, "Item": item, "ConditionExpression": is_new}}, refused)


@dataclass(frozen=True, slots=True)
class Plan:
    """The writes of one try, in the order in which their refusals are judged, and what its claim says.

    `sides` are the balances, (account, unit), that get an entry: after a restore only the claim can tell what is
    missing. `result` is a number to be answered again.
    """

    writes: Sequence[Write]
    sides: Sequence[tuple[int, str]] = ()
    result: int | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """What was committed: under which key of ours, with what result, and whether by an earlier request."""

    key: bytes
    result: int | None
    replayed: bool


def commit(table: Table, scope: int, plan: Callable[[bytes], Plan], caller_key: CallerKey | None = None) -> Committed:
    """Make all the writes that `plan` gives for the server's key, or none, once.

    The plan is asked for again at every try, and may read what it needs: a look that meets no answer, Busy, is one more
    lost try. Raises KeyReused, what the plan or a refused write raises, Busy (nothing changed), or OutcomeUnknown if a
    try of ours may have acted, or may act yet, unseen.
    """
    key = table.mint()
    caller_key = caller_key or CallerKey(scope, key.hex(), ("once",))
    lost = False
    for crowding in table.tries():
        try:
            with unless_lost(lost):
                planned = plan(key)
        except Busy:
            table.pause(crowding)
            continue
        claim = claim_item(table, caller_key, key, planned.sides, planned.result)
        try:
            _transact(table, [{"Put": claim}, *(write.item for write in planned.writes)])
        except FAILED as error:
            lost = lost or _may_have_acted(error)
            of_claim, *reasons = _reasons(error, 1 + len(planned.writes))
            if _is_refused(of_claim):
                stands = of_claim["Item"]
                key_of_it = standing(caller_key, stands)
                result = int(stands["r"]["N"]) if "r" in stands else None
                return Committed(key_of_it, result, replayed=key_of_it != key)
            # What else cancelled it may be the doing of a copy of this request that had the claim in hand.
            if _is_undecided(of_claim) or not _judge(planned.writes, reasons, lost=lost):
                table.pause(crowding)
        else:
            return Committed(key, planned.result, replayed=False)
    raise OutcomeUnknown if lost else Busy


def commit_unclaimed(table: Table, plan: Callable[[], Iterable[Write]]) -> None:
    """Make all the writes of a plan, or none; for what does no more if it is made again.

    The plan may read what it needs, as in `commit`. Raises what `commit` raises.
    """
    lost = False
    for crowding in table.tries():
        try:
            with unless_lost(lost):
                writes = list(plan())
        except Busy:
            table.pause(crowding)
            continue
        try:
            _transact(table, [write.item for write in writes])
        except FAILED as error:
            lost = lost or _may_have_acted(error)
            if not _judge(writes, _reasons(error, len(writes)), lost=lost):
                table.pause(crowding)
        else:
            return
    raise OutcomeUnknown if lost else Busy


def _transact(table: Table, writes: list[Any]) -> None:
    table.client.transact_write_items(TransactItems=writes)


def _may_have_acted(error: Exception) -> bool:
    """Say whether this try, or a copy that the SDK sent before it, may have been made all the same."""
    return failure(error) is Failure.UNKNOWN or was_resent(answer_of(error))


def _reasons(error: Exception, writes: int) -> list[Item]:
    """Give the reason of each write for a cancelled transaction; of any other failure nothing is known."""
    if failure(error) is not Failure.CONDITION:
        return [{"Code": "Unknown"}] * writes
    reasons: list[Item] = answer_of(error)["CancellationReasons"]
    return reasons


def _judge(writes: Sequence[Write], reasons: Sequence[Item], *, lost: bool) -> bool:
    """Have each refused write say what that means, in order; return whether to try again at once."""
    at_once = False
    # What could not be looked into is looked into again: Busy would promise what a lost copy may break.
    with suppress(Busy), unless_lost(lost):
        for write, reason in zip(writes, reasons, strict=True):
            if _is_refused(reason):
                at_once = write.refused(reason.get("Item")) or at_once
    return at_once


def _is_refused(reason: Item) -> bool:
    """Say whether this write's condition was what cancelled a transaction."""
    return bool(reason["Code"] == "ConditionalCheckFailed")


def _is_undecided(claim: Item) -> bool:
    """Say whether the claim itself could not be judged: a copy of this request had it in hand, or it was throttled."""
    return bool(claim["Code"] not in ("None", "ConditionalCheckFailed"))
