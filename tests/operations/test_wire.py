"""What operations say no with, and that the events of every kind are checked alike."""

from typing import Any

from operations import wire
from tests.error_tree import every_error
from tests.local.gateway import Context

IMPOSSIBLE = "not possible as the account is"
TOLD = {
    "AccountNotFound": "there is no such account",
    "AccountClosed": "the account is closed",
    "KeyReused": "the idempotency_key was used for something else",
    "NameTaken": "the user name is taken",
    "Busy": "busy, nothing changed: try again",
    "OutcomeUnknown": "the outcome is not known: try again with the same idempotency_key, or look",
    **dict.fromkeys(("BalanceTooLarge", "HoldNotFound", "HoldExpired", "HoldTooSmall"), IMPOSSIBLE),
    "NotSettled": "the account still owes or holds credit",
    **dict.fromkeys(("AccountSuspended", "InsufficientCredit", "TransferRefused"), IMPOSSIBLE),
    **dict.fromkeys(("WrongCredentials", "LoginBlocked", "NotPermitted"), IMPOSSIBLE),
}


def test_every_error_of_the_ledger_is_told_with_its_name_and_text() -> None:
    def told(error: Exception) -> dict[str, Any]:
        def fail(_: wire.Asked, __: object) -> dict[str, Any]:
            raise error

        return wire.answer({}, Context("Any"), wire.Asked, fail, "Done")

    assert {name: told(error) for name, error in every_error().items()} == {
        name: {"error": name, "message": message} for name, message in TOLD.items()
    }


def test_a_name_that_is_not_known_is_refused() -> None:
    refused = wire.answer({"x": 1}, Context("Any"), wire.Asked, lambda *_: {}, "Done")
    assert refused == {"error": "InvalidRequest", "message": "x: Extra inputs are not permitted"}
