"""Decoding and validation of events. Any invalid record raises BadRecord with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec

from udfs.records.attribute_values import readable_attributes
from udfs.records.blank_texts import is_blank_text
from udfs.records.codes import (
    ALLOWED_CODES,
    COUNTRY_FIELDS,
    UNREADABLE,
    allowed_code,
    count_unknown,
    known_code,
    known_country,
)
from udfs.records.events import EVENT_TYPES, AccountChange, Event, Label, Login, Transaction
from udfs.records.lost_digits import LOST_DIGITS, has_lost_digits
from udfs.records.salvage import BYTE_ORDER_MARK, Drop, readable, without_nan
from udfs.records.time_units import EARLIEST_EVENT_MS, FIRST_WRONG_UNIT_MS, calendar_form, early_time, larger_unit

MAX_IDENTIFIER_LENGTH = 64
MAX_TEXT_BYTES = 256
MAX_REASON_LENGTH = 300
MAX_AMOUNT_MAJOR = 1e12
MAX_TIMESTAMP_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class BadRecord(ValueError):
    """The record is not a valid event of the contract; the message is the reason of its dead letter."""


class _Probe(msgspec.Struct):
    type: str = "transaction"


_decode_transaction = msgspec.json.Decoder(Transaction).decode
_decode_probe = msgspec.json.Decoder(_Probe).decode
_decoders = {kind: msgspec.json.Decoder(kind).decode for kind in EVENT_TYPES.values()}

_OPTIONAL_IDS: Final = ("merchant_id", "merchant_category", "device_id", "session_id", "card_id", "beneficiary_id")
_OTHER_FIELDS: Final[dict[type[Event], tuple[tuple[str, ...], tuple[str, ...]]]] = {
    Login: (("device_id",), ("ip_address", "city")),
    AccountChange: ((), ("old_status", "new_status", "reason", "audit_user")),
    Label: (("merchant_id",), ("resolution_code",)),
}
"""Optional ids and texts of events that are no transactions."""
_TEXTS: Final = ("merchant_country", "ip_address", "city", "country", "email_domain")
FIRST_EVENT_MS: Final = EARLIEST_EVENT_MS
_PLAIN_TIMES: Final = range(10**12, 10**13)
"""The years 2001 to 2286: numbers that are nothing but epoch milliseconds."""


def decode_event(payload: bytes, unknown_codes: dict[str, int] | None = None) -> Event:
    """Decode one record as an event of the contract (docs/events.md).

    Unknown codes are kept, and counted in `unknown_codes` if given (udfs.records.codes.count_unknown). An optional field
    whose value cannot be read is dropped, and counted there as `<field>=(unreadable)`. Raises BadRecord with a reason that
    names the field, and no other exception for any bytes.
    """
    dropped: list[str] = []
    event = _decode(payload, unknown_codes, lambda field, reason: dropped.append(field))
    if unknown_codes is not None:
        for field in dropped:
            count_unknown(unknown_codes, field, UNREADABLE)
    return event


def decode_strictly(payload: bytes, unknown_codes: dict[str, int] | None = None) -> Event:
    """As `decode_event`, but a value that cannot be read makes the whole record a BadRecord, in optional fields too."""
    return _decode(payload, unknown_codes, _refuse)


def _refuse(field: str, reason: str) -> None:
    raise BadRecord(reason)


def _decode(payload: bytes, unknown_codes: dict[str, int] | None, drop: Drop) -> Event:
    payload = payload.removeprefix(BYTE_ORDER_MARK)
    try:
        event: Event = _decode_transaction(payload)
    except Exception:  # includes RecursionError and UnicodeDecodeError
        event = _decode_other(payload, drop)
    if not payload.isascii():
        _check_utf8(payload)
    if isinstance(event, Transaction):
        _normalize_transaction(event, unknown_codes, drop)
    else:
        _normalize_other(type(event), event, drop)
    return event


def _decode_other(payload: bytes, drop: Drop) -> Event:
    """Decode a record that is no transaction, or none as it is. Raises BadRecord."""
    if not payload:
        raise BadRecord("empty record") from None
    payload = without_nan(payload)
    kind = _kind_of(payload)
    try:
        event: Event = _decoders[kind](payload)
        return event
    except Exception as refused:
        if "`$.type`" in str(refused):  # the tag stands twice
            raise BadRecord(_reason(refused)) from None
    try:
        event = _decoders[kind](readable(payload, kind, drop))
        return event
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as refused:
        raise BadRecord(_reason(refused)) from None


def _kind_of(payload: bytes) -> type[Event]:
    """The kind of event by the record's tag. Raises BadRecord."""
    try:
        tag = _decode_probe(payload).type
    except Exception as error:
        raise BadRecord(_reason(error)) from None
    kind = EVENT_TYPES.get(tag)
    if kind is None:
        raise BadRecord(f"unknown event type {tag[:64]!r}: expected one of {', '.join(EVENT_TYPES)}")
    return kind


