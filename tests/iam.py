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
"""What each function was granted and asked for in this process: actions, and kinds of items."""

denied: list[str] = []
"""What was asked for in vain, for whoever wants to be sure that nothing was: an error may be caught on its way."""


def enforce() -> None:
    """Have every DynamoDB client that is made from now on deny a function what it may not do."""
    handlers.BUILTIN_HANDLERS.append(("before-parameter-build.dynamodb", _judge))


def granted(function: str) -> set[str]:
    """Read what a function may do, and to which kinds of items, off its policies."""
    return {label for statement in _statements(function) for label in _labels(statement)}


def _statements(function: str) -> list[dict[str, Any]]:
    policies = FUNCTIONS[function].get("Policies", [])
    return [statement for policy in policies for statement in policy["Statement"]]


def _labels(statement: dict[str, Any]) -> set[str]:
    """Name what a statement grants: its actions and its items or, where it names attributes, all of it together."""
    keys = {f"items {kind}" for kind in _kinds(statement)}
    if not (attributes := _attributes(statement)):
        return {*statement["Action"], *keys}
    return {" ".join([*statement["Action"], *sorted(keys), "of", *sorted(attributes)])}


def _kinds(statement: dict[str, Any]) -> list[str]:
    """Read the kinds of items that a statement is about: every one says so."""
    kinds: list[str] = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return kinds


def _attributes(statement: dict[str, Any]) -> set[str]:
    condition = statement["Condition"].get("ForAllValues:StringEquals", {})
    return {*condition.get("dynamodb:Attributes", ())}


def covers(function: str, action: str, request: dict[str, Any]) -> set[str]:
    """Name what a function was granted that covers this part of a call; nothing if it may not do that."""
    return next(filter(None, (_asked(statement, action, request) for statement in _statements(function))), set())


def _asked(statement: dict[str, Any], action: str, request: dict[str, Any]) -> set[str] | None:
    """Name what this part of a call asks of a statement; None if that does not cover it."""
    if action not in statement["Action"]:
        return None
    kinds = [[kind for kind in _kinds(statement) if fnmatchcase(key, kind)] for key in _partition_keys(request)]
    if not all(kinds):
        return None
    if attributes := _attributes(statement):
        expressions = " ".join(request.get(part, "") for part in ("UpdateExpression", "ConditionExpression"))
        named = {*request["Key"], *_ATTRIBUTE.findall(expressions)}
        return _labels(statement) if named <= attributes else None
    return {action, *(f"items {kind}" for each in kinds for kind in each)}


def _partition_keys(request: dict[str, Any]) -> set[str]:
    """Give the partition keys of what a request reads or writes."""
    keys = [key for items in request.get("RequestItems", {}).values() for key in items["Keys"]]
    keys += [request[name] for name in ("Key", "Item") if name in request]
    found = {key["pk"]["S"] for key in keys}
    if "KeyConditionExpression" in request:
        found.add(request["ExpressionAttributeValues"][":pk"]["S"])
    return found


def _judge(params: dict[str, Any], model: Any, **_: Any) -> None:
    """Judge one call as IAM does: a transaction takes the permissions of its parts."""
    function = at_work()
    if function is None:
        return
    parts = [(f"{kind}Item", each) for part in params.get("TransactItems", ()) for kind, each in part.items()]
    missing = set()
    for name, request in parts or [(model.name, params)]:
        if grants := covers(function, f"dynamodb:{name}", request):
            seen[function] |= grants
        else:
            kinds = sorted({key.partition("#")[0] for key in _partition_keys(request)})
            missing.add(f"dynamodb:{name} of {', '.join(kinds)}")
    if missing:
        message = f"{function} may not do {'; '.join(sorted(missing))}"
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
