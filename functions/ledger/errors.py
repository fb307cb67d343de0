"""Why the ledger says no. No status codes here: each dialect maps this tree to its own answers.

LedgerError
├── Declined                 judged and refused; nothing changed
│   ├── AccountNotFound      no such account, or another operator's
│   ├── AccountClosed        closed: takes no change at all
│   ├── AccountSuspended     suspended: takes credit, cannot spend
│   ├── InsufficientCredit   the change would pass the balance's floor
│   ├── BalanceTooLarge      the change would pass what a balance may come to, either way
│   ├── HoldNotFound         no such hold, or it is settled: all captured, released or given back
│   ├── HoldExpired          past its time: it captures nothing any more
│   ├── HoldTooSmall         more than the hold still holds
│   ├── TransferRefused      to itself, or of nothing
│   ├── KeyReused            this Idempotency-Key stood for something else
│   ├── NotSettled           the account still owes or holds credit, so it cannot be closed
│   ├── NameTaken            a name that must be unique has an owner already
│   ├── WrongCredentials     unknown name, wrong password or unknown API key: never says which
│   ├── LoginBlocked         too many wrong passwords: for a while none is looked at, right or wrong
│   └── NotPermitted         known, but may not do this
├── Busy                     gave up in a crowd; nothing changed
└── OutcomeUnknown           the database stopped answering; it may have happened
"""

from collections.abc import Iterator
from contextlib import contextmanager


class LedgerError(Exception):
    """Anything the ledger refuses or cannot finish."""


class Declined(LedgerError):
    """Judged and refused; nothing changed. A retry is judged afresh.

    It speaks for its own sending. A copy that an earlier sending under the same key lost on the way may still arrive
    and be applied, once; the next sending is then answered with that.
    """


class AccountNotFound(Declined):
    """No such account, or it is another operator's."""


class AccountClosed(Declined):
    """The account is closed and takes no change at all."""


class AccountSuspended(Declined):
    """The account is suspended: it takes credit but cannot spend."""


class InsufficientCredit(Declined):
    """The change would take the balance below its floor.

    `available` is what could have been spent at that instant, in the unit's smallest part.
    """

    def __init__(self, available: int) -> None:
        super().__init__(f"only {available} can be spent")
        self.available = available


class BalanceTooLarge(Declined):
    """The change would take the balance past BALANCE_LIMIT, up or down."""


class HoldNotFound(Declined):
    """No such hold, or it is settled: all of it was captured, or what was left was given back."""


class HoldExpired(Declined):
    """The hold is past its time. What it still held is available again."""


class HoldTooSmall(Declined):
    """The capture would take more than the hold still holds: `left`, in the unit's smallest part."""

    def __init__(self, left: int) -> None:
        super().__init__(f"only {left} is left on hold")
        self.left = left


class TransferRefused(Declined):
    """A transfer to the account itself, or of nothing."""


class KeyReused(Declined):
    """The caller's idempotency key already stands for a different request."""


class NotSettled(Declined):
    """The account still owes, holds or has credit that stands against closing it."""


class NameTaken(Declined):
    """A name that must be unique has an owner already. `what` says which kind of name."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is taken")
        self.what = what


class WrongCredentials(Declined):
    """Unknown name, wrong password or unknown key: deliberately one error for all three."""


class LoginBlocked(Declined):
    """Too many wrong passwords came for this user name from this address. For a while none is looked at."""


class NotPermitted(Declined):
    """The caller is known, but may not do this."""


class Busy(LedgerError):
    """Too many writers in the same place for too long. Nothing changed; try again."""


class OutcomeUnknown(LedgerError):
    """The database stopped answering after it may have acted.

    Sent again under the same idempotency key the request is answered exactly; without a key, read the history first.
    """


FINAL = (AccountClosed, AccountNotFound, HoldNotFound, HoldTooSmall)
"""Refusals that stand for good: what was not possible then never will be."""


@contextmanager
def unless_lost(lost: bool) -> Iterator[None]:
    """Tell of a refusal that it is not known to stand, if an earlier copy of the request was lost on the way.

    That copy may still arrive, and find the credit, the name or the open account that this one did not.
    """
    try:
        yield
    except Declined as declined:
        if lost and not isinstance(declined, FINAL):
            raise OutcomeUnknown from None
        raise
