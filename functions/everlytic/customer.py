"""What Everlytic calls a customer: the vendor's properties, checked as they come in, and read off the ledger.

Texts have at most LONGEST_TEXT characters and lose the space around them; a country may be written in either case.
`off` and `suspended` both suspend the account, which then takes credit and cannot spend it. An empty status or
`deleted` changes nothing; either of `status: deleted` and `deleted: yes` deletes, whatever the other says, because a
caller who sends a whole customer back changes one of them. An absent `*_package_id` is 0. What is sent as it is stored
asks for nothing, and is not judged: other dialects store what this one would refuse.
Design: README.md, What is known.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from itertools import chain
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

import gateway
from everlytic.countries import COUNTRIES
from everlytic.formats import Item
from everlytic.values import read_integer, read_text
from everlytic.wire import Refused
from ledger import packages
from ledger.accounts import Account
from ledger.counter import State
from ledger.customers import Revision
from ledger.table import Table
from ledger.units import Unit

UNITS = {f"{unit}_quota": unit for unit in (Unit.EMAIL, Unit.SMS, Unit.TRANSACTIONS)}
"""The prepaid quotas and the units of their balances."""

PACKAGE_IDS = ("email_package_id", "transactions_package_id")
_INTEGERS = {"id", *UNITS, *PACKAGE_IDS}
LARGEST_QUOTA = 10**12
LONGEST_TEXT = 255
LONGEST_EMAIL = 254  # RFC 5321

_STATES = {"on": State.OPEN, "off": State.SUSPENDED, "suspended": State.SUSPENDED, "deleted": State.CLOSED}
_LINE_BREAK = re.compile("\r\n?")
_LOCAL_PART = r"[^\s@\"(),:;<>\[\\\]]{1,64}"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_EMAIL = re.compile(rf"{_LOCAL_PART}@(?:{_LABEL}\.)+{_LABEL}")

Industry = Literal[
    "",
    "Personal Use",
    "Agriculture & Environmental",
    "Automotive",
    "Business & Consulting Services",
    "E-commerce",
    "Education & Training",
    "Financial Institutions",
    "Governmental Organisations",
    "Hospitality, Travel & Tourism",
    "Industry, Trade & Manufacture",
    "Lifestyle, Arts & Entertainment",
    "Logistic Services",
    "Publishing & Media",
    "Agencies & Marketing",
    "Medical & Healthcare",
    "Non Governmental Organisations",
    "Property & Real Estate",
    "Retail & Wholesale",
    "Technology & Science",
]


def _text(value: str) -> str:
    # U+FFFD stands for what XML cannot carry, and where bytes were met that are not UTF-8.
    if "\N{REPLACEMENT CHARACTER}" in gateway.xml_text(value):
        raise ValueError("not text in UTF-8 without control characters")
    value = value.strip()
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"longer than {LONGEST_TEXT} characters")
    return value


def _present(value: str) -> str:
    if not value:
        raise ValueError("required, so not empty")
    return value


def _email(value: str) -> str:
    if len(value) > LONGEST_EMAIL or not _EMAIL.fullmatch(value):
        raise ValueError("not an e-mail address")
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)  # ValueError if not even that
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", value)):
        raise ValueError("not an http or https URL")
    return value


def _country(value: str) -> str:
    if value and value.upper() not in COUNTRIES:
        raise ValueError("not a country code of ISO 3166-1")
    return value.upper()


def _no_package(value: object) -> object:
    return 0 if value == "" else value


Integer = Annotated[int, BeforeValidator(read_integer)]
Quota = Annotated[Integer, Field(ge=0, le=LARGEST_QUOTA)]
PackageId = Annotated[Integer, BeforeValidator(_no_package), Field(ge=0, le=LARGEST_QUOTA)]
Text = Annotated[str, BeforeValidator(read_text), AfterValidator(_text)]
Name = Annotated[Text, AfterValidator(_present)]
Email = Annotated[Name, AfterValidator(_email)]


class Properties(BaseModel):
    """The properties that can be written, in the order of the vendor's page. What was not sent is not set."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    name: Name = ""
    status: Literal["", "on", "off", "suspended", "deleted"] = ""
    email: Email = ""
    email_package_id: PackageId = 0
    email_quota: Quota = 0
    sms_quota: Quota = 0
    transactions_package_id: PackageId = 0
    transactions_quota: Quota = 0
    deleted: Literal["", "yes", "no"] = ""
    address: Text = ""
    state_provinces: Text = ""
    postal_code: Text = ""
    telephone: Text = ""
    website_url: Annotated[Text, AfterValidator(_url)] = ""
    country: Annotated[Text, AfterValidator(_country)] = ""
    industry: Industry = ""
    unique_id: Text = ""

    def asked(self) -> Item:
        """Give what was asked for in one form: the same for whatever means the same."""
        asked: Item = self.model_dump(exclude_unset=True, exclude={"id"})
        if asked.pop("deleted", "") == "yes":
            asked["status"] = "deleted"
        if asked.get("status") == "":
            del asked["status"]
        return asked

    def content(self) -> tuple[str | int, ...]:
        """Give what was asked for as an idempotency key's content."""
        return _flat(self.asked())

    def revision(self) -> Revision:
        """Give what was asked for in the ledger's terms. `deleted` is a state only; the word before it stays."""
        asked = self.asked()
        balances = {str(unit): int(asked.pop(quota)) for quota, unit in UNITS.items() if quota in asked}
        state = _STATES.get(str(asked.get("status")))
        if state is State.CLOSED:
            del asked["status"]
        no_package = {name: "" for name in PACKAGE_IDS if asked.get(name) == 0}
        return Revision(properties=asked | no_package, balances=balances, state=state)


