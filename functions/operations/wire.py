"""The wire of operations: an event checked against its model, the answer or the reason there is none, one log line.

Every answer is JSON. A refused one is `{"error": <what went wrong>, "message": ...}`, the former a name to program
against: `InvalidRequest` or the name of a ledger error.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledger import errors, metrics

AccountId = Annotated[int, Field(ge=1, strict=True)]

Answer = dict[str, Any]

logger = Logger()


class Asked(BaseModel):
    """What an operation is asked. A name it does not know is refused: it may be a known one misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Question = TypeVar("Question", bound=Asked)

LEDGER_ERRORS: Mapping[type[errors.LedgerError], str] = {
    errors.AccountNotFound: "there is no such account",
    errors.AccountClosed: "the account is closed",
    errors.AccountSuspended: "the account is suspended",
    errors.InsufficientCredit: "the balance is too small",
    errors.HoldNotFound: "there is no such hold",
    errors.HoldExpired: "the hold has expired",
    errors.HoldTooSmall: "the hold is too small",
    errors.TransferRefused: "such a transfer is not possible",
    errors.KeyReused: "the idempotency_key was used for something else",
    errors.NotSettled: "the account still owes or holds credit",
    errors.NameTaken: "the user name is taken",
    errors.WrongCredentials: "the credentials are wrong",
    errors.NotPermitted: "this is not permitted",
    errors.Busy: "busy, nothing changed: try again",
    errors.OutcomeUnknown: "the outcome is not known: try again with the same idempotency_key, or look",
}


def answer(event: Any, context: Any, question: type[Question], act: Callable[[Question], Answer]) -> Answer:
    """Answer an event with what `act` makes of it, or with the error that it or its content meets."""
    logger.set_correlation_id(context.aws_request_id)
    try:
        answered = act(question.model_validate(event))
    except ValidationError as invalid:
        answered = {"error": "InvalidRequest", "message": "; ".join(_problems(invalid))}
    except errors.LedgerError as error:
        answered = {"error": type(error).__name__, "message": LEDGER_ERRORS[type(error)]}
    if "error" in answered:
        logger.info("refused", extra={"error": answered["error"]})
    metrics.report("operations", answered)
    return answered


def _problems(invalid: ValidationError) -> list[str]:
    """Say what is wrong and where, but not what was there: it may be a password."""
    problems = invalid.errors(include_url=False, include_context=False, include_input=False)
    return [": ".join(filter(None, [".".join(map(str, each["loc"])), each["msg"]])) for each in problems]
