"""POST /ledger/accounts/{id}/balances/{unit}/holds/{hold}/release: gives back what is left of a hold, and ends it."""

from typing import Any

from api import wire
from api.parameters import HoldPlace
from api.resources import Entry
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import holds
from ledger.errors import AccountClosed, AccountNotFound, HoldNotFound
from ledger.kinds import Scope

ENDPOINT = Endpoint(
    "POST",
    "/ledger/accounts/{id}/balances/{unit}/holds/{hold}/release",
    done="HoldReleased",
    scope=Scope.SPEND,
    at=HoldPlace,
    body=NoBody,
    told=Entry,
    keyed=True,
    errors=(AccountNotFound, HoldNotFound, AccountClosed),
    example={"id": 100, "unit": "transactions", "hold": "TR5J1TG000000001"},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, release_hold)


def release_hold(call: Call[HoldPlace, NoBody]) -> Answer:
    """Release the hold."""
    place = call.at
    posted = holds.release(
        call.table,
        call.owner_of(place.id),
        place.id,
        place.unit,
        place.hold,
        actor=call.caller.account,
        caller_key=call.key_for("release", place.id, place.unit, place.hold),
    )
    call.log["sequence"] = posted.sequence
    return Answer(Entry.of(place.id, place.unit, posted), posted.replayed)
