"""POST /v1/subaccount/create: opens a sub-account, with credit if asked, and answers its token and its key.

A simple sub-account without an e-mail address gets one that nobody can write to. `isBuyer` says whether the sub-account
may buy credit on its own; nothing is sold here, so it is kept for those who sell. No mail is sent either:
`sendConfirmMailTo` names the address that the vendor would write to.
"""

import re
import secrets
from dataclasses import astuple, dataclass
from typing import Any

from ledger import accounts, credentials, names
from ledger.logins import TOKEN
from ledger.names import unique_names
from ledger.subaccounts import open_subaccount
from ledger.table import open_table
from mailpartner import credit, parties, wire
from mailpartner.euros import UNIT
from mailpartner.wire import Answer, Fault, Refused, Request

SIMPLE, ADVANCED = "simple", "advanced"
LONGEST_EMAIL = 254  # RFC 5321
LONGEST_NAME = 100

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_YES_OR_NO = {"1": 1, "true": 1, "0": 0, "false": 0}

table = open_table()


@dataclass(frozen=True, slots=True)
class Wanted:
    """The sub-account asked for; `amount` is in thousandths of a euro, and 0 if none was asked for."""

    type: str
    email: str
    is_buyer: int
    amount: int
    title: str
    firstname: str
    lastname: str

    def properties(self) -> dict[str, str | int]:
        """Write the profile that was asked for, with a made-up address if it has none."""
        email = self.email or f"{secrets.token_hex(8)}@subaccount.invalid"
        return {
            "type": self.type,
            "email": email,
            "is_buyer": self.is_buyer,
            "name": self.title or email,
            "firstname": self.firstname,
            "lastname": self.lastname,
        }


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return wire.answer(event, create_subaccount, wire.CREATION, "SubaccountCreated")


def create_subaccount(request: Request) -> Answer:
    """Open the account, its names and both sides of the transfer in one commit."""
    parent = parties.parent(table, parties.caller(table, request, fresh=True))
    wanted = _read(request)
    token, api_key = secrets.token_urlsafe(24), credentials.new_secret()
    properties = wanted.properties() | {TOKEN: token}
    opened = open_subaccount(
        table,
        parent,
        UNIT,
        wanted.amount,
        names=[names.token(token), credentials.api_key(api_key), *unique_names(parent.id, properties)],
        properties=properties,
        caller_key=request.key_for(parent.id, "createsubaccount", *astuple(wanted)),
    )
    request.log["account"] = opened.id
    # A replay answers with the token and the address that were made up then; of the key, only its hash was kept.
    child = accounts.get(table, parent.id, opened.id).properties if opened.replayed else properties
    email = str(child["email"])
    return Answer(
        {
            "subaccount": {
                "email": email,
                "token": str(child[TOKEN]),
                "apiKey": "" if opened.replayed else api_key,
            },
            "sendConfirmMailTo": email if wanted.type == ADVANCED else "",
            "parent_email": parties.text(parent, "email") or parent.username,
        },
        opened.replayed,
    )


def _read(request: Request) -> Wanted:
    """Read what is wanted. The order of the statements is that of the codes: 4, 5, 3, 6, 8."""
    kind = request.required("type", Fault.NO_TYPE)
    is_buyer = 0
    if kind not in (SIMPLE, ADVANCED):
        raise Refused(Fault.UNKNOWN_TYPE)
    if kind == ADVANCED:
        is_buyer = _yes_or_no(request.required("parameters[isBuyer]", Fault.NO_BUYER))
        email = _email(request.required("parameters[email]", Fault.NO_EMAIL))
    else:
        email = _email(request.optional("parameters[email]"))
    amount = request.optional("parameters[creditToAttribute]")
    return Wanted(
        kind,
        email,
        is_buyer,
        credit.read_amount(amount) if amount else 0,
        _name(request, "title"),
        _name(request, "firstname"),
        _name(request, "lastname"),
    )


def _yes_or_no(text: str) -> int:
    if text not in _YES_OR_NO:
        raise Refused(Fault.NO_BUYER)
    return _YES_OR_NO[text]


def _email(text: str) -> str:
    if text and not (len(text) <= LONGEST_EMAIL and text.isprintable() and _EMAIL.fullmatch(text)):
        raise Refused(Fault.NO_EMAIL)
    return text


def _name(request: Request, name: str) -> str:
    text = request.optional(f"parameters[{name}]")
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise Refused(Fault.UNREADABLE, f"parameters[{name}]")
    return text
