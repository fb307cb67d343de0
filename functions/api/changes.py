"""A change as callers ask for it, alone or among others: what it may be, and making it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, RootModel

from api.explained import Explained
from api.fields import Amount, Reference
from api.resources import Entry
from api.wire import At, Body, Call
from ledger.balance import change
from ledger.change import Change
from ledger.entry import AMOUNT_LIMIT
from ledger.kinds import Kind


class _Wanted(Explained):
    entered_as: ClassVar[Kind]

    reference: Reference | None = None


class TopUp(_Wanted):
    """Credit added, in the unit's smallest part."""

    entered_as = Kind.TOP_UP

    kind: Literal["topup"]
    amount: Annotated[Amount, Field(examples=[250])]


class Spend(_Wanted):
    """Credit used, so a negative amount; it never takes the balance below its credit limit."""

    entered_as = Kind.SPEND

    kind: Literal["spend"]
    amount: Annotated[int, Field(strict=True, ge=-AMOUNT_LIMIT, le=-1, examples=[-40])]


class Adjustment(_Wanted):
    """A correction either way. It may take the balance anywhere, below its credit limit too."""

    entered_as = Kind.ADJUSTMENT

    kind: Literal["adjustment"]
    amount: Annotated[int, Field(strict=True, ge=-AMOUNT_LIMIT, le=AMOUNT_LIMIT, examples=[-3])]


Wanted = TopUp | Spend | Adjustment


class NewChange(RootModel[Annotated[Wanted, Field(discriminator="kind")]]):
    """A change of one balance."""


def make(call: Call[At, Body], account: int, unit: str, wanted: Wanted, idempotency_key: str) -> tuple[Entry, bool]:
    """Make a change, once, and tell its entry and whether an earlier request made it.

    Raises NotPermitted, AccountNotFound and what the ledger's `change` raises.
    """
    note = wanted.note()
    call.require(wanted.entered_as.scope)
    reference = wanted.reference or ""
    posted = change(
        call.table,
        Change(
            call.owner_of(account),
            account,
            unit,
            wanted.entered_as,
            wanted.amount,
            actor=call.caller.account,
            reference=reference,
            note=note,
        ),
        call.caller_key(idempotency_key, "change", account, unit, wanted.kind, wanted.amount, reference, note),
    )
    return Entry.of(account, unit, posted, note), posted.replayed
