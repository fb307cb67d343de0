"""The wire of operations: an event checked against its model, the answer or the reason there is none, one log line.

Every answer is JSON. A refused one is `{"error": <what went wrong>, "message": ...}`, the former a name to program
against: `InvalidRequest`, `InternalError` or the name of a ledger error.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import telemetry
from ledger import errors
from ledger.api_keys import NoUserName
from telemetry import Log

AccountId = Annotated[int, Field(ge=1, strict=True)]

Answer = dict[str, Any]


class Asked(BaseModel):
    """What an operation is asked. A name it does not know is refused: it may be a known one misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Question = TypeVar("Question", bound=Asked)

LEDGER_ERRORS: Mapping[type[Exception], str] = {
    errors.AccountNotFound: "there is no such account",
    errors.AccountClosed: "the account is closed",
    errors.KeyReused: "the idempotency_key was used for something else",
    errors.NameTaken: "the user name is taken",
    NoUserName: "the account has no user name, so it can have no password",
    errors.NotSettled: "the account still owes or holds credit",
    errors.Busy: "busy, nothing changed: try again",
    errors.OutcomeUnknown: "the outcome is not known: try again with the same idempotency_key, or look",
}
NOT_POSSIBLE = "not possible as the account is"
"""What any other refusal is told as: no operation spends, holds or transfers."""


def answer(
    event: Any, context: Any, question: type[Question], act: Callable[[Question, Log], Answer], done: str
) -> Answer:
    """Answer an event with what `act` makes of it, or with the error that it or its content meets.

    `done` names, in the log, what has then happened; `act` is given the rest of that line to write.
    """
    return telemetry.run("operations", context.aws_request_id, done, partial(_answer, event, question, act), _failed)


def _answer(event: Any, question: type[Question], act: Callable[[Question, Log], Answer], log: Log) -> Answer:
    try:
        return act(question.model_validate(event), log)
    except ValidationError as invalid:
        log["error"], message = "InvalidRequest", "; ".join(_problems(invalid))
    except (errors.LedgerError, NoUserName) as error:
        log["error"], message = type(error).__name__, LEDGER_ERRORS.get(type(error), NOT_POSSIBLE)
    return {"error": log["error"], "message": message}


def _failed(request_id: str) -> Answer:
    message = f"{LEDGER_ERRORS[errors.OutcomeUnknown]} (correlation id {request_id})"
    return {"error": "InternalError", "message": message}


def _problems(invalid: ValidationError) -> list[str]:
    """Say what is wrong and where, but not what was there: it may be a password."""
    problems = invalid.errors(include_url=False, include_context=False, include_input=False)
    return [": ".join(filter(None, [".".join(map(str, each["loc"])), each["msg"]])) for each in problems]
