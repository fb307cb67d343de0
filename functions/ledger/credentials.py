"""Credentials: passwords and API keys, and who a caller is who shows one.

A password is kept as salted scrypt, an API key (256 random bits, so no salt is needed) as its SHA-256, which is also
where it is looked up. Who was recognised once is remembered in this process for half a minute at most (Table.recall);
the secret itself is not: only a keyed digest of it.
"""

import secrets
from dataclasses import dataclass
from hashlib import blake2b, scrypt, sha256
from hmac import compare_digest

from ledger import accounts
from ledger.accounts import Account, Role
from ledger.counter import State
from ledger.errors import AccountClosed, AccountNotFound, AccountSuspended, NotPermitted, WrongCredentials
from ledger.kinds import Scope
from ledger.names import Name, username_pk
from ledger.table import Item, Table, single

LONGEST_USERNAME = LONGEST_PASSWORD = 16
"""Characters, as Ozeki's page says."""

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
    """

    account: int
    owner: int
    username: str
    role: Role
    state: State
    scopes: frozenset[Scope]
    subtree: int | None

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
    if not 1 <= len(username) <= LONGEST_USERNAME:
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
    """Generate an API key: 256 bits."""
    return secrets.token_urlsafe(32)


def by_password(table: Table, username: str, secret: str) -> Caller:
    """Recognise a caller by user name and password. Raises WrongCredentials or AccountClosed.

    An unknown name takes as long as a wrong password: a hash is computed and compared either way.
    """

    def find() -> Caller:
        item = (table.get(single(username_pk(username))) if len(username) <= LONGEST_USERNAME else None) or {}
        proof = item if "hash" in item else _NOBODY
        if not compare_digest(_stretch(secret, proof), proof["hash"]["B"]) or proof is _NOBODY:
            raise WrongCredentials
        return _caller(table, item)

    return table.recall(_digest("password", username, secret), find)


def by_key(table: Table, secret: str) -> Caller:
    """Recognise a caller by an API key that is good for all that its account may do, as dialects without scopes need.

    Raises WrongCredentials, AccountClosed, or NotPermitted for a key that is good for less.
    """
    caller = by_scoped_key(table, secret)
    if caller.role is Role.ADMIN and (Scope.ADMIN not in caller.scopes or caller.subtree is not None):
        raise NotPermitted
    return caller


def by_scoped_key(table: Table, secret: str) -> Caller:
    """Recognise a caller by API key; what the key is good for is the dialect's to check.

    Raises WrongCredentials or AccountClosed.
    """
    name = api_key(secret)

    def find() -> Caller:
        item = table.get(single(name.pk))
        if not item or not compare_digest(name.proof["hash"]["B"], item["hash"]["B"]):
            raise WrongCredentials
        return _caller(table, item)

    return table.recall(_digest("key", secret), find)


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
    return Caller(account.id, account.owner, account.username, account.role, state, scopes, subtree)


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
