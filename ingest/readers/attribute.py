"""Reads values of attributes as text or number.

Rows are read one by one, also in a stream, so without a configured `type` each value determines its own: numbers, flags
(as 1 or 0) and texts that spell a number of at most 15 digits become float. Texts with a leading zero (postal codes), a
plus sign or an exponent are codes and stay text. An attribute that is text in some events and a number in others is
treated as text in training (`udfs.records.attributes`).
"""

from __future__ import annotations

import re
from decimal import Decimal

from ingest.errors import UnreadableValue
from ingest.readers.number import ANY_NUMBER, NumberStyle, exact_decimal, number_reader
from ingest.readers.text import UTF8_EXPECTED, Reader, plain_text
from udfs.records.attribute_values import MAX_TEXT_BYTES

MAX_DIGITS = 15  # exact in a double
ATTRIBUTE_TEXT = f"a text of at most {MAX_TEXT_BYTES} bytes of UTF-8 (of an attribute)"
_CODE = re.compile(r"[-+]?0[0-9]|\+|.*[eE]", re.ASCII | re.DOTALL)


def attribute_reader(kind: str | None, style: NumberStyle, scale: Decimal | None, prefix: str) -> Reader:
    """Returns a reader of one attribute's values as str or float.

    `kind` is "text", "number" or None to decide by each value. `scale` applies to numbers, `prefix` to texts.
    """
    read_number = number_reader(ANY_NUMBER, style, scale)

    def number(value: object) -> object:
        return float(value) if isinstance(value, bool) else read_number(value)

    def text(value: object) -> str:
        found = (prefix + plain_text(value)).strip()
        try:
            size = len(found.encode())
        except UnicodeEncodeError:
            raise UnreadableValue(UTF8_EXPECTED) from None
        if size > MAX_TEXT_BYTES:
            raise UnreadableValue(ATTRIBUTE_TEXT)
        return found

    def number_or_text(value: object) -> object:
        return number(value) if isinstance(value, bool) or _is_number(value, style) else text(value)

    if kind is None:
        return number_or_text
    return number if kind == "number" else text


def _is_number(value: object, style: NumberStyle) -> bool:
    if isinstance(value, str) and _CODE.match(value.strip()):
        return False
    try:
        digits = exact_decimal(value, ANY_NUMBER, style).as_tuple()
    except UnreadableValue:
        return isinstance(value, float)  # infinity: the number reader rejects it
    if isinstance(value, float):
        return True
    return len(digits.digits) + max(0, int(digits.exponent)) <= MAX_DIGITS
