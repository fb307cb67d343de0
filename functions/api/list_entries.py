"""GET /ledger/accounts/{id}/balances/{unit}/entries: lists a balance's history, newest first, a page at a time."""

from typing import Any

from pydantic import Field

from api import wire
from api.fields import Count, EntryKind, Instant, SequenceIn, Told
from api.parameters import BalancePlace
from api.resources import Entry
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import notes
from ledger.errors import AccountNotFound
from ledger.kinds import Scope
from ledger.period import find_period

MOST_READ = 1_000
"""Entries looked at for one answer: a rare kind may take several pages, some of them empty."""


class Asking(BalancePlace):
    limit: Count = 50
    cursor: SequenceIn | None = None
    since: Instant | None = Field(None, alias="from")
    until: Instant | None = Field(None, alias="to")
    kind: EntryKind | None = None


class Entries(Told):
    """A page of entries. `next_cursor`, if there may be more, is the `cursor` of the next page."""

    entries: list[Entry]
    next_cursor: int | None


ENDPOINT = Endpoint(
    "GET",
    "/ledger/accounts/{id}/balances/{unit}/entries",
    done="EntriesListed",
    scope=Scope.READ,
    at=Asking,
    body=NoBody,
    told=Entries,
    errors=(AccountNotFound,),
    example={"id": 101, "unit": "sms", "limit": 20},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, list_entries)


def list_entries(call: Call[Asking, NoBody]) -> Answer:
    """Read the entries from `from` on and before `to`; each is told again with the texts it was made with."""
    account, asked = call.account(call.at.id).id, call.at
    period = find_period(call.table, account, asked.unit, asked.since, asked.until)
    reach = asked.limit if asked.kind is None else MOST_READ
    seen = period.entries(call.table, limit=reach, before=asked.cursor)
    page = [each for each in seen if asked.kind in (None, each.entry.kind)][: asked.limit]
    reached = page[-1] if len(page) == asked.limit else seen[-1] if seen else None
    texts = notes.read(call.table, page)
    return Answer(
        Entries(
            entries=[Entry.of(account, asked.unit, each, texts.get(each.key, "")) for each in page],
            next_cursor=reached.sequence if reached and reached.sequence > period.first else None,
        )
    )
