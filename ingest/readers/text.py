"""Texts, ids and codes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from ingest.errors import UnreadableValue
from ingest.identifier_encoding import encode_identifier
from udfs.codec import MAX_TEXT_BYTES, BadRecord, identifier
from udfs.codes import known_code

IDENTIFIER_EXPECTED = "an id of 1 to 64 printable ASCII characters without spaces"
ENCODE_HINT = "; `encode: true` takes any text"
TEXT_EXPECTED = f"a text of at most {MAX_TEXT_BYTES} bytes of UTF-8"
EXACT_INTEGERS_BELOW = 2**53
MAX_DIGITS = 64

Reader = Callable[[object], object]


def plain_text(value: object) -> str:
    """The text by which a value is looked up, joined or used as an id.

    Whole numbers lose their decimal point (a table with a gap stores the id 7 as 7.0); flags are true and false;
    dates and times are ISO 8601. Raises UnreadableValue for lists, objects and what else has no such text.
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value.bit_length() > MAX_DIGITS * 3:
            raise UnreadableValue(f"a number of at most {MAX_DIGITS} digits")
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < EXACT_INTEGERS_BELOW else repr(value)
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < MAX_DIGITS:
        return f"{value:f}" if value != value.to_integral_value() else f"{value.to_integral_value():f}"
    if isinstance(value, date | time):
        return value.isoformat()
    raise UnreadableValue("a text or a number")


def identifier_reader(prefix: str = "", encode: bool = False) -> Reader:
    """Reads ids of the contract; `prefix` is put in front of each.

    With `encode` any text is taken, white space around it included, and becomes an id of its own
    (`ingest.identifier_encoding`).
    """

    def read(value: object) -> str:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise UnreadableValue(IDENTIFIER_EXPECTED)
        if encode:
            return encode_identifier(prefix + (value if isinstance(value, str) else plain_text(value)))
        try:
            return identifier(prefix + plain_text(value), "")
        except BadRecord:
            with_prefix = f" (with the prefix {prefix!r})" if prefix else ""
            raise UnreadableValue(IDENTIFIER_EXPECTED + with_prefix + ENCODE_HINT) from None

    return read


def text_reader(prefix: str = "") -> Reader:
    """Reads texts, without surrounding white space; `prefix` is put in front of each."""

    def read(value: object) -> str:
        text = prefix + plain_text(value)
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            raise UnreadableValue("valid UTF-8") from None
        if size > MAX_TEXT_BYTES:
            raise UnreadableValue(TEXT_EXPECTED)
        return text

    return read


def code_reader(field: str, prefix: str = "") -> Reader:
    """Reads channels and entry modes: the codes of the contract in any usual spelling, others in small letters."""
    read_text = text_reader(prefix)

    def read(value: object) -> str | None:
        return known_code(field, str(read_text(value)))

    return read


def read_currency(value: object) -> str:
    """Reads an ISO 4217 code of three capital letters."""
    text = plain_text(value)
    if len(text) == 3 and text.isascii() and text.isalpha() and text.isupper():
        return text
    raise UnreadableValue("an ISO 4217 code of three capital letters (other codes: map them with `lookup`)")


def read_time_zone(value: object) -> str:
    """Reads the name of an IANA time zone, as `Europe/Berlin`."""
    text = plain_text(value)
    try:
        return ZoneInfo(text).key
    except (ValueError, KeyError, OSError):  # ZoneInfoNotFoundError is a KeyError
        raise UnreadableValue("an IANA time zone, as Europe/Berlin") from None


def choice_reader(choices: tuple[str, ...]) -> Reader:
    """Reads one of `choices`, in whatever case."""
    expected = f"one of {', '.join(choices)} (other codes: map them with `lookup`)"

    def read(value: object) -> str:
        text = plain_text(value).lower()
        if text in choices:
            return text
        raise UnreadableValue(expected)

    return read
