"""Detects how amounts are written: decimal sign, thousands, signs of currencies, negatives, and the currency itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ingest.currency_names import currency_code, is_iso_currency
from ingest.errors import UnreadableValue
from ingest.readers.blank import is_blank
from ingest.readers.number import NumberStyle, exact_decimal
from ingest.synonyms import words_of

_CURRENCY_SIGN: Final = re.compile(r"[^\W\d_]{1,3}\.?|[$€£₹¥₽₩₺₪₴₦]")
_BOOKED: Final = ("CR", "DR")


@dataclass(frozen=True)
class AmountStyle:
    """How a column writes its amounts: `decimal` and `thousands` of the file (None: as by default), texts to `remove`,
    whether negatives are a minority (and so refunds), and the `currency` that the name or the values have."""

    decimal: str | None = None
    thousands: str | None = None
    remove: tuple[str, ...] = ()
    has_refunds: bool = False
    currency: str | None = None

    @property
    def separators(self) -> dict[str, str]:
        """The keys of the mapping that differ from the default."""
        keys = {"decimal": self.decimal, "thousands": self.thousands}
        return {key: sign for key, sign in keys.items() if sign is not None}


def amount_style(column: str, cells: Sequence[object]) -> AmountStyle:
    """The style of a sample."""
    values = [cell for cell in cells if not is_blank(cell)]
    texts = [value.strip() for value in values if isinstance(value, str)]
    remove = _signs(texts)
    decimal, thousands = _separators([_without(text, remove) for text in texts])
    style = NumberStyle(decimal or ".", thousands or "", remove)
    negative = sum(_is_negative(value, style) for value in values)
    signs = {currency_code(sign) for sign in remove if currency_code(sign) is not None}
    currency = _currency_in(column) or (signs.pop() if len(signs) == 1 and len(remove) == 1 else None)
    return AmountStyle(decimal, thousands, remove, 0 < negative * 2 < len(values), currency)


def _signs(texts: Sequence[str]) -> tuple[str, ...]:
    """The signs and codes of currencies beside the digits; those of bookings, CR and DR, are read as they are."""
    found = {sign for text in texts if any(map(str.isdigit, text)) for sign in _CURRENCY_SIGN.findall(text)}
    return tuple(sorted(sign for sign in found if sign.upper() not in _BOOKED and sign not in ("e", "E")))


def _without(text: str, signs: tuple[str, ...]) -> str:
    for sign in signs:
        text = text.replace(sign, "")
    return text.strip()


def _separators(texts: Sequence[str]) -> tuple[str | None, str | None]:
    """Decimal sign and thousands separator where they are not the default."""
    with_comma = [text for text in texts if "," in text]
    if not with_comma:
        return None, None
    if any("." in text and text.rindex(".") > text.rindex(",") for text in with_comma):
        return None, ","
    in_threes = all(re.search(r"\d,\d{3}(?!\d)", text) and "." not in text for text in with_comma)
    if in_threes and any("." in text for text in texts):
        return None, ","
    return ",", "." if any("." in text for text in with_comma) else None


def _is_negative(value: object, style: NumberStyle) -> bool:
    try:
        return exact_decimal(value, style=style) < 0
    except UnreadableValue:
        return False


def _currency_in(column: str) -> str | None:
    """The code at the end of a column's name, as in `Amount (INR)` and amount_usd."""
    words = words_of(column)
    code = words[-1].upper() if len(words) > 1 else ""
    return code if is_iso_currency(code) else None
