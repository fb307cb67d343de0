"""API keys as callers see them. The secret is told once, by the request that issues it."""

from typing import Self

from api.fields import Asked, Day, KeyId, Time, Told
from ledger.api_keys import ApiKey
from ledger.kinds import Scope


class KeyPlace(Asked):
    key: KeyId


class Key(Told):
    """An API key, good for `scopes` on `account` and all below it, or on all if null. `admin` is every scope.

    `last_used` is to the day, in UTC.
    """

    id: str
    name: str
    scopes: list[Scope]
    account: int | None
    created: Time
    expires: Time | None
    last_used: Day | None
    revoked: Time | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        return cls(
            id=key.id,
            name=key.name,
            scopes=sorted(key.scopes),
            account=key.subtree,
            created=key.created_ms,
            expires=key.expires_ms,
            last_used=key.used_ms,
            revoked=key.revoked_ms,
        )
