"""Values of a bank's own attributes: texts or numbers, by what stands in the row.

A row is read alone, also in a stream, so each value tells its kind itself: a number, a flag (as 1 or 0), or a text that is
written as a number of at most 15 digits. With a zero in front (a postal code), a plus or an exponent it is a code, and so
a text. A column in which some values are texts is one of texts: the numbers in it count as what they were written as.
"""

from __future__ import annotations

import re
from decimal import Decimal

from ingest.errors import UnreadableValue
from ingest.readers.number import ANY_NUMBER, NumberStyle, exact_decimal, number_reader
from ingest.readers.text import Reader, plain_text
from udfs.attribute_values import MAX_TEXT_BYTES

MAX_DIGITS = 15  # so many a double holds exactly
ATTRIBUTE_TEXT = f"a text of at most {MAX_TEXT_BYTES} bytes of UTF-8 (of an attribute)"
_CODE = re.compile(r"[-+]?0[0-9]|\+|.*[eE]", re.ASCII | re.DOTALL)


def attribute_reader(kind: str | None, style: NumberStyle, scale: Decimal | None, prefix: str) -> Reader:
    """Reads values of one attribute as text or float: of one `kind` ("text" or "number"), or as each value tells
    (None). `scale` is for numbers, `prefix` for texts."""
    read_number = number_reader(ANY_NUMBER, style, scale)

    def number(value: object) -> object:
        return float(value) if isinstance(value, bool) else read_number(value)

    def text(value: object) -> str:
        found = (prefix + plain_text(value)).strip()
        try:
            size = len(found.encode())
        except UnicodeEncodeError:
            raise UnreadableValue("valid UTF-8") from None
        if size > MAX_TEXT_BYTES:
            raise UnreadableValue(ATTRIBUTE_TEXT)
        return found

    def either(value: object) -> object:
        return number(value) if isinstance(value, bool) or _is_number(value, style) else text(value)

    if kind is None:
        return either
    return number if kind == "number" else text


def _is_number(value: object, style: NumberStyle) -> bool:
    if isinstance(value, str) and _CODE.match(value.strip()):
        return False
    try:
        digits = exact_decimal(value, ANY_NUMBER, style).as_tuple()
    except UnreadableValue:
        return isinstance(value, float)  # infinity: no text either
    if isinstance(value, float):
        return True
    return len(digits.digits) + max(0, int(digits.exponent)) <= MAX_DIGITS
