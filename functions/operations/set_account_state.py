"""INVOKE SetAccountState: suspends, opens or closes an operator.

    {"account": 1, "state": "suspended"}

Suspended it takes credit but spends none. Closing is for good and needs balances that owe and hold nothing. An
operator's own customers are for the operator to suspend and close. Sent again it does no more.
"""

from typing import Any, Literal

from ledger import customers
from ledger.accounts import HOUSE
from ledger.counter import State
from ledger.customers import Revision
from ledger.table import open_table
from operations import wire
from operations.wire import AccountId, Answer, Asked
from telemetry import Log

table = open_table()


class NewState(Asked):
    """The operator, and what it is to be."""

    account: AccountId
    state: Literal["open", "suspended", "closed"]


def lambda_handler(event: dict[str, Any], context: Any) -> Answer:
    return wire.answer(event, context, NewState, set_account_state, "AccountStateSet")


def set_account_state(wanted: NewState, log: Log) -> Answer:
    """Change the profile and every balance in one commit."""
    log |= {"account": wanted.account, "state": wanted.state}
    if (state := State[wanted.state.upper()]) is State.CLOSED:
        found, _ = customers.close(table, HOUSE, wanted.account, actor=HOUSE)
    else:
        found, _ = customers.revise(table, HOUSE, wanted.account, Revision(state=state), actor=HOUSE)
    return {"account": found.id, "state": found.state.name.lower()}