class NewCustomer(Properties):
    """A customer to be created."""

    name: Name
    email: Email

    @model_validator(mode="after")
    def _is_not_deleted(self) -> Self:
        if self.asked().get("status") == "deleted":
            raise ValueError("status, deleted: a customer is not created deleted")
        return self


class ChangedCustomer(Properties):
    """A customer to be changed, or a whole one sent back with changes in it."""

    id: Integer = 0

    def check_id(self, account: int) -> None:
        """Refuse another customer's id: it can be read but not written."""
        if "id" in self.model_fields_set and self.id != account:
            raise Refused(HTTPStatus.BAD_REQUEST, "id: read only, and not that of this customer")


def changes(sent: Mapping[str, object], stored: Item) -> dict[str, object]:
    """Give what was sent that is not as it is stored, and so asks for something."""
    return {
        name: value
        for name, value in sent.items()
        if name not in stored or not _is_same(stored[name], _read(name, value))
    }


def quotas(sent: Mapping[str, object]) -> dict[str, int]:
    """Read the quotas of an update, of which the changes have been judged, by unit."""
    return {str(unit): int(str(_read(quota, sent[quota]))) for quota, unit in UNITS.items() if quota in sent}


def content(sent: Mapping[str, object]) -> tuple[str | int, ...]:
    """Give a whole update, of which the changes have been judged, as an idempotency key's content.

    It is the same whatever is stored, so what was not judged, and would be refused, counts as it was sent.
    """
    try:
        return ChangedCustomer.model_validate(sent).content()
    except ValidationError as invalid:
        as_stored = sent.keys() & {each["loc"][0] for each in invalid.errors() if each["loc"]}
    asked = ChangedCustomer.model_validate({name: sent[name] for name in sent.keys() - as_stored}).asked()
    return _flat(asked | {name: str(_read(name, sent[name])) for name in as_stored})


def _flat(asked: Item) -> tuple[str | int, ...]:
    return tuple(chain.from_iterable(sorted(asked.items())))


def _read(name: str, value: object) -> object:
    return read_integer(value) if name in _INTEGERS else read_text(value)


def _is_same(stored: str | int, read: object) -> bool:
    if isinstance(stored, str) and isinstance(read, str):
        # A parser of XML makes one line break of every kind.
        return _LINE_BREAK.sub("\n", read) == _LINE_BREAK.sub("\n", stored)
    return type(read) is int and read == stored


def check_packages(table: Table, operator: int, asked: Properties) -> None:
    """Refuse a `*_package_id` that is not in the operator's catalogue. A retired package is: it may have been sold."""
    for name in PACKAGE_IDS:
        identifier = getattr(asked, name)
        if identifier and packages.find(table, operator, str(identifier)) is None:
            raise Refused(HTTPStatus.BAD_REQUEST, f"{name}: no such package")


def item(account: Account, balances: Mapping[str, int]) -> Item:
    """Write a customer down, all of its properties and flat. `balances` are by unit; one never used is zero.

    Accounts that another dialect opened are customers, too: nameless ones go by their user name.
    """
    stored = {**account.properties, "name": account.properties.get("name") or account.username}
    is_closed = account.state is State.CLOSED
    shown: Item = {"id": account.id}
    for name in Properties.model_fields:
        if name in UNITS:
            shown[name] = balances.get(UNITS[name], 0)
        elif name in PACKAGE_IDS:
            shown[name] = int(stored.get(name, 0))
        else:
            shown[name] = gateway.xml_text(str(stored.get(name, "")))
    return shown | {"status": _status(account), "deleted": "yes" if is_closed else "no"}


def _status(account: Account) -> str:
    """Put the account's state, which has the last word, in Everlytic's words."""
    match account.state:
        case State.CLOSED:
            return "deleted"
        case State.OPEN:
            return "on"
    return "off" if account.properties.get("status") == "off" else "suspended"
