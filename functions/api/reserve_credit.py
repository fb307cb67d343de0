"""POST /ledger/accounts/{id}/balances/{unit}/holds: puts credit on hold for a while, to be captured in parts."""

from typing import Annotated, Any

from pydantic import Field

from api import wire
from api.explained import Explained
from api.fields import Amount, Reference, Time, Told
from api.parameters import BalancePlace
from api.resources import Entry
from api.wire import Answer, Call, Endpoint
from ledger import holds
from ledger.errors import AccountClosed, AccountNotFound, AccountSuspended, InsufficientCredit
from ledger.kinds import Scope


class NewHold(Explained):
    """How much to hold, in the unit's smallest part, and for how many seconds."""

    amount: Annotated[Amount, Field(examples=[100])]
    expires_in_s: Annotated[int, Field(strict=True, ge=1, le=holds.LONGEST_LIFE_MS // 1_000, examples=[3600])]
    reference: Reference | None = None


class OpenedHold(Told):
    """The hold, until when it can be captured, and the entry that opened it."""

    hold: str
    expires: Time
    entry: Entry


ENDPOINT = Endpoint(
    "POST",
    "/ledger/accounts/{id}/balances/{unit}/holds",
    done="CreditReserved",
    scope=Scope.SPEND,
    at=BalancePlace,
    body=NewHold,
    told=OpenedHold,
    status=201,
    keyed=True,
    errors=(AccountNotFound, AccountClosed, AccountSuspended, InsufficientCredit),
    example={"id": 101, "unit": "sms", "body": {"amount": 100, "expires_in_s": 3600, "reference": "campaign-7"}},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, reserve_credit)


def reserve_credit(call: Call[BalancePlace, NewHold]) -> Answer:
    """Reserve the credit; what is not captured when the hold expires is available again."""
    place, wanted = call.at, call.body
    reference, note = wanted.reference or "", wanted.note()
    opened = holds.reserve(
        call.table,
        call.owner_of(place.id),
        place.id,
        place.unit,
        wanted.amount,
        lives_ms=wanted.expires_in_s * 1_000,
        actor=call.caller.account,
        reference=reference,
        note=note,
        caller_key=call.key_for("reserve", place.id, place.unit, wanted.amount, wanted.expires_in_s, reference, note),
    )
    entry = Entry.of(place.id, place.unit, opened.posted, note)
    call.log["sequence"] = entry.sequence
    return Answer(OpenedHold(hold=opened.hold, expires=opened.expires_ms, entry=entry), opened.posted.replayed)
