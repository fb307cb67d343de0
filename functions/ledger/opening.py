"""Opening an account with its id, unique names and opening balances, in one transaction. Design: ledger.md 2, 6."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from ledger import metrics
from ledger.accounts import Role, property_map
from ledger.claims import CallerKey, claim_item, is_refused, is_undecided, standing
from ledger.counter import Balance, State
from ledger.entry import Entry, pack
from ledger.errors import Busy, NameTaken, OutcomeUnknown, unless_lost
from ledger.kinds import Kind
from ledger.metrics import Metric
from ledger.names import Name, take
from ledger.table import FAILED, Failure, Item, Table, answer_of, failure, profile_key, single, was_resent

_COUNTER = single("A#")


@dataclass(frozen=True, slots=True)
class Payer:
    """An account that pays another's opening balance, in the same commit: a transfer, and not credit from nowhere.

    `pay` makes its side, for the new account's id and the key that both sides carry. `refused` raises why the balance
    it met (None: there is none) could not pay, or returns to have it all tried again.
    """

    account: int
    pay: Callable[[int, bytes], Item]
    refused: Callable[[Item | None], None]


@dataclass(frozen=True, slots=True)
class Opened:
    """The account that was opened, by this request or, if `replayed`, by an earlier one under the same key."""

    id: int
    replayed: bool


def open_account(
    table: Table,
    owner: int,
    *,
    actor: int,
    role: Role = Role.USER,
    account: int | None = None,
    state: State = State.OPEN,
    username: str = "",
    names: Sequence[Name] = (),
    properties: Mapping[str, str | int] | None = None,
    balances: Mapping[str, int] | None = None,
    paid_by: Payer | None = None,
    caller_key: CallerKey | None = None,
) -> Opened:
    """Open an account with its names and opening balances, all or nothing; ids count up from 1 unless one is given.

    Each opening balance, in its unit's smallest part, is entry 1 of its history; `paid_by` can pay one. Raises
    NameTaken, KeyReused, what the payer raises, Busy or OutcomeUnknown.
    """
    # Without a caller's key a key of our own is claimed: it tells our lost success from somebody else's.
    key = table.mint()
    caller_key = caller_key or CallerKey(owner, key.hex(), ("open account",))

    def opened(number: int, *, replayed: bool) -> Opened:
        if paid_by is None and not replayed:
            for unit, amount in (balances or {}).items():
                if amount:
                    metrics.count(Metric.CREDITS_ADDED, unit, amount)
        return Opened(number, replayed)

    lost = False
    candidate = 0
    for crowding in table.tries():
        try:
            newest = _newest_id(table) if account is None else 0
        except Busy:  # an unanswered look is one more lost try: an earlier one may have opened the account
            table.pause(crowding)
            continue
        candidate = account or max(candidate, newest + 1)
        if paid_by and candidate == paid_by.account:
            candidate += 1  # taken, and no transaction can write one balance twice to find that out
        puts: list[Any] = [
            _new(table, {**single(f"A#{candidate}"), "o": {"N": str(owner)}}),
            _new(table, _profile(table, owner, candidate, role, state, username, properties or {}, balances or {})),
        ]
        puts += [take(table, name, owner, candidate) for name in names]
        puts += [
            _new(table, _opening(table, key, candidate, unit, amount, actor, state, paid_by).item())
            for unit, amount in (balances or {}).items()
        ]
        if account is None:
            puts.append(_count(table, newest, candidate))
        if paid_by:
            puts.append(paid_by.pay(candidate, key))
        claim = claim_item(table, caller_key, key)
        claim["Item"]["r"] = {"N": str(candidate)}
        try:
            table.client.transact_write_items(TransactItems=[cast("Any", {"Put": claim}), *puts])
        except FAILED as error:
            why, answer = failure(error), answer_of(error)
            lost = lost or why is Failure.UNKNOWN or was_resent(answer)
            if why is Failure.CONDITION:
                of_claim, *reasons = answer["CancellationReasons"]
                if is_refused(of_claim):
                    stands = standing(caller_key, of_claim["Item"])
                    return opened(int(of_claim["Item"]["r"]["N"]), replayed=stands != key)
                if not is_undecided(of_claim):
                    with suppress(Busy), unless_lost(lost):  # as in transfer.change_all
                        for name, reason in zip(names, reasons[2:], strict=False):
                            if is_refused(reason):
                                raise NameTaken(name.what) from error
                        if paid_by and is_refused(reasons[-1]):
                            paid_by.refused(reasons[-1].get("Item"))
                        if is_refused(reasons[0]) and account is not None:
                            raise NameTaken("account") from error
                    if is_refused(reasons[0]):
                        candidate += 1
                        continue
            table.pause(crowding)
        else:
            return opened(candidate, replayed=False)
    raise OutcomeUnknown if lost else Busy


def _newest_id(table: Table) -> int:
    item = table.get(_COUNTER)
    return int(item["n"]["N"]) if item else 0


def _count(table: Table, newest: int, candidate: int) -> Item:
    """Move the counter of ids on, if it is still where it was seen."""
    item = {**_COUNTER, "n": {"N": str(candidate)}}
    put: Item = {"TableName": table.name, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
    if newest:
        put["ConditionExpression"] = "n = :newest"
        put["ExpressionAttributeValues"] = {":newest": {"N": str(newest)}}
    return {"Put": put}


def _new(table: Table, item: Item) -> Item:
    return {"Put": {"TableName": table.name, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}


def _profile(
    table: Table,
    owner: int,
    account: int,
    role: Role,
    state: State,
    username: str,
    properties: Mapping[str, str | int],
    balances: Mapping[str, int],
) -> Item:
    item = {
        **profile_key(owner, account),
        "x": {"N": str(int(state))},
        "r": {"S": role.value},
        "n": {"S": username},
        "i": {"N": str(table.now_ms())},
        "v": {"N": "1"},
        "p": property_map(properties),
    }
    return item | {"u": {"SS": sorted(balances)}} if balances else item


def _opening(
    table: Table, key: bytes, account: int, unit: str, amount: int, actor: int, state: State, paid_by: Payer | None
) -> Balance:
    kind, reference = (Kind.TRANSFER_IN, str(paid_by.account)) if paid_by else (Kind.OPENING, "")
    entry = Entry(kind, amount, table.now_ms(), actor, reference)
    return Balance(account, unit, available=amount, sequence=1, tail=[key, pack(entry)], state=state)
