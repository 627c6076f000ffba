"""Detects the decimal sign and the thousands separator of amounts, and says where the values leave it open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ingest.readers.blank import is_blank

_NUMBER: Final = re.compile(r"-?\d+(?:([.,])(\d+))?")
_GERMAN_DAY: Final = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}(?!\d)")
_GROUPED: Final = {
    " ": re.compile(r"(?<!\d)\d{1,3}(?:[ \u00a0\u202f\u2009\u2007]\d{3})+(?!\d)"),
    "'": re.compile(r"(?<!\d)\d{1,3}(?:['\u2019]\d{3})+(?!\d)"),
}
_THOUSAND_DIGITS: Final = 3
_THREE_DECIMALS: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


class Separators(NamedTuple):
    """Decimal sign and thousands separator where they are not the default, and what is assumed, for a comment."""

    decimal: str | None = None
    thousands: str | None = None
    doubt: str = ""


def decimal_sign_elsewhere(columns: Mapping[str, Sequence[object]], amount: str) -> str | None:
    """The decimal sign that the numbers of other columns have, "." or ","; None where they have none, or both.

    A sign before exactly three digits proves nothing: it may be between thousands.
    """
    signs = {sign for name, cells in columns.items() if name != amount for sign in _decimal_signs(cells)}
    return signs.pop() if len(signs) == 1 else None


def has_german_days(columns: Iterable[Sequence[object]]) -> bool:
    """Whether a column has days as 31.01.2024."""
    return any(
        all(isinstance(cell, str) and (not cell.strip() or _GERMAN_DAY.match(cell.strip())) for cell in cells)
        and any(isinstance(cell, str) and cell.strip() for cell in cells)
        for cells in columns
    )


def separators(texts: Sequence[str], likely_decimal: str | None = None, currency: str | None = None) -> Separators:
    """The separators of amounts without signs of currencies. `likely_decimal`: the decimal sign by other columns, days and
    the delimiter; None where they tell nothing."""
    for sign, grouped in _GROUPED.items():
        if any(map(grouped.search, texts)):
            decimal = "," if any("," in grouped.sub("", text) for text in texts) else None
            return Separators(decimal, sign)
    commas = [text for text in texts if "," in text]
    points = [text for text in texts if "." in text]
    if commas and points:
        return _with_both(commas, points)
    if commas:
        found = _with_one(",", commas, is_decimal=likely_decimal == "," and _all_have(",", texts))
        return found._replace(doubt="") if likely_decimal == "." else found
    if points:
        has_zeros = any(text.rstrip().endswith("0") for text in points)  # which a number's shortest text has not
        plain = likely_decimal != "," and (likely_decimal == "." or not has_zeros or _all_have(".", texts))
        found = _with_one(".", points, is_decimal=plain or currency in _THREE_DECIMALS)
        return found._replace(doubt="") if likely_decimal == "." else found
    return Separators()


def _with_both(commas: Sequence[str], points: Sequence[str]) -> Separators:
    """Where a value has both signs, the last of them is the decimal sign."""
    both = [text for text in commas if "." in text]
    if any(text.rindex(".") > text.rindex(",") for text in both):
        return Separators(None, ",")
    if both:
        return Separators(",", ".")
    if _in_groups(",", commas):
        return Separators(None, ",")
    return Separators(",", "." if _in_groups(".", points) else None)


def _with_one(sign: str, with_sign: Sequence[str], *, is_decimal: bool) -> Separators:
    """Where the values have one sign only: between thousands, if it stands before groups of three digits everywhere."""
    as_decimal = Separators("," if sign == "," else None)
    if not _in_groups(sign, with_sign):
        return as_decimal
    as_thousands = Separators(None, ",") if sign == "," else Separators(",", ".")
    if any(text.count(sign) > 1 for text in with_sign):
        return as_thousands
    example = with_sign[0]
    whole = example.replace(sign, "")
    if is_decimal:
        other = 'thousands: ","' if sign == "," else 'decimal: "," and thousands: "."'
        return as_decimal._replace(doubt=f"{example} is read with decimals; if it means {whole}, set {other}")
    other = 'decimal: "," and no thousands' if sign == "," else "neither decimal nor thousands"
    return as_thousands._replace(
        doubt=f"{example} is read as {whole}; if its last three digits are decimals, set {other}"
    )


def _in_groups(sign: str, texts: Sequence[str]) -> bool:
    """Whether each sign stands between groups of three digits (of two, before the last one, in India)."""
    first = r"[1-9]\d{0,2}"
    groups = rf"(?:{first}(?:{re.escape(sign)}\d{{3}})+|[1-9]\d?(?:,\d{{2}})+,\d{{3}})"
    pattern = re.compile(rf"\D*{groups}\D*")
    return all(pattern.fullmatch(text) for text in texts)


def _all_have(sign: str, texts: Sequence[str]) -> bool:
    """Whether all values have the sign, as a fixed number of decimals makes them."""
    return all(sign in text for text in texts if any(map(str.isdigit, text)))


def _decimal_signs(cells: Sequence[object]) -> set[str]:
    found = [_NUMBER.fullmatch(cell.strip()) for cell in cells if isinstance(cell, str) and not is_blank(cell)]
    if not all(found):
        return set()
    return {match[1] for match in found if match and match[1] and len(match[2]) != _THOUSAND_DIGITS}
