"""Opening, suspending and closing accounts, for tests of what follows from that."""

from ledger.counter import State
from ledger.customers import Revision, revise
from ledger.table import Table


def set_state(table: Table, owner: int, account: int, state: State) -> None:
    revise(table, owner, account, Revision(state=state), actor=owner)
