"""IAM as template.yaml sets it up: what a function's policy does not list is denied, whoever runs the function.

Who is at work is read off the call stack, so no caller and no test has to say it, and none can forget to.
"""

import inspect
from collections import defaultdict
from typing import Any

from botocore import handlers
from botocore.exceptions import ClientError

from tests.template import FUNCTIONS, ROOT

_FUNCTION_OF = {function["Handler"]: name for name, function in FUNCTIONS.items()}
_OURS = {path.stem for path in (ROOT / "functions").iterdir()}

seen: defaultdict[str, set[str]] = defaultdict(set)
"""The actions that each function asked for in this process, granted or not."""

denied: list[str] = []
"""What was asked for in vain, for whoever wants to be sure that nothing was: an error may be caught on its way."""


def enforce() -> None:
    """Have every DynamoDB client that is made from now on deny a function what it may not do."""
    handlers.BUILTIN_HANDLERS.append(("before-parameter-build.dynamodb", _judge))


def granted(function: str) -> set[str]:
    """Read what a function may do off its policies."""
    policies = FUNCTIONS[function].get("Policies", [])
    return {action for policy in policies for statement in policy["Statement"] for action in statement["Action"]}


def _judge(params: dict[str, Any], model: Any, **_: Any) -> None:
    """Judge one call as IAM does: a transaction takes the permissions of its parts."""
    function = at_work()
    if function is None:
        return
    parts = {f"{kind}Item" for part in params.get("TransactItems", ()) for kind in part}
    actions = {f"dynamodb:{name}" for name in parts or {model.name}}
    seen[function] |= actions
    if missing := actions - granted(function):
        message = f"{function} may not do {', '.join(sorted(missing))}"
        denied.append(message)
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, model.name)


def at_work() -> str | None:
    """Name the function on whose behalf a call is made; None for what a test does itself, in its middle or outside."""
    frame = inspect.currentframe()
    passed_ours = False
    while frame:
        module = str(frame.f_globals.get("__name__"))
        package = module.partition(".")[0]
        if package in _OURS:
            passed_ours = True
            if function := _FUNCTION_OF.get(f"{module}.{frame.f_code.co_name}"):
                return function
        elif package == "tests" and passed_ours:
            return None  # a test's clients stand between the ledger and the database; this is above the ledger
        frame = frame.f_back
    return None
