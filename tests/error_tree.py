"""Every error that the ledger can meet, for what each dialect tells of it."""

from collections.abc import Iterator

from ledger.errors import LedgerError

_ABOUT = {"InsufficientCredit": (7,), "HoldTooSmall": (7,), "NameTaken": ("email",)}


def every_error() -> dict[str, LedgerError]:
    """Give one of each kind, by its name."""
    return {each.__name__: each(*_ABOUT.get(each.__name__, ())) for each in _leaves(LedgerError)}


def _leaves(error: type[LedgerError]) -> Iterator[type[LedgerError]]:
    if not (below := error.__subclasses__()):
        yield error
    for each in below:
        yield from _leaves(each)
