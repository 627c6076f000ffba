"""The user's log in keyed state: one small msgpack array an event, in the order of arrival.

The first element of each array is its tag: kind and version of the layout at once. A new layout gets a new tag and
the old one stays in `LogEntry`, so that every state ever written can be read (tests/golden holds bytes of each).
"""

from __future__ import annotations

import msgspec


class TransactionEntry(msgspec.Struct, array_like=True, tag=1, frozen=True, gc=False):
    """What windows, habits and duplicates need to remember of one transaction.

    `remembered_ms` is the user's newest event time when this one was accepted: its id is known until 48 h after that.
    `minor` is the amount in minor units of the base currency.
    """

    sequence: int
    transaction_id: str
    timestamp_ms: int
    remembered_ms: int
    late: bool
    minor: int
    refund: bool
    declined: bool
    night: bool
    merchant_id: str | None
    category: str | None
    device_id: str | None
    country: str | None
    city: str | None
    ip_address: str | None
    beneficiary_id: str | None
    latitude: float | None
    longitude: float | None


class LoginEntry(msgspec.Struct, array_like=True, tag=2, frozen=True, gc=False):
    """One login attempt."""

    sequence: int
    event_id: str
    timestamp_ms: int
    remembered_ms: int
    success: bool | None
    device_id: str | None
    city: str | None


class AccountEntry(msgspec.Struct, array_like=True, tag=3, frozen=True, gc=False):
    """One change of the account's status."""

    sequence: int
    event_id: str
    timestamp_ms: int
    remembered_ms: int
    unblocked: bool


class LabelEntry(msgspec.Struct, array_like=True, tag=4, frozen=True, gc=False):
    """What one of the user's transactions turned out to be."""

    sequence: int
    transaction_id: str
    known_at_ms: int
    is_fraud: bool


class ZoneEntry(msgspec.Struct, array_like=True, tag=5, frozen=True, gc=False):
    """The timezone that the user's profile names from here on; None if it names none, or there is none."""

    sequence: int
    timezone: str | None


class FlagEntry(msgspec.Struct, array_like=True, tag=6, frozen=True, gc=False):
    """Compliance flags told for the first time on a day of event time (UTC, days since 1970-01-01)."""

    sequence: int
    day: int
    kinds: tuple[str, ...]


LogEntry = TransactionEntry | LoginEntry | AccountEntry | LabelEntry | ZoneEntry | FlagEntry
encode_entry = msgspec.msgpack.Encoder().encode
decode_entry = msgspec.msgpack.Decoder(LogEntry).decode