def _reason(error: Exception) -> str:
    return f"not an event: {_shortened(str(error))}" if isinstance(error, msgspec.ValidationError) else not_json(error)


def not_json(error: Exception) -> str:
    """The reason of a parse failure, from the error that msgspec.json.decode raised."""
    if isinstance(error, RecursionError):
        return "not JSON: nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: {error.reason} at byte {error.start} of a string"
    return f"not JSON: {_shortened(str(error))}"


def _shortened(words: str) -> str:
    """The text with its middle cut beyond MAX_REASON_LENGTH: reasons are sent in headers."""
    return words if len(words) <= MAX_REASON_LENGTH else f"{words[:150]} … {words[-100:]}"


def _check_utf8(payload: bytes) -> None:
    """Check the whole payload, as the decoder skips unknown fields without decoding them. Raises BadRecord."""
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        raise BadRecord(f"not UTF-8: {error.reason} at byte {error.start}") from None


def _normalize_transaction(event: Any, unknown_codes: dict[str, int] | None, drop: Drop) -> None:
    """Normalise a decoded Transaction in place: ids to text, timestamps to epoch milliseconds, codes, attributes."""
    event.transaction_id = identifier(event.transaction_id, "transaction_id")
    event.user_id = identifier(event.user_id, "user_id")
    if type(event.timestamp) is not int or event.timestamp not in _PLAIN_TIMES:
        event.timestamp = epoch_ms(event.timestamp, "timestamp")
    if event.amount > MAX_AMOUNT_MAJOR:
        raise BadRecord(f"amount: {event.amount!r} is above the limit of {MAX_AMOUNT_MAJOR:.0f}")
    for field in _OPTIONAL_IDS:
        if getattr(event, field) is not None:
            setattr(event, field, _optional_id(getattr(event, field), field, drop))
    if event.currency is not None:
        event.currency = _currency(event.currency)
    for field in _TEXTS:
        if getattr(event, field) is not None:
            setattr(event, field, _text(getattr(event, field), field, drop))
    for field in COUNTRY_FIELDS:
        if getattr(event, field) is not None:
            setattr(event, field, known_country(field, getattr(event, field), unknown_codes))
    if event.email_domain is not None:
        event.email_domain = email_domain(event.email_domain)
    for field in ("channel", "entry_mode"):
        text = getattr(event, field)
        if text is not None:
            text = _text(text, field, drop)
            setattr(event, field, None if text is None else known_code(field, text, unknown_codes))
    event.kind = _kind(event.kind)
    if event.auth_result is not None:
        event.auth_result = _auth_result(event.auth_result, unknown_codes, drop)
    if event.attributes is not None:
        event.attributes = readable_attributes(event.attributes, lambda reason: drop("attributes", reason))


def _optional_id(value: str | int, field: str, drop: Drop) -> str | None:
    if isinstance(value, str):
        value = value.strip()
        if is_blank_text(value):
            return None
    try:
        return identifier(value, field)
    except BadRecord as bad:
        drop(field, str(bad))
        return None


def _text(text: str, field: str, drop: Drop) -> str | None:
    """A text without surrounding space; None for one that stands for a missing value, and for one that is dropped."""
    plain = text.strip()
    if is_blank_text(plain, field in COUNTRY_FIELDS):
        return None
    if not plain.isascii():
        size = len(plain.encode())
        if size > MAX_TEXT_BYTES:
            drop(field, f"{field}: {size} bytes of UTF-8, at most {MAX_TEXT_BYTES} are allowed")
            return None
    return plain


def email_domain(text: str) -> str | None:
    """A domain in small letters; of a whole address what follows its last @. None where nothing does."""
    domain = text.rpartition("@")[2].strip().lower()
    return None if is_blank_text(domain) else domain


def _currency(text: str) -> str | None:
    """A currency is not dropped if it cannot be read: without it the amount would be in the base currency."""
    if is_blank_text(text):
        return None
    code = text.strip().upper()
    if not is_currency_code(code):
        raise BadRecord(f"currency: {text[:8]!r} is not an ISO 4217 code of three letters")
    return code


