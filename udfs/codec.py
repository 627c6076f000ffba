"""Bytes to events, and outputs to bytes. Whatever is wrong with a record ends in one BadRecord with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from udfs.attribute_values import BadAttribute, checked_attributes, is_attribute_value
from udfs.codes import ALLOWED_CODES, KNOWN_CODES, allowed_code, known_code
from udfs.events import EVENT_TYPES, AccountChange, Event, Login, Transaction

MAX_IDENTIFIER_LENGTH = 64
MAX_TEXT_BYTES = 256
MAX_REASON_LENGTH = 300
MAX_AMOUNT_MAJOR = 1e12
MAX_TIMESTAMP_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class BadRecord(ValueError):
    """The record is not an event of the contract; the message is the dead letter's reason."""


class _Probe(msgspec.Struct):
    type: str = "transaction"


_decode_transaction = msgspec.json.Decoder(Transaction).decode
_decode_probe = msgspec.json.Decoder(_Probe).decode
_decoders = {name: msgspec.json.Decoder(kind).decode for name, kind in EVENT_TYPES.items()}

_KINDS, _RESULTS = ALLOWED_CODES["kind"], ALLOWED_CODES["auth_result"]
_CHANNELS, _ENTRY_MODES = KNOWN_CODES["channel"], KNOWN_CODES["entry_mode"]
_TRANSACTION_TEXTS = (
    "currency", "merchant_country", "channel", "entry_mode", "ip_address", "city", "country", "email_domain",
)  # fmt: skip


def decode_event(payload: bytes, unknown_codes: dict[str, int] | None = None) -> Event:
    """Decode one record by the contract of the events (docs/events.md).

    Channels and entry modes that the contract does not know are kept, and counted in `unknown_codes` where it is given
    (udfs.codes.count_unknown). Raises BadRecord with a reason that names the field; never any other exception, whatever
    the bytes.
    """
    try:
        event: Event = _decode_transaction(payload)
    except Exception as error:  # RecursionError and UnicodeDecodeError are no msgspec errors
        event = _decode_other(payload, error)
    if not payload.isascii():
        _check_utf8(payload)
    if isinstance(event, Transaction):
        _normalize_transaction(event, payload, unknown_codes)
    else:
        _normalize_other(type(event), event)
    return event


def _decode_other(payload: bytes, error: Exception) -> Event:
    """The record is not a transaction: decode it by its tag, or say why it is no event at all."""
    if not payload:
        raise BadRecord("empty record") from None
    try:
        tag = _decode_probe(payload).type
        decode = _decoders.get(tag)
        if decode is not None and tag != "transaction":
            other: Event = decode(payload)
            return other
    except Exception as other_error:
        raise BadRecord(_reason(other_error, payload)) from None
    if decode is None:
        raise BadRecord(f"unknown event type {tag[:64]!r}: expected one of {', '.join(EVENT_TYPES)}")
    raise BadRecord(_reason(error, payload))


def _reason(error: Exception, payload: bytes) -> str:
    if isinstance(error, msgspec.ValidationError):
        words = str(error)
        if "`$.attributes[" in words:
            return _bad_attribute(payload) or f"not an event: {_shortened(words)}"
        return f"not an event: {_shortened(words)}"
    if isinstance(error, RecursionError):
        return "not JSON: nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: {error.reason} at byte {error.start} of a string"
    return f"not JSON: {_shortened(str(error))}"


def _bad_attribute(payload: bytes) -> str | None:
    """Which of the attributes is no text, number, true, false or null: the decoder does not tell its name."""
    try:
        attributes = msgspec.json.decode(payload)["attributes"].items()
    except Exception:  # more is wrong with it
        return None
    for name, value in attributes:
        if not is_attribute_value(value):
            return f"attributes: {name[:64]!r} is not a text, a number, true, false or null"
    return None


def _shortened(words: str) -> str:
    """Without most of a value that is quoted: reasons travel in headers."""
    return words if len(words) <= MAX_REASON_LENGTH else f"{words[:150]} … {words[-100:]}"


def _check_utf8(payload: bytes) -> None:
    """Fields that are no part of an event were skipped, not decoded."""
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        raise BadRecord(f"not UTF-8: {error.reason} at byte {error.start}") from None


