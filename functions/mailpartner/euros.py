"""Amounts of money: thousandths of a euro inside, decimal text outside, and no binary fraction anywhere between."""

import re
from dataclasses import dataclass

from ledger.entry import AMOUNT_LIMIT
from ledger.units import Unit

UNIT = Unit.EUR

_PLACES = UNIT.places
# Zeros that say nothing aside, no more digits than the limit has: int() is never given a book to read.
_TEXT = re.compile(rf"0*([0-9]{{0,{len(str(AMOUNT_LIMIT)) - _PLACES}}})(?:\.([0-9]{{0,{_PLACES}}})0*)?")


@dataclass(frozen=True, slots=True)
class Euros:
    """An amount on its way out. Its text is a JSON number: 2869.2, never 2869.2000000000003."""

    thousandths: int

    def __str__(self) -> str:
        return self.padded().rstrip("0").rstrip(".")

    def padded(self) -> str:
        """Write all three decimals, as the vendor writes balances: 0.800."""
        euros, rest = divmod(abs(self.thousandths), 10**_PLACES)
        return f"{'-' if self.thousandths < 0 else ''}{euros}.{rest:0{_PLACES}}"


def read(text: str) -> int:
    """Read a positive amount of whole thousandths of a euro, whatever its zeros: 10.5000, .5, 1.

    ValueError for everything else: signs, exponents, commas, NaN, a fraction of a thousandth, more than AMOUNT_LIMIT.
    """
    found = _TEXT.fullmatch(text)
    thousandths = int(found[1] + (found[2] or "").ljust(_PLACES, "0")) if found else 0
    if not 0 < thousandths <= AMOUNT_LIMIT:
        raise ValueError("not an amount of euros")
    return thousandths