def _kind(text: str) -> str:
    """A kind is not dropped if it cannot be read: without it the transaction would be a purchase."""
    code = "purchase" if is_blank_text(text) else allowed_code("kind", text)
    if code is None:
        raise BadRecord(f"kind: {text[:64]!r} is not one of {', '.join(ALLOWED_CODES['kind'])}")
    return code


def _auth_result(text: str, unknown_codes: dict[str, int] | None, drop: Drop) -> str | None:
    if is_blank_text(text):
        return None
    code = allowed_code("auth_result", text)
    if code is None:
        drop("auth_result", f"auth_result: {text[:64]!r} is not one of {', '.join(ALLOWED_CODES['auth_result'])}")
    return code


def _normalize_other(kind: type[Event], event: Any, drop: Drop) -> None:
    event.event_id = identifier(event.event_id, "event_id")
    event.user_id = identifier(event.user_id, "user_id")
    event.timestamp = epoch_ms(event.timestamp, "timestamp")
    ids, texts = _OTHER_FIELDS.get(kind, ((), ()))
    if kind is Label:
        event.transaction_id = identifier(event.transaction_id, "transaction_id")
        event.known_at = epoch_ms(event.known_at, "known_at")
        if event.known_at < event.timestamp:
            raise BadRecord("known_at: a label cannot be known before its transaction's timestamp")
    for field in ids:
        if getattr(event, field) is not None:
            setattr(event, field, _optional_id(getattr(event, field), field, drop))
    for field in texts:
        if getattr(event, field) is not None:
            setattr(event, field, _text(getattr(event, field), field, drop))


def identifier(value: object, field: str) -> str:
    """An id as text: 1 to 64 printable ASCII characters without space; integers in decimal. Raises BadRecord.

    Texts that stand for a missing value (N/A, null, -) are no ids, nor are numbers that a spreadsheet has shortened
    (3.57303E+15): strangers would share them.
    """
    text = value if isinstance(value, str) else str(value)
    if len(text) <= MAX_IDENTIFIER_LENGTH and text.isascii() and text.isprintable() and text and " " not in text:
        if is_blank_text(text):
            raise BadRecord(f"{field}: {text!r} stands for a missing value")
        if has_lost_digits(text):
            raise BadRecord(f"{field}: {text!r} {LOST_DIGITS}")
        return text
    raise BadRecord(f"{field}: {text[:64]!r} is not an id of 1 to 64 printable ASCII characters without spaces")


def epoch_ms(value: int | datetime, field: str) -> int:
    """As `time_ms`, with the name of a field in the message."""
    try:
        return time_ms(value)
    except BadRecord as error:
        raise BadRecord(f"{field}: {error}") from None


def time_ms(value: int | datetime) -> int:
    """A time as epoch milliseconds UTC. Raises BadRecord outside the years 1970 to 9999, and for numbers in another unit.

    Fractions of a second are rounded to microseconds when decoded, then truncated to milliseconds. Epoch seconds of today
    are in January 1970 as milliseconds: times from ten seconds after 1970 began to 1973-03-03 are refused, in any form.
    Numbers that are calendar times (202401011200) are refused, too.
    """
    milliseconds = value if isinstance(value, int) else (value - _EPOCH) // _MILLISECOND
    if FIRST_WRONG_UNIT_MS <= milliseconds < FIRST_EVENT_MS:
        looks_like = early_time(milliseconds)
        raise BadRecord(f"{milliseconds} ms is before 1973-03-03; it looks like {looks_like}, not milliseconds")
    if 0 <= milliseconds <= MAX_TIMESTAMP_MS:
        form = calendar_form(milliseconds) if isinstance(value, int) and milliseconds not in _PLAIN_TIMES else None
        if form is not None:
            raise BadRecord(
                f"{milliseconds} looks like a calendar time ({form}): give epoch milliseconds, or ISO 8601 with an offset"
            )
        return milliseconds
    unit = larger_unit(milliseconds)
    hint = "" if unit is None else f"; it looks like epoch {unit}"
    raise BadRecord(f"{milliseconds} is not between the years 1970 and 9999 in epoch milliseconds{hint}")


@lru_cache(maxsize=1024)
def is_currency_code(text: str) -> bool:
    """Whether the text has the form of an ISO 4217 code: three capital letters."""
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()
