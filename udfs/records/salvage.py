"""What can be kept of a record that the decoder refuses: optional fields of another type are dropped, NaN is null.

Only for records that are not events as they are; the others never get here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from udfs.records.attribute_values import is_attribute_value
from udfs.records.droppable import CHANGES_THE_PAYMENT
from udfs.records.events import Event

Drop = Callable[[str, str], None]
"""Called with the name of a field whose value is dropped, and why."""

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
MAX_TEXT_LENGTH: Final = 256
EXACT_INTEGERS_BELOW: Final = 2**53
LARGEST: Final = 10**300  # of an attribute: within a double
MAX_SHOWN: Final = 64
_IDS: Final = frozenset(
    {"merchant_id", "merchant_category", "device_id", "session_id", "card_id", "beneficiary_id"}
)  # fmt: skip
_FLAGS: Final = frozenset({"otp_used", "success"})
_RANGES: Final = {
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
    **dict.fromkeys(("distance_from_home_km", "account_tenure_months", "txns_last_1h"), (0.0, math.inf)),
}
_STRING_OR_NAN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)|-?\b(?:NaN|Infinity)\b', re.DOTALL)  # linear in time
_UNREADABLE: Final = object()
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def without_nan(payload: bytes) -> bytes:
    """The payload with NaN, Infinity and -Infinity, which JSON lacks and many programs write, replaced by null."""
    if b"NaN" not in payload and b"Infinity" not in payload:
        return payload
    return _STRING_OR_NAN.sub(lambda found: found[0] if found[0].startswith(b'"') else b"null", payload)


def readable(payload: bytes, kind: type[Event], drop: Drop) -> bytes:
    """The record without nulls, and without values of optional fields that `kind` cannot take; those are told to `drop`.

    Required fields stay as they are. Raises msgspec.MsgspecError, UnicodeDecodeError or RecursionError for no JSON object.
    """
    written = _decode_object(payload)
    kept = {name: written[name] for name in ("type", *kind.__struct_fields__) if name in written}
    for field in msgspec.structs.fields(kind):
        name = field.name
        if field.required or name not in kept:
            continue
        value = _decoded(kept[name])
        found = (
            None if value is None else _attributes(kept[name], drop) if name == "attributes" else _value(name, value)
        )
        if found is _UNREADABLE and name in CHANGES_THE_PAYMENT:
            continue
        if found is _UNREADABLE:
            drop(name, f"{name}: {_shown(kept[name])} is not {_expected(name)}")
        if found is None or found is _UNREADABLE:
            del kept[name]
        else:
            kept[name] = msgspec.Raw(_encode(found))
    return _encode(kept)


def _decoded(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):  # 1e400, half a surrogate pair
        return _UNREADABLE


def _value(name: str, value: Any) -> Any:
    if name in _FLAGS:
        return bool(value) if isinstance(value, int | float) and value in (0, 1) else _UNREADABLE
    if name in _RANGES:
        low, high = _RANGES[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if is_number and low <= value <= high else _UNREADABLE
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT_LENGTH or name in _IDS else _UNREADABLE
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _UNREADABLE
    if isinstance(value, float):
        if not value.is_integer() or abs(value) >= EXACT_INTEGERS_BELOW:
            return _UNREADABLE
        value = int(value)
    return value if name in _IDS else str(value)


def _expected(name: str) -> str:
    if name in _FLAGS:
        return "true or false"
    if name in _RANGES:
        low, high = _RANGES[name]
        return f"a number from {low:g} up" if math.isinf(high) else f"a number from {low:g} to {high:g}"
    return "an id" if name in _IDS else f"a text of at most {MAX_TEXT_LENGTH} characters"


def _shown(raw: msgspec.Raw) -> str:
    text = bytes(raw)[:MAX_SHOWN].decode("utf-8", "replace")
    return text if len(bytes(raw)) <= MAX_SHOWN else f"{text}…"


def _attributes(raw: msgspec.Raw, drop: Drop) -> Any:
    try:
        values = _decode_object(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _UNREADABLE
    kept = {}
    for name, one in values.items():
        value = _decoded(one)
        is_number = isinstance(value, int | float)
        if is_attribute_value(value) and not (is_number and abs(value) > LARGEST):
            kept[name] = value
        else:
            drop("attributes", f"attributes: {name[:64]!r} is not a text, a number, true, false or null")
    return kept
