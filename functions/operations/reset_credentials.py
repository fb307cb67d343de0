"""INVOKE ResetCredentials: gives an account a new password, a new API key or both, and shows them this once.

    {"account": 1, "password": true, "api_key": true}

What let the account in before stops within half a minute: its password, if that is reset; with the key every key that
was good for all that the account may do. Keys that an operator issued for less go on. It is the cure when an answer of
OpenAccount, or of this, was lost. The answer to a repeated `idempotency_key` cannot show anything again.
"""

import secrets
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from ledger import accounts, api_keys, credentials
from ledger.accounts import HOUSE
from ledger.claims import LONGEST_KEY, CallerKey
from ledger.table import open_table
from operations import wire
from operations.wire import AccountId, Answer, Asked
from telemetry import Log

table = open_table()


class Reset(Asked):
    """Whose credentials to reset, and which; at least one of them."""

    account: AccountId
    password: Annotated[bool, Field(strict=True)] = False
    api_key: Annotated[bool, Field(strict=True)] = False
    idempotency_key: Annotated[str, Field(min_length=1, max_length=LONGEST_KEY)] | None = None

    @model_validator(mode="after")
    def _something_is_reset(self) -> Self:
        if not (self.password or self.api_key):
            raise ValueError("password, api_key or both must be true")
        return self

    @property
    def caller_key(self) -> CallerKey | None:
        """The house is the one that resets, so its keys are not those of an operator's own requests."""
        if self.idempotency_key is None:
            return None
        content = ("resetcredentials", self.account, int(self.password), int(self.api_key))
        return CallerKey(HOUSE, self.idempotency_key, content)


def lambda_handler(event: dict[str, Any], context: Any) -> Answer:
    return wire.answer(event, context, Reset, reset_credentials, "CredentialsReset")


def reset_credentials(wanted: Reset, log: Log) -> Answer:
    """Replace what was asked for in one commit, and answer what the account's holder needs."""
    password = secrets.token_urlsafe(12) if wanted.password else None
    api_key = credentials.new_secret() if wanted.api_key else None
    owner = accounts.owner_of(table, wanted.account)
    log["account"] = wanted.account
    replayed = api_keys.reset(
        table, owner, wanted.account, new_password=password, new_key=api_key, caller_key=wanted.caller_key
    )
    log["replayed"] = replayed
    if replayed:
        message = "reset before: the new credentials were shown then and cannot be shown again"
        return {"account": wanted.account, "replayed": True, "message": message}
    shown = {"username": accounts.get(table, owner, wanted.account).username, "password": password, "api_key": api_key}
    return {"account": wanted.account, "replayed": False} | {name: each for name, each in shown.items() if each}
