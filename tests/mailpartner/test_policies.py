"""Each function may do what it does, and nothing else."""

from collections import defaultdict
from typing import Any

from ledger.table import Table
from tests.mailpartner.caller import HANDLERS, MOVE, ask, create
from tests.simulation.harsh import small_tails
from tests.template import FUNCTIONS

SINGLE = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


def allowed(function: str) -> set[str]:
    actions = {action for policy in FUNCTIONS[function]["Policies"] for action in policy["Statement"][0]["Action"]}
    return {action.removeprefix("dynamodb:") for action in actions}


def test_each_function_may_do_exactly_what_it_is_seen_to_do(ledger: Table) -> None:
    seen: defaultdict[str, set[str]] = defaultdict(set)
    function = ""

    def watch(params: Any, model: Any, **_: Any) -> None:
        if model.name == "TransactWriteItems":
            seen[function] |= {SINGLE[kind] for write in params["TransactItems"] for kind in write}
        else:
            seen[function].add(model.name)

    token = create(creditToAttribute=1).fields["subaccount"]["token"]
    ledger.client.meta.events.register("provide-client-params.dynamodb", watch)
    parameters = {**MOVE, "credit": "0.001", "type": "simple", "parameters": {"creditToAttribute": 1}, "token": token}
    try:
        with small_tails():
            for function in HANDLERS:
                for number in (0, 1, 2, 3, 0):  # the first is asked for again when it lies in a page
                    ledger.recent.clear()
                    ask(function, parameters, f"{function} {number}")
    finally:
        ledger.client.meta.events.unregister("provide-client-params.dynamodb", watch)

    assert dict(seen) == {function: allowed(function) for function in HANDLERS}
