"""API keys of operators: each good for some scopes, on all of its operator's accounts or on a subtree of them.

Only a key's hash is kept, in its look-up; its operator's listing says what there is. Whoever a key let in is
remembered for Table.recall's half a minute, so that is how long a revoked one may still work where memory is trusted.
Design: README.md, Keys.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger import accounts
from ledger.accounts import HOUSE, revise_profile, why_not_revised
from ledger.claims import CallerKey
from ledger.commit import Plan, Write, commit, commit_unclaimed, put_new
from ledger.credentials import DAY_MS, Caller, api_key, password, was_reset
from ledger.kinds import Scope
from ledger.names import Takings, look_up
from ledger.table import Item, Table, issued_key, made, reading
from ledger.update import Update, number

FIRST_KEY = "first key"
"""What a key is called that came with its operator, or by an operation."""

_A_PAGE = 100


class ApiKeyNotFound(LookupError):
    """No such key was issued by this operator. Not among the ledger's errors: only who issues keys can meet it."""


class LastAdminKey(Exception):
    """The operator has no other key by which it could still issue one. Not among the ledger's errors either."""


class NoUserName(Exception):
    """The account has no user name, so it can have no password. Not among the ledger's errors either."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A listed key, without its secret. `subtree` is the account it shows with all below it; None shows all.

    `used_ms` is the day, from its start, on which it was last used.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    subtree: int | None
    created_ms: int
    expires_ms: int | None
    used_ms: int | None
    revoked_ms: int | None

    @classmethod
    def read(cls, item: Item, found: Item | None = None, keys_reset_ms: int = 0) -> "ApiKey":
        """Read a key from its item in the listing, its look-up, if it has one still, and its account's last reset."""
        revoked_ms = _number(item, "z")
        used_day = _number(found or item, "d")
        return cls(
            id=item["sk"]["S"][2:],
            name=item["n"]["S"],
            scopes=frozenset(map(Scope, item["scopes"]["SS"])),
            subtree=_number(item, "subtree"),
            created_ms=int(item["i"]["N"]),
            expires_ms=_number(item, "e"),
            used_ms=None if used_day is None else used_day * DAY_MS,
            revoked_ms=keys_reset_ms if revoked_ms is None and was_reset(item, keys_reset_ms) else revoked_ms,
        )


def issue(
    table: Table,
    operator: Caller,
    secret: str,
    *,
    name: str,
    scopes: frozenset[Scope],
    subtree: int | None,
    lives_days: int | None = None,
    caller_key: CallerKey,
) -> tuple[ApiKey, bool]:
    """Let this secret in, for these scopes, and list it, both or neither, once.

    Returns the key and whether an earlier request under the same caller's key issued it, in which case the secret is
    that request's and not this one. Raises KeyReused, Busy or OutcomeUnknown.
    """
    now_ms = table.now_ms()
    # Of the reset that the caller's own key outlived: no key that a later one stops leaves a successor.
    good_for: Item = {"scopes": {"SS": sorted(scopes)}, "g": number(operator.keys_reset_ms)}
    if subtree is not None:
        good_for["subtree"] = number(subtree)
    if lives_days is not None:
        good_for["e"] = number(now_ms + lives_days * DAY_MS)
    lets_in = look_up(api_key(secret), operator.owner, operator.account) | good_for
    about: Item = {**good_for, "n": {"S": name}, "i": number(now_ms), "lookup": lets_in["pk"]}

    def plan(key: bytes) -> Plan:
        listed = {**issued_key(operator.account, key.hex()), **about}
        return Plan([put_new(table, lets_in), Write({"Put": {"TableName": table.name, "Item": listed}})])

    committed = commit(table, operator.account, plan, caller_key)
    if not committed.replayed:
        return ApiKey.read({**issued_key(operator.account, committed.key.hex()), **about}), False
    with made():
        return read(table, operator.account, committed.key.hex()), True


def first_listed(table: Table, secret: str, key_id: str = "") -> Callable[[int, bytes], Sequence[Write]]:
    """Give what lists the key that an operator is opened with, in the same commit; its id is the commit's key."""

    def also(account: int, key: bytes) -> Sequence[Write]:
        return [_listing_first(table, account, key_id or key.hex(), secret, 0)]

    return also


def list_keys(table: Table, operator: int, *, after: str = "", limit: int) -> Sequence[ApiKey]:
    """Read up to `limit` of an operator's keys, revoked ones too, oldest first, from past the id `after`.

    Raises Busy if the database does not answer.
    """
    return _shown(table, operator, _query(table, operator, after, limit))


def read(table: Table, operator: int, key_id: str) -> ApiKey:
    """Read one of an operator's keys. Raises ApiKeyNotFound or Busy."""
    (key,) = _shown(table, operator, [_listed(table, operator, key_id)])
    return key


def rename(table: Table, operator: int, key_id: str, name: str) -> ApiKey:
    """Give a key another name, and return it as it is now. Raises ApiKeyNotFound, Busy or OutcomeUnknown."""
    renamed = Update(
        table,
        issued_key(operator, key_id),
        sets=["n = :name"],
        clauses=["attribute_exists(pk)"],
        values={":name": {"S": name}},
    )

    def refused(_: Item | None) -> bool:
        raise ApiKeyNotFound

    commit_unclaimed(table, lambda: [Write({"Update": renamed.request()}, refused)])
    with made():
        return read(table, operator, key_id)


