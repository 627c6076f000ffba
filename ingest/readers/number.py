"""Reads numbers exactly as the source wrote them: 57.16 stays 57.16."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from ingest.errors import UnreadableValue
from ingest.readers.text import Reader

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?", re.ASCII)
SPACES = (" ", "\u00a0", "\u202f", "\u2009", "\u2007")  # plain, no-break, narrow no-break, thin, figure
_NO_BREAK_SPACES = str.maketrans(dict.fromkeys(SPACES, " "))
_APOSTROPHES = ("'", "\u2019")
_MINUSES = ("-", "\u2212")
_BOOKED = ("CR", "DR")
MAX_NUMBER_LENGTH = 64
MAX_WHOLE = 2**63


@dataclass(frozen=True)
class NumberStyle:
    """How numbers are written as text: decimal sign, thousands separator ("" for none), texts to remove.

    A space as separator is any of SPACES, and an apostrophe the typographic one too. Commas may stand as in
    India, 1,23,45,678.
    """

    decimal: str = "."
    thousands: str = ""
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class NumberRange:
    minimum: float = -math.inf
    maximum: float = math.inf
    whole: bool = False

    def __str__(self) -> str:
        noun = "a whole number" if self.whole else "a number"
        if math.isinf(self.minimum):
            return noun
        if math.isinf(self.maximum):
            return f"{noun} from {self.minimum:.15g} up"
        return f"{noun} from {self.minimum:.15g} to {self.maximum:.15g}"


ANY_NUMBER = NumberRange()
PLAIN_STYLE = NumberStyle()


def number_reader(
    allowed: NumberRange = ANY_NUMBER, style: NumberStyle = PLAIN_STYLE, scale: Decimal | None = None
) -> Reader:
    """Returns a reader of numbers and numeric texts as float (int for a whole range), multiplied exactly by `scale`."""
    exactly = allowed.whole or scale is not None

    def read(value: object) -> float | int:
        if isinstance(value, float) and not exactly:
            return _fraction(value, allowed)
        if isinstance(value, str) and not exactly:
            return _fraction(float(_number_text(value, style, allowed)), allowed)
        number = exact_decimal(value, allowed, style)
        if scale is not None:
            number *= scale
        return _whole(number, allowed) if allowed.whole else _fraction(number, allowed)

    return read


def exact_decimal(value: object, allowed: NumberRange = ANY_NUMBER, style: NumberStyle = PLAIN_STYLE) -> Decimal:
    """The number as a Decimal; a float by its shortest repr. Raises UnreadableValue, also for NaN and infinity."""
    if isinstance(value, str):
        return Decimal(_number_text(value, style, allowed))
    if isinstance(value, float):
        value = Decimal(repr(value))
    elif isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if isinstance(value, Decimal) and value.is_finite():
        return value
    raise UnreadableValue(str(allowed))


def _number_text(text: str, style: NumberStyle, allowed: NumberRange) -> str:
    number = text.strip()
    for noise in style.remove:
        number = number.replace(noise, "")
    number = with_leading_sign(number.strip())
    if style.thousands == " ":
        number = number.translate(_NO_BREAK_SPACES)
    elif style.thousands == "'":
        number = number.replace(_APOSTROPHES[1], "'")
    if style.thousands and style.thousands in number:
        number = _without_thousands(number, style, allowed)
    if style.decimal != ".":
        if "." in number:
            raise UnreadableValue(f"{allowed} with {style.decimal!r} as its decimal sign")
        number = number.replace(style.decimal, ".", 1)
    if len(number) <= MAX_NUMBER_LENGTH and _NUMBER.fullmatch(number):
        return number
    raise UnreadableValue(f"{allowed}{_hint(number, style)}")


def with_leading_sign(number: str) -> str:
    """Accounting's negatives with a minus in front: (12.34), 12.34- and 5.00 CR; a debit, 5.00 DR, is positive."""
    if number.startswith("(") and number.endswith(")"):
        return f"-{number[1:-1].strip()}"
    if number[-2:].upper() in _BOOKED and number[:-2].strip()[-1:].isdigit():
        sign = "-" if number[-2:].upper() == "CR" else ""
        return sign + number[:-2].strip()
    if number.endswith(_MINUSES) and len(number) > 1:
        return f"-{number[:-1].strip()}"
    return f"-{number[1:].strip()}" if number.startswith(_MINUSES) else number


def _hint(number: str, style: NumberStyle) -> str:
    if "," in number and style.decimal == "." and style.thousands != ",":
        return ' (for decimal commas set `decimal: ","`, for commas between thousands `thousands: ","`)'
    if any(space in number for space in SPACES) and not style.thousands:
        return ' (for spaces between thousands set `thousands: " "`)'
    if any(sign in number for sign in _APOSTROPHES) and not style.thousands:
        return ' (for apostrophes between thousands set `thousands: "\'"`)'
    return ""


def _without_thousands(number: str, style: NumberStyle, allowed: NumberRange) -> str:
    whole, decimal, fraction = number.partition(style.decimal)
    first, *groups = whole.split(style.thousands)
    widths = [len(first.lstrip("+-")), *map(len, groups)]
    in_threes = widths[0] in (1, 2, 3) and set(widths[1:]) == {3}
    in_lakhs = style.thousands == "," and widths[0] in (1, 2) and widths[-1] == 3 and set(widths[1:-1]) == {2}
    if not (in_threes or in_lakhs) or not all(map(str.isdigit, groups)) or style.thousands in fraction:
        raise UnreadableValue(f"{allowed} with {style.thousands!r} between groups of three digits")
    return first + "".join(groups) + decimal + fraction


def _fraction(number: float | Decimal, allowed: NumberRange) -> float:
    result = float(number) + 0.0  # no negative zero
    if not math.isfinite(result) or not allowed.minimum <= result <= allowed.maximum:
        raise UnreadableValue(str(allowed))
    return result


def _whole(number: Decimal, allowed: NumberRange) -> int:
    result = int(number) if abs(number) < MAX_WHOLE else MAX_WHOLE
    if result != number or abs(result) >= MAX_WHOLE or not allowed.minimum <= result <= allowed.maximum:
        raise UnreadableValue(str(allowed))
    return result
