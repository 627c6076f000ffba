"""From the caller's mapping to the bytes that are sent: the same bytes in every attempt of a call."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec

from client.errors import EventRefused

_OTHER_EVENTS = ("login", "account_change", "label")
_ID = re.compile("[!-~]{1,64}")


def transaction_payload(transaction: Mapping[str, Any]) -> bytes:
    """JSON of a transaction. A missing `transaction_id` is made, a missing `timestamp` is now. Raises EventRefused."""
    if transaction.get("type") in _OTHER_EVENTS:
        raise EventRefused(f"type: {transaction['type']} is not a transaction; send it by send_event")
    return _encoded(transaction, {"transaction_id": _new_id, "timestamp": _now_ms})


def event_payload(event: Mapping[str, Any]) -> bytes:
    """JSON of a login, account change or label. A missing `event_id` is made; a missing `timestamp` is now.

    Of a label it is `known_at` that is now: its `timestamp` is the transaction's. Raises EventRefused.
    """
    if event.get("type") in (None, "transaction"):
        raise EventRefused("type: give login, account_change or label; send a transaction by predict")
    time_field = "known_at" if event["type"] == "label" else "timestamp"
    return _encoded(event, {"event_id": _new_id, time_field: _now_ms})


def user_of(user_id: object) -> str:
    """The id of a user as it is sent; whole numbers become their decimal text. Raises EventRefused for what is no id."""
    text = str(user_id) if isinstance(user_id, str | int) and not isinstance(user_id, bool) else ""
    if not _ID.fullmatch(text):
        raise EventRefused("user_id: give 1 to 64 printable characters without blanks")
    return text


def _encoded(event: Mapping[str, Any], made: Mapping[str, Any]) -> bytes:
    missing = {field: make() for field, make in made.items() if event.get(field) is None}
    try:
        return _encode({**event, **missing})
    except (TypeError, ValueError, RecursionError) as error:
        raise EventRefused(f"not an event: {error}; give texts, numbers, booleans, dates and nothing else") from None


def _new_id() -> str:
    return uuid4().hex


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _plain(value: Any) -> Any:
    """A scalar of numpy as Python's. Raises TypeError for what is no value of an event."""
    item = getattr(value, "item", None)
    if item is None:
        raise TypeError(f"a value of type {type(value).__name__} has no form in JSON")
    return item()


_encode = msgspec.json.Encoder(decimal_format="number", enc_hook=_plain).encode
