"""Ids that were numbers once, and were written in floating-point notation: 3.57303E+15 by a spreadsheet, 4.99E18 by Java."""

from __future__ import annotations

import re
from typing import Final

_FLOATING_POINT: Final = re.compile(r"-?[0-9](?:[.,]([0-9]*)[eE]\+?|[eE]\+)([0-9]{1,3})", re.ASCII)
LOST_DIGITS: Final = (
    "is a number in floating-point notation, which has lost its last digits: strangers would share the id; export the "
    "column as text"
)


def has_lost_digits(text: str) -> bool:
    """Whether a text is a whole number in floating-point notation. 1e5 is none: hexadecimal ids look like it."""
    if len(text) < 4 or (text[1] not in ".,eE" and text[0] != "-"):
        return False
    found = _FLOATING_POINT.fullmatch(text)
    return found is not None and int(found[2]) >= len(found[1] or "")
