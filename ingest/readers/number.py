"""Numbers, exact as the source wrote them: 57.16 stays 57.16."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from ingest.errors import UnreadableValue
from ingest.readers.text import Reader

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?", re.ASCII)
MAX_NUMBER_LENGTH = 64
MAX_WHOLE = 2**63


@dataclass(frozen=True)
class NumberStyle:
    """How numbers are written as text: the decimal sign, the sign between thousands ("" for none), texts to drop."""

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
    """Reads numbers and texts of numbers as float (int for a whole range), multiplied exactly by `scale`."""
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
    """The number as it is written; of a float its shortest text. Raises UnreadableValue, for NaN and infinity too."""
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
    number = number.strip()
    if style.thousands and style.thousands in number:
        number = _without_thousands(number, style, allowed)
    if style.decimal != ".":
        if "." in number:
            raise UnreadableValue(f"{allowed} with {style.decimal!r} as its decimal sign")
        number = number.replace(style.decimal, ".", 1)
    if len(number) <= MAX_NUMBER_LENGTH and _NUMBER.fullmatch(number):
        return number
    hint = ' (for decimal commas set `decimal: ","`)' if "," in number and style.decimal == "." else ""
    raise UnreadableValue(f"{allowed}{hint}")


def _without_thousands(number: str, style: NumberStyle, allowed: NumberRange) -> str:
    whole, decimal, fraction = number.partition(style.decimal)
    first, *groups = whole.split(style.thousands)
    in_threes = all(len(group) == 3 and group.isdigit() for group in groups)
    if not in_threes or len(first.lstrip("+-")) not in (1, 2, 3) or style.thousands in fraction:
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
