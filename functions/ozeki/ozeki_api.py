"""GET and POST /api: changes or reads the SMS credit of an account and answers its exact balance; manages users.

API Gateway cannot route on a query parameter, so this one function has all the actions: the tables at its end.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ledger.credentials import Caller, by_password
from ledger.table import Table, open_table
from ozeki import credit, users, wire
from ozeki.wire import Answer, Code, Refused, Request

Actions = Mapping[str, Callable[[Table, Request, Caller], Answer]]

table = open_table()  # while the function starts, because then Lambda gives it a whole CPU


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, ozeki_api)


def ozeki_api(request: Request) -> Answer:
    """Carry out one action. The order of the statements, here and below, is the order in which errors are judged."""
    act = ACTIONS.get(request.action)
    if act is None:
        raise Refused(Code.UNKNOWN_ACTION, "unknown action")
    request.log["action"] = request.action
    if request.action in CREDITS:
        request.log["unit"] = credit.UNIT
    fresh = request.action in USERS  # who may change accounts is not taken from memory
    shown = request.required("username"), request.required("password")
    caller = by_password(table, *shown, request.source, fresh=fresh)
    request.log["caller"] = caller.account
    return act(table, request, caller)


CREDITS: Actions = {
    "addcredits": credit.add_credits,
    "setcredits": credit.set_credits,
    "getcredits": credit.get_credits,
}
USERS: Actions = {
    "createuser": users.create_user,
    "configuser": users.config_user,
    "startuser": users.start_user,
    "stopuser": users.stop_user,
    "deleteuser": users.delete_user,
}
ACTIONS = {**CREDITS, **USERS}
