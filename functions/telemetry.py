"""What a request leaves behind, in every dialect and in operations: one log line, and what it counted.

A line holds identifiers and numbers of ours, nothing that a caller wrote. Powertools' own decorator would log the whole
event, credentials included, if an environment variable said so. Design: operations/README.md, Logs.
"""

from collections.abc import Callable
from traceback import walk_tb
from typing import TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from ledger import metrics

Log = dict[str, object]
"""What the one log line of a request will say; `error` if it is refused, `replayed` if it was answered before."""

Answer = TypeVar("Answer")

MOST_FRAMES = 40  # the innermost

logger = Logger()


def run(
    dialect: str, request_id: str, done: str, act: Callable[[Log], Answer], failed: Callable[[str], Answer]
) -> Answer:
    """Answer a request with what `act` gives, or `failed` for an exception that nobody expected; log and count it.

    `done` names, in the log, what has happened if it was not refused. An exception tells nothing of what was done
    before it, so `failed`, which gets the correlation id, has to say that the outcome is not known.
    """
    logger.set_correlation_id(request_id)  # first: the ledger may have something to log, too
    log: Log = {}
    try:
        answer = act(log)
    except Exception as error:
        log |= _description(error)
        logger.error("failed", extra=log)
        answer = failed(request_id)
    else:
        logger.info("refused" if "error" in log else done, extra=log)
    metrics.report(dialect, log)
    return answer


def _description(error: Exception) -> Log:
    """Say what happened and where, but not in the exception's own words: they may be what a caller wrote."""
    kind = type(error)
    places = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)]
    described: Log = {
        "failure": f"{kind.__module__}.{kind.__qualname__}",
        "frames": [f"{code.co_filename}:{line} {code.co_qualname}" for code, line in places[-MOST_FRAMES:]],
    }
    if isinstance(error, ClientError):
        described |= {
            "aws_error": error.response.get("Error", {}).get("Code"),
            "aws_operation": error.operation_name,
        }
    return described
