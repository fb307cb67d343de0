"""Credentials: passwords and API keys, and who a caller is who shows one.

A password is kept as salted scrypt, an API key (256 random bits, so no salt is needed) as its SHA-256, which is also
where it is looked up. Who was recognised once is remembered in this process for half a minute at most (Table.recall);
the secret itself is not: only a keyed digest of it.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b, scrypt, sha256
from hmac import compare_digest

from ledger import accounts, guesses
from ledger.accounts import Account, Role
from ledger.counter import State
from ledger.errors import (
    AccountClosed,
    AccountNotFound,
    AccountSuspended,
    LoginBlocked,
    NotPermitted,
    WrongCredentials,
)
from ledger.kinds import Scope
from ledger.metrics import NO_UNIT, Metric, count
from ledger.names import LONGEST_USERNAME, Name, composed, username_pk
from ledger.table import FAILED, Item, Table, single
from ledger.update import number

SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 16
"""Characters; 16 as Ozeki's page says. A password set before there was a shortest one goes on working."""

KEY_PREFIX = "prepaid_"
"""What an API key begins with, so that scanners of sources and logs find one that leaked."""

DAY_MS = 86_400_000

# OWASP's least for scrypt with 16 MiB of memory. Stored beside each hash, so that they can grow.
_COST, _BLOCK, _PARALLEL = 2**14, 8, 5
_MEMORY_BYTES = 64 * 2**20
_PROCESS_KEY = secrets.token_bytes(32)
_NOBODY: Item = {
    "salt": {"B": bytes(16)},
    "hash": {"B": bytes(64)},
    "cost": {"L": [{"N": str(number)} for number in (_COST, _BLOCK, _PARALLEL)]},
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, as their credential proved.

    `subtree` is the account that the credential shows with all below it, at any depth; None is the caller's own.
    `state` is the worst of the states that bear on it: its operator's, and that of the account at its top.
    `expires_ms` is when an API key stops, and None if never. `keys_reset_ms` is its account's, as it was found.
    """

    account: int
    owner: int
    username: str
    role: Role
    state: State
    scopes: frozenset[Scope]
    subtree: int | None
    expires_ms: int | None
    keys_reset_ms: int

    def may(self, scope: Scope) -> bool:
        """Say whether the credential is good for this."""
        return not self.scopes.isdisjoint({scope, Scope.ADMIN})

    def require_open(self) -> None:
        """Raise AccountSuspended unless the credential may change something: one that is suspended may only read."""
        if self.state is not State.OPEN:
            raise AccountSuspended

    @property
    def top(self) -> int:
        """The account that the credential shows with all below it, and nothing else."""
        return self.account if self.subtree is None else self.subtree


def user_name(username: str, proof: Item | None = None) -> Name:
    """Make the look-up of a user name; without a proof it lets nobody in. ValueError if it can be no user name."""
    if not 1 <= len(composed(username)) <= LONGEST_USERNAME:
        raise ValueError(f"a user name has 1 to {LONGEST_USERNAME} characters")
    # Or it could not be read back, or not be told from another, in a log line or an XML answer.
    if not username.isprintable() or username != username.strip():
        raise ValueError("only printable characters, and no space at either end")
    return Name("username", username_pk(username), proof or {})


def password(username: str, secret: str) -> Name:
    """Make the look-up that lets this user name in with this password. ValueError if either cannot be one."""
    if not 1 <= len(secret) <= LONGEST_PASSWORD:
        raise ValueError(f"a password has 1 to {LONGEST_PASSWORD} characters")
    salt = secrets.token_bytes(16)
    proof = {"salt": {"B": salt}, "cost": _NOBODY["cost"]}
    return user_name(username, {**proof, "hash": {"B": _stretch(secret, proof)}})


def fingerprint(secret: str) -> str:
    """Condense a password for the content of an idempotency key, as slowly as where it is kept."""
    return _stretch(secret, _NOBODY).hex()


def api_key(secret: str) -> Name:
    """Make the look-up that lets this API key in."""
    digest = sha256(secret.encode(errors="surrogatepass"))
    return Name("API key", f"S#{digest.hexdigest()}", {"hash": {"B": digest.digest()}})


def new_secret() -> str:
    """Generate an API key: 256 bits after the prefix."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def by_password(table: Table, username: str, secret: str, source: str = "", *, fresh: bool = False) -> Caller:
    """Recognise a caller by user name and password, sent from this address; without one all callers share one.

    `fresh` trusts no memory of who may do what: what changes credentials or accounts asks for that. Raises
    WrongCredentials, AccountClosed, LoginBlocked after too many wrong passwords, or Busy. An unknown name takes as long
    as a wrong password: a hash is computed and compared either way. Only what can be neither is not looked at.
    """
    shown = _digest("password", username, secret, source)

    def find() -> Caller:
        if len(secret) > LONGEST_PASSWORD:
            raise WrongCredentials
        try:
            pk = user_name(username).pk
        except ValueError:
            raise WrongCredentials from None
        item = table.get(single(pk)) or {}
        proof = item if "hash" in item else _NOBODY

        def is_right() -> bool:
            return compare_digest(_stretch(secret, proof), proof["hash"]["B"]) and proof is not _NOBODY

        # Who was right in the last hour, in this process and from this address, is so while the hash is the same:
        # neither shut out by another's guesses from there, nor hashed again.
        proven = shown, proof["hash"]["B"]
        if not table.remembers(proven):
            guesses.judge(table, pk, source, is_right)
        table.remember(proven, table.now_ms() + guesses.LONGEST_BLOCK_MS)
        return _caller(table, item)

    try:
        return table.recall(shown, find, fresh=fresh)
    except (WrongCredentials, LoginBlocked):
        count(Metric.LOGIN_FAILED, NO_UNIT)
        raise


def by_key(table: Table, secret: str, *, fresh: bool = False) -> Caller:
    """Recognise a caller by an API key that is good for all that its account may do, as dialects without scopes need.

    `fresh` trusts no memory: what changes credentials or accounts asks for that.

    Raises WrongCredentials, AccountClosed, or NotPermitted for a key that is good for less.
    """
    caller = by_scoped_key(table, secret, fresh=fresh)
    if caller.role is Role.ADMIN and (Scope.ADMIN not in caller.scopes or caller.subtree is not None):
        raise NotPermitted
    return caller


def by_scoped_key(table: Table, secret: str, *, fresh: bool = False) -> Caller:
    """Recognise a caller by API key; what the key is good for is the dialect's to check.

    `fresh` trusts no memory: what changes credentials or accounts asks for that. Raises WrongCredentials or
    AccountClosed.
    """
    name = api_key(secret)

    def find() -> Caller:
        item = table.get(single(name.pk))
        if not item or not compare_digest(name.proof["hash"]["B"], item["hash"]["B"]):
            raise WrongCredentials
        caller = _caller(table, item)
        if was_reset(item, caller.keys_reset_ms):
            raise WrongCredentials
        _note_use(table, item)
        return caller

    caller = table.recall(_digest("key", secret), find, fresh=fresh)
    if caller.expires_ms is not None and caller.expires_ms <= table.now_ms():
        raise WrongCredentials
    return caller


def was_reset(key: Item, keys_reset_ms: int) -> bool:
    """Say whether a reset of its account's keys stopped this one, by its look-up or its item in the listing.

    It stops those that are good for all that their account may do. Nobody's clock is asked: a key carries the time of
    the reset that came before it.
    """
    good_for_all = "scopes" not in key or ("subtree" not in key and Scope.ADMIN in key["scopes"]["SS"])
    return good_for_all and (int(key["g"]["N"]) if "g" in key else 0) < keys_reset_ms


def _note_use(table: Table, item: Item) -> None:
    """Keep the day on which a key was last used, at most once a day, and with nobody waiting for it."""
    today = table.now_ms() // DAY_MS
    if "d" in item and int(item["d"]["N"]) >= today:
        return

    # As it was read: a key that was revoked meanwhile does not come back by this, and one process of many writes.
    unused, values = "attribute_exists(pk) AND attribute_not_exists(d)", {":today": number(today)}
    if "d" in item:
        unused, values[":seen"] = "d = :seen", item["d"]

    def write() -> None:
        with suppress(*FAILED):
            table.client.update_item(
                TableName=table.name,
                Key=single(item["pk"]["S"]),
                UpdateExpression="SET d = :today",
                ConditionExpression=unused,
                ExpressionAttributeValues=values,
            )

    table.aside(write)


def _caller(table: Table, item: Item) -> Caller:
    """Read whose credential this is. The profiles have the last word on role and state."""
    try:
        account = accounts.get(table, int(item["o"]["N"]), int(item["account"]["N"]))
        scopes, subtree = frozenset({Scope.ADMIN}), None
        if account.role is Role.USER:
            scopes, subtree = frozenset({Scope.READ}), account.id
        elif "scopes" in item:  # an issued key (api_keys.py): for less than its account, perhaps
            scopes = frozenset(map(Scope, item["scopes"]["SS"]))
            subtree = int(item["subtree"]["N"]) if "subtree" in item else None
        state = _state(table, account, subtree)
    except AccountNotFound:
        raise WrongCredentials from None
    if state is State.CLOSED:
        raise AccountClosed
    return Caller(
        account.id,
        account.owner,
        account.username,
        account.role,
        state,
        scopes,
        subtree,
        expires_ms=int(item["e"]["N"]) if "e" in item else None,
        keys_reset_ms=account.keys_reset_ms,
    )


def _state(table: Table, account: Account, subtree: int | None) -> State:
    """Find the worst state of a credential's operator and top, one of which is its account: it, alone, is often both.

    The accounts between the two do not bear on it.
    """
    if subtree is None or account.state is State.CLOSED:
        return account.state
    if subtree == account.id:
        other = accounts.operator_of(table, account)
    else:  # usually right below its operator
        found = accounts.find(table, account.id, subtree)
        other = found or accounts.get(table, accounts.owner_of(table, subtree), subtree)
    return max(account.state, other.state)


def _stretch(secret: str, proof: Item) -> bytes:
    cost, block, parallel = (int(number["N"]) for number in proof["cost"]["L"])
    # Hashed first: the HMAC in scrypt pads with zeros, so that "abc" and "abc\0" would otherwise open the same door.
    return scrypt(
        sha256(secret.encode(errors="surrogatepass")).digest(),
        salt=proof["salt"]["B"],
        n=cost,
        r=block,
        p=parallel,
        maxmem=_MEMORY_BYTES,
    )


def _digest(*parts: str) -> bytes:
    """Condense what a caller showed, for this process only; lengths keep ("ab", "c") from meeting ("a", "bc")."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return blake2b(text.encode(errors="surrogatepass"), key=_PROCESS_KEY).digest()
