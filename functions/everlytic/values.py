"""Integers and texts as clients write them: some have one type for both, and some one for every number.

No number is ever a float: what is no integer has been read as a Decimal.
"""

import re
from decimal import Decimal

MOST_DIGITS = 16

_INTEGER = re.compile(rf"([+-]?)0*([0-9]{{1,{MOST_DIGITS}}})")


def read_integer(value: object) -> object:
    """Read an integer: digits in a text, or a whole number however it is written; leave the rest to the type."""
    match value:
        case str():
            found = _INTEGER.fullmatch(value)
            return int(found[1] + found[2]) if found else value
        case Decimal() if value.is_finite() and value.adjusted() < MOST_DIGITS and value == value.to_integral_value():
            return int(value)
    return value


def read_text(value: object) -> object:
    """Read a text, for which clients that have no types send a number; leave the rest to the type."""
    whole = read_integer(value) if isinstance(value, Decimal) else value
    return str(whole) if isinstance(whole, int) and not isinstance(whole, bool) else value
