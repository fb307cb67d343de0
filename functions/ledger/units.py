"""The units of credit. Everything that lists, checks or describes units reads this list: a new unit is one line here.

`tests/ledger/test_units.py` says which vendor's API shows which unit; our own API and the operations take all of them.
"""

from enum import StrEnum
from typing import Self

_PARTS = {1: "tenths", 2: "hundredths", 3: "thousandths"}


class Unit(StrEnum):
    """What is counted, and in how many decimal places. The names travel and are stored: never change one.

    Inside, an amount is always an integer in the unit's smallest part: 1.5 EUR is 1500.
    """

    places: int

    def __new__(cls, name: str, places: int = 0) -> Self:
        unit = str.__new__(cls, name)
        unit._value_ = name
        unit.places = places
        return unit

    EMAIL = "email"
    SMS = "sms"
    TRANSACTIONS = "transactions"
    EUR = "EUR", 3

    def described(self) -> str:
        """Say for people what is counted, and in which part of it if not in wholes."""
        return f"{self}, in {_PARTS[self.places]}" if self.places else self
