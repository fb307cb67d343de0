"""IAM as template.yaml sets it up: what a function's policy does not list is denied, whoever runs the function.

Who is at work is read off the call stack, so no caller and no test has to say it, and none can forget to.
"""

import inspect
import re
from collections import defaultdict
from fnmatch import fnmatchcase
from typing import Any

from botocore import handlers
from botocore.exceptions import ClientError

from tests.template import FUNCTIONS, ROOT

_FUNCTION_OF = {function["Handler"]: name for name, function in FUNCTIONS.items()}
_OURS = {path.stem for path in (ROOT / "functions").iterdir()}

# What an expression names, its values (:value) and functions (size()) left out.
_ATTRIBUTE = re.compile(r"(?<![:#\w])[a-z]\w*(?!\w|\()")

seen: defaultdict[str, set[str]] = defaultdict(set)
"""The actions that each function asked for in this process, granted or not."""

denied: list[str] = []
"""What was asked for in vain, for whoever wants to be sure that nothing was: an error may be caught on its way."""


def enforce() -> None:
    """Have every DynamoDB client that is made from now on deny a function what it may not do."""
    handlers.BUILTIN_HANDLERS.append(("before-parameter-build.dynamodb", _judge))


def granted(function: str) -> set[str]:
    """Read what a function may do off its policies; what it may do to some items only says to which."""
    policies = FUNCTIONS[function].get("Policies", [])
    return {
        action + _limits(statement.get("Condition", {}))
        for policy in policies
        for statement in policy["Statement"]
        for action in statement["Action"]
    }


def _limits(condition: dict[str, Any]) -> str:
    """Write a condition's partition keys, and the attributes that may be named, behind an action."""
    if not condition:
        return ""
    assert condition.keys() == {"ForAllValues:StringLike", "ForAllValues:StringEquals"}, "no other is read here"
    (keys,) = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return f" on {keys} of {', '.join(condition['ForAllValues:StringEquals']['dynamodb:Attributes'])}"


def covers(may: str, action: str, request: dict[str, Any]) -> bool:
    """Say whether what a function may do covers this part of a call."""
    name, _, limits = may.partition(" on ")
    if name != action or not limits:
        return name == action
    keys, _, attributes = limits.partition(" of ")
    expressions = " ".join(request.get(part, "") for part in ("UpdateExpression", "ConditionExpression"))
    names = {*_ATTRIBUTE.findall(expressions)}
    allowed = attributes.split(", ")
    return fnmatchcase(request["Key"]["pk"]["S"], keys) and {*request["Key"], *names} <= {*allowed}


def _judge(params: dict[str, Any], model: Any, **_: Any) -> None:
    """Judge one call as IAM does: a transaction takes the permissions of its parts."""
    function = at_work()
    if function is None:
        return
    parts = [(f"{kind}Item", each) for part in params.get("TransactItems", ()) for kind, each in part.items()]
    missing = set()
    for name, request in parts or [(model.name, params)]:
        action = f"dynamodb:{name}"
        # The widest that covers it: what may be done to all items needs no leave for some.
        grants = sorted((may for may in granted(function) if covers(may, action, request)), key=len)
        seen[function].add(grants[0] if grants else action)
        missing |= set() if grants else {action}
    if missing:
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