def revoke(table: Table, operator: int, key_id: str) -> None:
    """Take a key out of use for good; one that was revoked already stays so.

    The last key that is good for all, and has not expired, stays: the commit checks that another is there then, so two
    that are revoked at once do not both go. Raises ApiKeyNotFound, LastAdminKey, Busy or OutcomeUnknown.
    """
    revoked_at = number(table.now_ms())

    def plan() -> list[Write]:
        listed = _listed(table, operator, key_id)
        lookup = {"pk": listed["lookup"], "sk": {"S": "."}}
        found = table.get(lookup) or listed
        revoked = Update(
            table, issued_key(operator, key_id), sets=["z = if_not_exists(z, :now)"], values={":now": revoked_at}
        )
        if "d" in found:
            revoked = revoked.also(sets=["d = :used"], values={":used": found["d"]})
        writes = [
            Write({"Delete": {"TableName": table.name, "Key": lookup}}),
            Write({"Update": revoked.request()}),
        ]
        (key,) = _shown(table, operator, [listed])
        if _lets_an_admin_in(key, table.now_ms()):
            another = _another_admin(table, operator, key_id)
            is_good = "attribute_not_exists(z) AND (attribute_not_exists(e) OR e > :now)"
            check: Item = {
                "TableName": table.name,
                "Key": issued_key(operator, another.id),
                "ConditionExpression": is_good,
                "ExpressionAttributeValues": {":now": number(table.now_ms())},
            }
            writes.append(Write({"ConditionCheck": check}))
        return writes

    commit_unclaimed(table, plan)


def reset(
    table: Table,
    owner: int,
    account: int,
    *,
    new_password: str | None,
    new_key: str | None,
    caller_key: CallerKey | None,
) -> bool:
    """Replace an account's password, its keys, or both, in one commit; return whether an earlier request did it.

    A new key stops every one that was good for all that the account may do, listed or not; those that are good for less
    go on. Raises NoUserName, AccountNotFound, AccountClosed, KeyReused, Busy or OutcomeUnknown.
    """
    takings = Takings(table, owner)

    def plan(key: bytes) -> Plan:
        found = accounts.get(table, owner, account)
        reset_ms = None if new_key is None else max(table.now_ms(), found.keys_reset_ms + 1)
        writes = [Write(revise_profile(table, found, keys_reset_ms=reset_ms), why_not_revised)]
        if new_password is not None:
            if not found.username:
                raise NoUserName
            writes.append(takings.write(password(found.username, new_password), account))
        if new_key is not None and reset_ms is not None:
            since = {"g": number(reset_ms)}
            writes.append(put_new(table, look_up(api_key(new_key), owner, account) | since))
            if owner == HOUSE:
                writes.append(_listing_first(table, account, key.hex(), new_key, reset_ms))
        return Plan(writes)

    return commit(table, HOUSE, plan, caller_key).replayed


def _listing_first(table: Table, account: int, key_id: str, secret: str, keys_reset_ms: int) -> Write:
    listed: Item = {
        **issued_key(account, key_id),
        "scopes": {"SS": [Scope.ADMIN]},
        "n": {"S": FIRST_KEY},
        "i": number(table.now_ms()),
        "g": number(keys_reset_ms),
        "lookup": {"S": api_key(secret).pk},
    }
    return Write({"Put": {"TableName": table.name, "Item": listed}})


def _lets_an_admin_in(key: ApiKey, now_ms: int) -> bool:
    """Say whether a key is good for all of its operator's accounts and rights, now."""
    is_alive = key.revoked_ms is None and (key.expires_ms is None or key.expires_ms > now_ms)
    return is_alive and Scope.ADMIN in key.scopes and key.subtree is None


def _another_admin(table: Table, operator: int, key_id: str) -> ApiKey:
    """Find another key than this one that lets an admin in. Raises LastAdminKey."""
    after = ""
    while items := _query(table, operator, after, _A_PAGE):
        for key in _shown(table, operator, items):
            if key.id != key_id and _lets_an_admin_in(key, table.now_ms()):
                return key
        after = items[-1]["sk"]["S"][2:]
    raise LastAdminKey


def _query(table: Table, operator: int, after: str, limit: int) -> Sequence[Item]:
    request: dict[str, Any] = {
        "TableName": table.name,
        # Keys are the last thing in this partition: accounts, C#, sort before them.
        "KeyConditionExpression": "pk = :pk AND sk > :after",
        "ExpressionAttributeValues": {
            ":pk": issued_key(operator, after)["pk"],
            ":after": issued_key(operator, after)["sk"],
        },
        "ConsistentRead": True,
    }
    found: list[Item] = []
    while len(found) < limit:
        with reading():
            answer = table.client.query(**request, Limit=limit - len(found))
        found += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            break
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return found


def _shown(table: Table, operator: int, items: Sequence[Item]) -> list[ApiKey]:
    """Read listed keys with what lies elsewhere: when each was used, and when all of them were reset."""
    account = accounts.find(table, HOUSE, operator) if items else None
    keys_reset_ms = account.keys_reset_ms if account else 0
    lookups = [{"pk": item["lookup"], "sk": {"S": "."}} for item in items if "z" not in item]
    found = {item["pk"]["S"]: item for item in table.get_all(lookups)}
    return [ApiKey.read(item, found.get(item["lookup"]["S"]), keys_reset_ms) for item in items]


def _listed(table: Table, operator: int, key_id: str) -> Item:
    item = table.get(issued_key(operator, key_id))
    if item is None:
        raise ApiKeyNotFound
    return item


def _number(item: Item, name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None
