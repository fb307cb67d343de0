"""API keys as callers see them. The secret is told once, by the request that issues it."""

from typing import Self

from api.fields import Time, Told
from ledger.api_keys import ApiKey
from ledger.kinds import Scope


class Key(Told):
    """An API key, good for `scopes` on `account` and all below it, or on all if null. `admin` is every scope."""

    id: str
    name: str
    scopes: list[Scope]
    account: int | None
    created: Time
    revoked: Time | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        return cls(
            id=key.id,
            name=key.name,
            scopes=sorted(key.scopes),
            account=key.subtree,
            created=key.created_ms,
            revoked=key.revoked_ms,
        )
