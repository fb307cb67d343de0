"""Credit limits: how far below zero an account's spending may take a balance. Design: ledger.md 3."""

from ledger.balance import open_balance
from ledger.counter import State, balance_key
from ledger.errors import AccountClosed, Busy, OutcomeUnknown
from ledger.table import FAILED, Failure, Table, answer_of, failure


def set_limit(table: Table, owner: int, account: int, unit: str, limit: int) -> None:
    """Let spending take a balance this far below zero, in the unit's smallest part; 0 is where every balance starts.

    Asked again it does no more. A balance that is further down already stays there, and can only not spend. The unit
    is opened if it was never used. Raises AccountNotFound, AccountClosed, Busy or OutcomeUnknown.
    """
    exists = "attribute_exists(pk)"
    is_not_closed = "x < :closed"
    lost = False
    for crowding in table.tries():
        try:
            table.client.update_item(
                TableName=table.name,
                Key=balance_key(account, unit),
                UpdateExpression="SET m = :floor",
                ConditionExpression=f"{exists} AND {is_not_closed}",
                ExpressionAttributeValues={":floor": {"N": str(-limit)}, ":closed": {"N": str(int(State.CLOSED))}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except FAILED as error:
            why = failure(error)
            if why is not Failure.CONDITION:
                lost = lost or why is Failure.UNKNOWN
                table.pause(crowding)
            elif "Item" in answer_of(error):
                raise AccountClosed from error
            else:
                open_balance(table, owner, account, unit)
        else:
            return
    raise OutcomeUnknown if lost else Busy
