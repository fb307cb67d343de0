"""INVOKE OpenAccount: opens an operator, or a customer of one, and shows its credentials this once.

    {"role": "admin", "username": "acme"}
    {"role": "user", "operator": 1, "username": "john", "password": "john-123", "balances": {"sms": 500}}

Without a password one is made up. Credentials are kept as hashes only, so the answer to a repeated `idempotency_key`
names the account but cannot show them again.
"""

import secrets
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from ledger import accounts, api_keys, credentials, opening
from ledger.accounts import HOUSE, Role
from ledger.claims import LONGEST_KEY, CallerKey
from ledger.counter import State
from ledger.credentials import LONGEST_PASSWORD, SHORTEST_PASSWORD
from ledger.entry import AMOUNT_LIMIT
from ledger.errors import AccountClosed
from ledger.names import LONGEST_USERNAME, composed
from ledger.table import open_table
from ledger.units import Unit
from operations import wire
from operations.wire import AccountId, Answer, Asked
from telemetry import Log

table = open_table()


def _composed(username: object) -> object:
    return composed(username) if isinstance(username, str) else username


def _printable(username: str) -> str:
    """Refuse what could not be read back, or not be told from another name, in a log line or an XML answer."""
    if not username.isprintable() or username != username.strip():
        raise ValueError("only printable characters, and no space at either end")
    return username


class NewAccount(Asked):
    """The account to open. `operator` is the account whose customer a user is; an admin is an operator itself."""

    role: Role
    operator: AccountId | None = None
    username: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST_USERNAME),
        BeforeValidator(_composed),
        AfterValidator(_printable),
    ]
    password: Annotated[SecretStr, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)] | None = None
    balances: dict[Unit, Annotated[int, Field(ge=0, le=AMOUNT_LIMIT, strict=True)]] = Field(default_factory=dict)
    idempotency_key: Annotated[str, Field(min_length=1, max_length=LONGEST_KEY)] | None = None

    @model_validator(mode="after")
    def _users_have_operators(self) -> Self:
        if (self.role is Role.USER) != (self.operator is not None):
            raise ValueError("a user has an operator, an admin has none")
        return self

    @property
    def caller_key(self) -> CallerKey | None:
        """The house is the one that opens accounts, so its keys are not those of the operator's own requests."""
        if self.idempotency_key is None:
            return None
        balances = (part for balance in sorted(self.balances.items()) for part in balance)
        content = ("openaccount", self.role, self.operator or HOUSE, self.username, *balances)
        return CallerKey(HOUSE, self.idempotency_key, content)


def lambda_handler(event: dict[str, Any], context: Any) -> Answer:
    return wire.answer(event, context, NewAccount, open_account, "AccountOpened")


def open_account(wanted: NewAccount, log: Log) -> Answer:
    """Open an account with a password, an API key and its opening balances, and answer what its holder needs."""
    password = wanted.password.get_secret_value() if wanted.password else secrets.token_urlsafe(12)
    api_key = credentials.new_secret()
    opened = opening.open_account(
        table,
        _owner(wanted),
        actor=HOUSE,
        role=wanted.role,
        username=wanted.username,
        names=[credentials.password(wanted.username, password), credentials.api_key(api_key)],
        balances={str(unit): amount for unit, amount in wanted.balances.items()},
        # Only operators have a listing of their keys.
        also=api_keys.first_listed(table, api_key) if wanted.role is Role.ADMIN else None,
        caller_key=wanted.caller_key,
    )
    log.update(account=opened.id, role=wanted.role, replayed=opened.replayed)
    account: Answer = {"account": opened.id, "username": wanted.username, "replayed": opened.replayed}
    if opened.replayed:
        return {**account, "message": "opened before: its credentials were shown then and cannot be shown again"}
    return {**account, "api_key": api_key, **({} if wanted.password else {"password": password})}


def _owner(wanted: NewAccount) -> int:
    """Find whose listing the account belongs in. Raises AccountNotFound or AccountClosed."""
    if wanted.operator is None:
        return HOUSE
    if accounts.get(table, HOUSE, wanted.operator).state is State.CLOSED:
        raise AccountClosed
    return wanted.operator
