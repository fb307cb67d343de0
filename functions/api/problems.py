"""What this API says no with: one table of errors, each told as problem details (RFC 9457).

`code` is the one field to program against. Design: README.md, Errors.
"""

from collections.abc import Mapping
from typing import NamedTuple

from api.fields import Told
from ledger import errors
from ledger.api_keys import ApiKeyNotFound, LastAdminKey
from ledger.packages import PackageNotFound

MOST_FAULTS = 10  # of one request, that it is told of


class Fault(Told):
    """One thing wrong with a request: where it is and what would be right, never what was there."""

    at: str
    message: str


class InvalidRequest(Exception):
    """The request itself is at fault."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults[:MOST_FAULTS]
        super().__init__("; ".join(f"{fault.at}: {fault.message}" for fault in self.faults))


class NoSuchPath(Exception):
    """No endpoint has this path."""


class MethodNotAllowed(Exception):
    """There are endpoints with this path, but none with this method."""


class InternalError(Exception):
    """Something happened that nobody expected; `correlation_id` is that of the log line that says what."""

    def __init__(self, correlation_id: str) -> None:
        super().__init__()
        self.correlation_id = correlation_id


class Refusal(NamedTuple):
    """One line of the error table."""

    status: int
    code: str
    title: str


REFUSALS: Mapping[type[Exception], Refusal] = {
    NoSuchPath: Refusal(404, "no_such_path", "There is no such path"),
    MethodNotAllowed: Refusal(405, "method_not_allowed", "This path does not have that method"),
    errors.WrongCredentials: Refusal(401, "unauthenticated", "No valid API key was shown"),
    InvalidRequest: Refusal(400, "invalid_request", "The request cannot be understood as it is"),
    errors.NotPermitted: Refusal(403, "not_permitted", "This API key is not good for this"),
    errors.AccountNotFound: Refusal(404, "account_not_found", "There is no such account"),
    PackageNotFound: Refusal(404, "package_not_found", "There is no such package, or it is retired"),
    ApiKeyNotFound: Refusal(404, "key_not_found", "There is no such API key"),
    LastAdminKey: Refusal(409, "last_admin_key", "Without this key nobody could issue another: issue one first"),
    errors.AccountClosed: Refusal(409, "account_closed", "The account is closed"),
    errors.AccountSuspended: Refusal(409, "account_suspended", "The account is suspended: it cannot spend"),
    errors.NotSettled: Refusal(409, "not_settled", "The account still owes or holds credit"),
    errors.NameTaken: Refusal(409, "name_taken", "This name stands for something else already"),
    errors.KeyReused: Refusal(422, "idempotency_key_reused", "This Idempotency-Key stands for another request"),
    errors.TransferRefused: Refusal(422, "transfer_refused", "Credit cannot be moved between these two accounts"),
    errors.InsufficientCredit: Refusal(402, "insufficient_credit", "There is not enough credit"),
    errors.BalanceTooLarge: Refusal(422, "balance_too_large", "No balance may come to so much, or owe so much"),
    errors.HoldNotFound: Refusal(404, "hold_not_found", "There is no such hold, or it is settled"),
    errors.HoldExpired: Refusal(409, "hold_expired", "The hold has expired"),
    errors.HoldTooSmall: Refusal(402, "hold_too_small", "There is not enough left on hold"),
    errors.Busy: Refusal(503, "busy", "Too busy: nothing changed, send it again"),
    # Not as busy: nobody knows what had been done by then.
    InternalError: Refusal(
        500,
        "internal_error",
        "It may have happened: look before sending it again, or send it under the same Idempotency-Key",
    ),
    # Not 503, which here promises that nothing changed.
    errors.OutcomeUnknown: Refusal(
        504, "outcome_unknown", "It may have happened: send it again, under the same Idempotency-Key if it had one"
    ),
}

HEADERS_OF: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": 'Bearer realm="ledger"'},
    503: {"Retry-After": "1"},
    504: {"Retry-After": "1"},
}


class Problem(Told):
    """What went wrong (RFC 9457). `code` is stable; `available` comes where there was not enough (402).

    `correlation_id` is to be told to whoever runs this, and comes with an internal error (500).
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    available: int | None = None
    errors: tuple[Fault, ...] | None = None
    correlation_id: str | None = None

    @classmethod
    def of(cls, error: Exception) -> "Problem":
        """Look an error up in the table."""
        status, code, title = REFUSALS[type(error)]
        return cls(
            type=f"/ledger/docs#{code}",
            title=title,
            status=status,
            code=code,
            detail=str(error) or title,
            available=_available(error),
            errors=error.faults if isinstance(error, InvalidRequest) else None,
            correlation_id=error.correlation_id if isinstance(error, InternalError) else None,
        )


def _available(error: Exception) -> int | None:
    """Say how much there was, if there was not enough."""
    match error:
        case errors.InsufficientCredit():
            return error.available
        case errors.HoldTooSmall():
            return error.left
    return None
