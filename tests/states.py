"""Opening, suspending and closing accounts, for tests of what follows from that."""

from ledger import holds
from ledger.accounts import HOUSE
from ledger.counter import State
from ledger.customers import Revision, revise
from ledger.table import Table
from tests.local import demo


def set_state(table: Table, owner: int, account: int, state: State) -> None:
    revise(table, owner, account, Revision(state=state), actor=owner)


def close_the_operator(table: Table) -> None:
    """Close the demo's operator, whose hold has to go first."""
    holds.release(table, HOUSE, demo.ADMIN, "transactions", demo.HOLD, actor=HOUSE)
    set_state(table, HOUSE, demo.ADMIN, State.CLOSED)
