from ledger import errors
from operations import wire


def test_every_ledger_error_has_a_message() -> None:
    assert set(wire.LEDGER_ERRORS) == {each for each in vars(errors).values() if is_leaf(each)}


def is_leaf(each: object) -> bool:
    return isinstance(each, type) and issubclass(each, errors.LedgerError) and not each.__subclasses__()
