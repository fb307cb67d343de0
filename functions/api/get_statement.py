"""GET and HEAD /ledger/accounts/{id}/balances/{unit}/statement: a period's entries as CSV or as a page with a chart."""

import json
from typing import Any, Literal

from pydantic import Field

from api import wire
from api.fields import Instant
from api.pages import HTML
from api.parameters import BalancePlace
from api.problems import Fault, InvalidRequest
from api.statement import CSV, POLICY, Statement
from api.wire import Answer, Call, Endpoint, NoBody
from ledger import history, notes
from ledger.errors import AccountNotFound
from ledger.kinds import Scope
from ledger.period import find_period

MOST_ENTRIES = 5_000
LONGEST_ANSWER = 5_500_000  # bytes, as Lambda sends it to API Gateway, as JSON: 6 MB is the end


class Asking(BalancePlace):
    since: Instant | None = Field(None, alias="from")
    until: Instant | None = Field(None, alias="to")
    format: Literal["csv", "html"] = "csv"


ENDPOINT = Endpoint(
    "GET",
    "/ledger/accounts/{id}/balances/{unit}/statement",
    done="StatementRead",
    scope=Scope.READ,
    at=Asking,
    body=NoBody,
    told=None,
    texts=(CSV, HTML),
    errors=(AccountNotFound,),
    example={"id": 101, "unit": "sms", "from": "2026-01-01T00:00:00Z", "format": "html"},
)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ENDPOINT, get_statement)


def get_statement(call: Call[Asking, NoBody]) -> Answer:
    """Tell the entries made from `from` on and before `to`, oldest first, MOST_ENTRIES at the most."""
    account, asked = call.account(call.at.id).id, call.at
    period = find_period(call.table, account, asked.unit, asked.since, asked.until)
    if period.last - period.first >= MOST_ENTRIES:
        raise InvalidRequest(Fault(at="parameters.from", message=f"more than {MOST_ENTRIES} entries: ask for less"))
    entries = period.entries(call.table, limit=MOST_ENTRIES)[::-1]
    before = history.entries(call.table, account, asked.unit, limit=1, before=period.first)
    opening = before[0].after if before else 0
    statement = Statement(account, asked.unit, opening, entries, notes.read(call.table, entries))
    if asked.format == "csv":
        name = f"attachment; filename={account}-{asked.unit}.csv"
        text, headers = statement.csv(), {"Content-Type": CSV, "Content-Disposition": name}
    else:
        text, headers = statement.html(), {"Content-Type": HTML, "Content-Security-Policy": POLICY}
    if len(json.dumps(text)) > LONGEST_ANSWER:
        raise InvalidRequest(Fault(at="parameters.from", message="the statement would be too long: ask for less"))
    return Answer(text, headers=headers)
