"""Reads texts and ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from ingest.errors import UnreadableValue
from ingest.identifier_encoding import encode_identifier
from ingest.readers.lost_digits import has_exponent, whole_number
from ingest.readers.rounded_number import RoundedNumber
from udfs.records.codec import MAX_TEXT_BYTES, BadRecord, identifier

IDENTIFIER_EXPECTED = "an id of 1 to 64 printable ASCII characters without spaces"
ENCODE_HINT = "; `encode: true` takes any text"
TEXT_EXPECTED = f"a text of at most {MAX_TEXT_BYTES} bytes of UTF-8"
UTF8_EXPECTED = "valid UTF-8 (another encoding? set `csv: {encoding: cp1252}`, or latin-1)"
LOST_DIGITS = (
    "an id with all its digits: written as a floating-point number it has lost the last ones and would join strangers; "
    "export the column as text"
)
EXACT_INTEGERS_BELOW = 2**53
MAX_DIGITS = 64
MAX_NOTE = 100_000
_WHOLE_WITH_POINT = re.compile(r"-?[0-9]+\.0+", re.ASCII)

Reader = Callable[[object], object]


def plain_text(value: object) -> str:
    """The text form of a value for lookups, joins and ids.

    Whole numbers lose their decimal point (a column with missing values stores the id 7 as 7.0); flags become true and
    false, dates and times ISO 8601, and a spreadsheet's ="007" is 007. Raises UnreadableValue for lists, objects and other
    types, for whole doubles from 2**53 on, of which the last digits are lost, and for a RoundedNumber.
    """
    if isinstance(value, str):
        text = value.strip()
        return text[2:-1] if text.startswith('="') and text.endswith('"') and len(text) > 2 else text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value.bit_length() > MAX_DIGITS * 3:
            raise UnreadableValue(f"a number of at most {MAX_DIGITS} digits")
        return str(value)
    if isinstance(value, float):
        if (value.is_integer() and abs(value) >= EXACT_INTEGERS_BELOW) or isinstance(value, RoundedNumber):
            raise UnreadableValue(LOST_DIGITS)
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < MAX_DIGITS:
        return f"{value:f}" if value != value.to_integral_value() else f"{value.to_integral_value():f}"
    if isinstance(value, date | time):
        return value.isoformat()
    raise UnreadableValue("a text or a number")


def without_point(text: str) -> str:
    """A whole number's text without its zeros after the point: 123.0 and 123 are the same number in a CSV file too.

    Raises UnreadableValue from 2**53 on: the number was a double.
    """
    if not _WHOLE_WITH_POINT.fullmatch(text):
        return text
    whole = text.partition(".")[0]
    return _exact(whole) if whole != text else text


def number_or_text(value: object) -> object:
    """A text that is a whole number with zeros after its point without these; other values unchanged."""
    return without_point(value.strip()) if isinstance(value, str) else value


def _exact(whole: str) -> str:
    """A whole number that was a double; raises UnreadableValue from 2**53 on."""
    if len(whole) >= 16 and abs(int(whole)) >= EXACT_INTEGERS_BELOW:
        raise UnreadableValue(LOST_DIGITS)
    return whole


def _identifier_text(value: object) -> str:
    """The text of an id, the same for all spellings of a number. Raises UnreadableValue for one that has lost digits."""
    text = plain_text(value)
    if not has_exponent(text):
        return without_point(text)
    whole = whole_number(text)
    if whole is None:
        raise UnreadableValue(LOST_DIGITS)
    return _exact(whole)


def identifier_reader(prefix: str = "", encode: bool = False) -> Reader:
    """Returns a reader of ids (docs/events.md) that prepends `prefix`.

    With `encode` any text of UTF-8 is accepted, surrounding white space included, and encoded to a unique id
    (`ingest.identifier_encoding`). Numbers as spreadsheets write long ids, 3.57303E+15, are refused: their last digits are
    lost, so that strangers would share an id.
    """

    def read(value: object) -> str:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise UnreadableValue(IDENTIFIER_EXPECTED)
        text = _identifier_text(value)
        if encode:
            written = value if isinstance(value, str) and value.strip() == text else text
            return encode_identifier(_checked_utf8(prefix + written))
        try:
            return identifier(prefix + text, "")
        except BadRecord:
            with_prefix = f" (with the prefix {prefix!r})" if prefix else ""
            raise UnreadableValue(IDENTIFIER_EXPECTED + with_prefix + ENCODE_HINT) from None

    return read


def _checked_utf8(text: str) -> str:
    """The text; raises UnreadableValue for one with bytes that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnreadableValue(UTF8_EXPECTED) from None
    return text


def text_reader(prefix: str = "") -> Reader:
    """Returns a reader of texts that strips white space and prepends `prefix`."""

    def read(value: object) -> str:
        text = prefix + plain_text(value)
        if len(_checked_utf8(text).encode()) > MAX_TEXT_BYTES:
            raise UnreadableValue(TEXT_EXPECTED)
        return text

    return read


def read_note(value: object) -> str:
    """Reads a text of up to MAX_NOTE characters, such as an analyst's notes."""
    text = plain_text(value)
    if len(text) > MAX_NOTE or text.encode("utf-8", "replace").decode() != text:
        raise UnreadableValue(f"a text of at most {MAX_NOTE:,} characters of UTF-8")
    return text


def read_time_zone(value: object) -> str:
    """Reads the name of an IANA time zone, as `Europe/Berlin`."""
    text = plain_text(value)
    try:
        return ZoneInfo(text).key
    except (ValueError, KeyError, OSError):  # ZoneInfoNotFoundError is a KeyError
        raise UnreadableValue("an IANA time zone, as Europe/Berlin") from None
