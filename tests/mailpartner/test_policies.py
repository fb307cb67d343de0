"""Each function may do what it does, and nothing else."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

from ledger import holds
from ledger.change import MOST_INLINE
from ledger.table import Table
from tests.local import demo
from tests.mailpartner.books import balances
from tests.mailpartner.caller import HANDLERS, MOVE, ask
from tests.simulation.harsh import small_tails
from tests.template import FUNCTIONS

SINGLE = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}

PARENT, CHILD = (0, demo.ADMIN), (demo.ADMIN, demo.SUBACCOUNT)
PAYERS = {"AddCredit": PARENT, "RemoveCredit": CHILD, "CreateSubaccount": PARENT, "RemoveSubaccount": CHILD}


def allowed(function: str) -> set[str]:
    actions = {action for policy in FUNCTIONS[function]["Policies"] for action in policy["Statement"][0]["Action"]}
    return {action.removeprefix("dynamodb:") for action in actions}


def put_aside(table: Table, owner: int, account: int) -> None:
    """Have all credit held by holds that have expired since, one more than lie in the balance's item."""
    yesterday = replace(table, now_ms=lambda: table.now_ms() - 86_400_000)
    for amount in (*[1] * MOST_INLINE, balances(table, account)[0] - MOST_INLINE):
        holds.reserve(yesterday, owner, account, "EUR", amount, lives_ms=60_000, actor=owner)


def test_each_function_may_do_exactly_what_it_is_seen_to_do(ledger: Table) -> None:
    seen: defaultdict[str, set[str]] = defaultdict(set)
    function = ""

    def watch(params: Any, model: Any, **_: Any) -> None:
        if model.name == "TransactWriteItems":
            seen[function] |= {SINGLE[kind] for write in params["TransactItems"] for kind in write}
        else:
            seen[function].add(model.name)

    parameters = {**MOVE, "credit": "0.001", "type": "simple", "parameters": {"creditToAttribute": 1}}
    ledger.client.meta.events.register("provide-client-params.dynamodb", watch)
    try:
        with small_tails():
            for name in HANDLERS:
                function = ""
                if name in PAYERS:
                    put_aside(ledger, *PAYERS[name])
                function = name
                for number in (0, 1, 2, 3, 0):  # the first is asked for again when it lies in a page
                    ledger.recent.clear()
                    ask(name, parameters | {"token": demo.TOKEN}, f"{name} {number}")
    finally:
        ledger.client.meta.events.unregister("provide-client-params.dynamodb", watch)

    del seen[""]
    assert dict(seen) == {function: allowed(function) for function in HANDLERS}