def _normalize_transaction(event: Any, payload: bytes, unknown_codes: dict[str, int] | None) -> None:
    """`event` is a Transaction as it was decoded: its ids may be numbers, its timestamp a date."""
    event.transaction_id = identifier(event.transaction_id, "transaction_id")
    event.user_id = identifier(event.user_id, "user_id")
    if type(event.timestamp) is not int or not 0 <= event.timestamp <= MAX_TIMESTAMP_MS:
        event.timestamp = epoch_ms(event.timestamp, "timestamp")
    if event.amount > MAX_AMOUNT_MAJOR:
        raise BadRecord(f"amount: {event.amount!r} is above the limit of {MAX_AMOUNT_MAJOR:.0f}")
    if event.merchant_id is not None:
        event.merchant_id = identifier(event.merchant_id, "merchant_id")
    if event.merchant_category is not None:
        event.merchant_category = identifier(event.merchant_category, "merchant_category")
    if event.device_id is not None:
        event.device_id = identifier(event.device_id, "device_id")
    if event.session_id is not None:
        event.session_id = identifier(event.session_id, "session_id")
    if event.card_id is not None:
        event.card_id = identifier(event.card_id, "card_id")
    if event.beneficiary_id is not None:
        event.beneficiary_id = identifier(event.beneficiary_id, "beneficiary_id")
    currency = event.currency
    if currency is not None and not is_currency_code(currency):
        raise BadRecord(f"currency: {currency[:8]!r} is not an ISO 4217 code of three capital letters")
    if not payload.isascii() or b"\\u" in payload:
        _check_texts(event, _TRANSACTION_TEXTS)
    kind = _KINDS.get(event.kind)
    event.kind = kind if kind is not None else _allowed("kind", event.kind)
    if event.auth_result is not None:
        result = _RESULTS.get(event.auth_result)
        event.auth_result = result if result is not None else _allowed("auth_result", event.auth_result)
    if event.channel is not None:
        channel = _CHANNELS.get(event.channel)
        event.channel = channel if channel is not None else known_code("channel", event.channel, unknown_codes)
    if event.entry_mode is not None:
        mode = _ENTRY_MODES.get(event.entry_mode)
        event.entry_mode = mode if mode is not None else known_code("entry_mode", event.entry_mode, unknown_codes)
    if event.attributes is not None:
        try:
            event.attributes = checked_attributes(event.attributes)
        except BadAttribute as bad:
            raise BadRecord(str(bad)) from None


def _allowed(field: str, text: str) -> str:
    code = allowed_code(field, text)
    if code is None:
        raise BadRecord(f"{field}: {text[:64]!r} is not one of {', '.join(ALLOWED_CODES[field].values())}")
    return code


def _normalize_other(kind: type[Event], event: Any) -> None:
    event.event_id = identifier(event.event_id, "event_id")
    event.user_id = identifier(event.user_id, "user_id")
    event.timestamp = epoch_ms(event.timestamp, "timestamp")
    if kind is Login:
        if event.device_id is not None:
            event.device_id = identifier(event.device_id, "device_id")
        _check_texts(event, ("ip_address", "city"))
    elif kind is AccountChange:
        _check_texts(event, ("old_status", "new_status", "reason", "audit_user"))
    else:
        event.transaction_id = identifier(event.transaction_id, "transaction_id")
        event.known_at = epoch_ms(event.known_at, "known_at")
        if event.known_at < event.timestamp:
            raise BadRecord("known_at: a label cannot be known before its transaction's timestamp")
        if event.merchant_id is not None:
            event.merchant_id = identifier(event.merchant_id, "merchant_id")
        _check_texts(event, ("resolution_code",))


def identifier(value: object, field: str) -> str:
    """An id as text: 1 to 64 printable ASCII characters without a space; an integer becomes its decimal text."""
    text = value if isinstance(value, str) else str(value)
    if len(text) <= MAX_IDENTIFIER_LENGTH and text.isascii():
        if text.isalnum():  # nearly all ids: one look decides
            return text
        if text and text.isprintable() and " " not in text:
            return text
    raise BadRecord(f"{field}: {text[:64]!r} is not an id of 1 to 64 printable ASCII characters without spaces")


def epoch_ms(value: int | datetime, field: str) -> int:
    """A moment as epoch milliseconds UTC; refuses what lies outside the years 1970 to 9999.

    A text's fraction of a second is rounded to microseconds, then down to milliseconds.
    """
    milliseconds = value if isinstance(value, int) else (value - _EPOCH) // _MILLISECOND
    if 0 <= milliseconds <= MAX_TIMESTAMP_MS:
        return milliseconds
    raise BadRecord(f"{field}: {milliseconds} is not between the years 1970 and 9999 in epoch milliseconds")


@lru_cache(maxsize=1024)
def is_currency_code(text: str) -> bool:
    """Has a text the form of an ISO 4217 code: three capital letters?"""
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()


def _check_texts(event: Event, fields: tuple[str, ...]) -> None:
    for field in fields:
        value = getattr(event, field)
        if value is not None and len(value.encode()) > MAX_TEXT_BYTES:
            raise BadRecord(f"{field}: {len(value.encode())} bytes of UTF-8, at most {MAX_TEXT_BYTES} are allowed")
