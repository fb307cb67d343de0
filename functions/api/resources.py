"""What more than one endpoint tells: accounts, balances, entries, packages and keys, as callers see them."""

import json
from typing import Literal, Self

from api.explained import read_note
from api.fields import EntryKind, State, Time, Told, Unit
from ledger import counter, units
from ledger.accounts import HOUSE
from ledger.accounts import Account as Profile
from ledger.entry import Posted
from ledger.holds import Holdings, read_holdings
from ledger.logins import TOKEN
from ledger.packages import Package as Sold
from ledger.table import Table

NAME, EMAIL, METADATA = "name", "email", "metadata"
"""The properties of a profile that this API reads and writes, beside its token; other dialects may keep more."""


class Account(Told):
    """An account. `parent` is the account directly above it, null for an operator; `units` are those it has used.

    `username`, `email` and `token` are what the vendors' APIs know it by: Ozeki's, Everlytic's and Mailpartner's.
    """

    id: int
    parent: int | None
    name: str
    username: str | None
    email: str | None
    token: str | None
    state: State
    units: list[Unit]
    metadata: dict[str, str]
    created: Time

    @classmethod
    def of(cls, profile: Profile) -> Self:
        return cls(
            id=profile.id,
            parent=None if profile.owner == HOUSE else profile.owner,
            name=str(profile.properties.get(NAME, profile.username)),
            username=profile.username or None,
            email=_property(profile, EMAIL),
            token=_property(profile, TOKEN),
            state=profile.state,
            units=sorted(map(units.Unit, profile.units)),
            metadata=json.loads(str(profile.properties.get(METADATA, "{}"))),
            created=profile.created_ms,
        )


def _property(profile: Profile, name: str) -> str | None:
    return str(profile.properties[name]) if name in profile.properties else None


class Balance(Told):
    """A balance right now. Spending may take `available` to minus `credit_limit`; `held` is on hold besides.

    What an expired hold still holds counts as available.
    """

    account: int
    unit: Unit
    available: int
    held: int
    sequence: int
    credit_limit: int

    @classmethod
    def of(cls, table: Table, balance: counter.Balance) -> Self:
        """Tell a balance; its holds are looked at only if it has any."""
        holdings = read_holdings(table, balance.account, balance.unit) if balance.held else Holdings(balance, {})
        balance, available = holdings.balance, holdings.spendable(table.now_ms())
        return cls(
            account=balance.account,
            unit=units.Unit(balance.unit),
            available=available,
            held=balance.held - (available - balance.available),
            sequence=balance.sequence,
            credit_limit=-balance.floor,
        )


class Entry(Told):
    """One change of a balance. `sequence` counts from 1 without a gap; `actor` is whose key asked for it.

    `amount` was added to the available credit, `held_amount` to the credit on hold; `held` was on hold after that.
    """

    account: int
    unit: Unit
    sequence: int
    kind: EntryKind
    amount: int
    before: int
    after: int
    held_amount: int
    held: int
    actor: int
    reference: str
    reason: str
    metadata: dict[str, str]
    time: Time

    @classmethod
    def of(cls, account: int, unit: str, posted: Posted, note: str = "") -> Self:
        """Tell an entry in its place; `note` is its long texts, as `Explained` writes them."""
        reason, metadata = read_note(note)
        return cls(
            account=account,
            unit=units.Unit(unit),
            sequence=posted.sequence,
            kind=posted.entry.kind,
            amount=posted.amount,
            before=posted.before,
            after=posted.after,
            held_amount=posted.entry.held,
            held=posted.held,
            actor=posted.entry.actor,
            reference=posted.entry.reference,
            reason=reason,
            metadata=metadata,
            time=posted.entry.time_ms,
        )


class Price(Told):
    """What people are told a package costs: a decimal number and an ISO 4217 currency. Nothing is charged by it."""

    amount: str
    currency: str


class Package(Told):
    """What a top-up adds to each unit, in its smallest part. A retired package adds nothing."""

    identifier: str
    name: str
    quantities: dict[Unit, int]
    price: Price | None
    state: Literal["active", "retired"]

    @classmethod
    def of(cls, package: Sold) -> Self:
        return cls(
            identifier=package.identifier,
            name=package.name,
            quantities={units.Unit(unit): quantity for unit, quantity in package.quantities.items()},
            price=Price(amount=package.price, currency=package.currency) if package.price else None,
            state="active" if package.active else "retired",
        )
