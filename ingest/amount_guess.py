"""Detects how amounts are written: decimal sign, thousands, signs of currencies, negatives, and the currency itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ingest.currency_names import currency_code, is_iso_currency
from ingest.errors import UnreadableValue
from ingest.readers.blank import is_blank
from ingest.readers.number import NumberStyle, exact_decimal
from ingest.separator_guess import decimal_sign_elsewhere, has_german_days, separators
from ingest.synonyms import words_of

_SIGNS: Final = "$€£₹¥₽₩₺₪₴₦₵₱₫฿₸৳₲₡₾₼"
_CURRENCY_SIGN: Final = re.compile(rf"[^\W\d_]{{1,4}}[{_SIGNS}]?\.?|[{_SIGNS}]")
_DELIMITER_BESIDE_DECIMAL_COMMAS: Final = ";"
_BOOKED: Final = ("CR", "DR")


@dataclass(frozen=True)
class AmountStyle:
    """How a column writes its amounts: `decimal` and `thousands` of the file (None: as by default), texts to `remove`,
    whether negatives are a minority (and so refunds), the `currency` that the name or the values have, and a `doubt` about
    the separators."""

    decimal: str | None = None
    thousands: str | None = None
    remove: tuple[str, ...] = ()
    has_refunds: bool = False
    currency: str | None = None
    doubt: str = ""

    @property
    def separators(self) -> dict[str, str]:
        """The keys of the mapping that differ from the default."""
        keys = {"decimal": self.decimal, "thousands": self.thousands}
        return {key: sign for key, sign in keys.items() if sign is not None}


def amount_style(
    column: str,
    columns: Mapping[str, Sequence[object]],
    delimiter: str | None = None,
    currency_column: str | None = None,
) -> AmountStyle:
    """The style of the amounts in `column` of a sample; what its other columns show tells a decimal sign from thousands."""
    values = [cell for cell in columns[column] if not is_blank(cell)]
    texts = [value.strip() for value in values if isinstance(value, str)]
    remove = _signs(texts)
    codes = {currency_code(sign) for sign in remove}
    code = codes.pop() if len(codes) == 1 else None
    currency = _currency_in(column) or (code if code is not None and is_iso_currency(code) else None)
    likely_decimal = decimal_sign_elsewhere(columns, column)
    if likely_decimal is None and (delimiter == _DELIMITER_BESIDE_DECIMAL_COMMAS or has_german_days(columns.values())):
        likely_decimal = ","
    plain = [_without(text, remove) for text in texts]
    found = separators(plain, likely_decimal, currency or _only_currency(columns.get(currency_column or "", ())))
    style = NumberStyle(found.decimal or ".", found.thousands or "", remove)
    negative = sum(_is_negative(value, style) for value in values)
    return AmountStyle(found.decimal, found.thousands, remove, 0 < negative * 2 < len(values), currency, found.doubt)


def _only_currency(cells: Sequence[object]) -> str | None:
    codes = {currency_code(str(cell)) for cell in cells if not is_blank(cell)}
    return codes.pop() if len(codes) == 1 else None


def _signs(texts: Sequence[str]) -> tuple[str, ...]:
    """The signs and codes of currencies beside the digits; those of bookings, CR and DR, are read as they are."""
    found = {sign for text in texts if any(map(str.isdigit, text)) for sign in _CURRENCY_SIGN.findall(text)}
    signs = [sign for sign in found if sign.upper() not in _BOOKED and sign not in ("e", "E")]
    return tuple(sorted(signs, key=lambda sign: (-len(sign), sign)))  # "Rs" must not be removed from "Rs." before "Rs."


def _without(text: str, signs: tuple[str, ...]) -> str:
    for sign in signs:
        text = text.replace(sign, "")
    return text.strip()


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
