"""POST /ledger/accounts/{id}/balances/{unit}/holds/{hold}/captures: takes a part of a hold, or all of it, for good."""

from typing import Annotated, Any

from pydantic import Field

from api import wire
from api.explained import Explained
from api.fields import Amount
from api.parameters import HoldPlace
from api.resources import Entry
from api.wire import Answer, Call, Endpoint
from ledger import holds
from ledger.errors import AccountClosed, AccountNotFound, HoldExpired, HoldNotFound, HoldTooSmall
from ledger.kinds import Scope


class NewCapture(Explained):
    """How much to take, in the unit's smallest part."""

    amount: Annotated[Amount, Field(examples=[1])]


ENDPOINT = Endpoint(
    "POST",
    "/ledger/accounts/{id}/balances/{unit}/holds/{hold}/captures",
    done="HoldCaptured",
    scope=Scope.SPEND,
    at=HoldPlace,
    body=NewCapture,
    told=Entry,
    status=201,
    keyed=True,
    errors=(AccountNotFound, HoldNotFound, AccountClosed, HoldExpired, HoldTooSmall),
    example={"id": 100, "unit": "transactions", "hold": "TR5J1TG000000001", "body": {"amount": 1}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, capture_hold)


def capture_hold(call: Call[HoldPlace, NewCapture]) -> Answer:
    """Capture; as often as there is something left, each time under a key of its own."""
    place, amount, note = call.at, call.body.amount, call.body.note()
    posted = holds.capture(
        call.table,
        call.owner_of(place.id),
        place.id,
        place.unit,
        place.hold,
        amount,
        actor=call.caller.account,
        note=note,
        caller_key=call.key_for("capture", place.id, place.unit, place.hold, amount, note),
    )
    call.log["sequence"] = posted.sequence
    return Answer(Entry.of(place.id, place.unit, posted, note), posted.replayed)
