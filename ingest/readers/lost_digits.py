"""Numbers written with an exponent, as spreadsheets and Java write long ones: 3.57303E+15, 4.992346398065154E18.

Where the exponent is larger than the count of decimals, the last digits may be lost: 3.57303E+15 stands for a thousand
million ids. A text without both a point and a plus sign, as 3e10, is no such number: ids may look so.
"""

from __future__ import annotations

import re
from typing import Final

_WITH_EXPONENT: Final = re.compile(r"(-?[0-9])(?:[.,]([0-9]*))?[eE](\+?)0*([0-9]{1,3})", re.ASCII)
_SHOWN_DIGITS: Final = 6
"""What spreadsheets and C's %g show of a number."""


def has_exponent(text: str) -> bool:
    """Whether a text is a number with an exponent that is not negative, with a point or a plus sign."""
    found = _WITH_EXPONENT.fullmatch(text)
    return found is not None and (found[2] is not None or bool(found[3]))


def whole_number(text: str) -> str | None:
    """The digits of a whole number that `has_exponent`, 12345678 for 1.2345678E7; None where some may be lost.

    A number that is not whole is unchanged.
    """
    found = _WITH_EXPONENT.fullmatch(text)
    assert found is not None
    decimals = found[2] or ""
    exponent = int(found[4])
    if exponent > len(decimals):
        return None
    return text if decimals[exponent:].strip("0") else found[1] + decimals[:exponent]


def is_rounded(text: str, spare_digits: int) -> bool:
    """Whether a number that `has_exponent` has lost digits other than the last `spare_digits`.

    Java writes all digits but closing zeros, and no plus sign: such a number is taken as exact unless it has only as many
    digits as a spreadsheet shows.
    """
    found = _WITH_EXPONENT.fullmatch(text)
    assert found is not None
    lost = int(found[4]) - len(found[2] or "")
    if found[3]:
        return lost > spare_digits
    return lost > spare_digits and len(found[2] or "") < _SHOWN_DIGITS
