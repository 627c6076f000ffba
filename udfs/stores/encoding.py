"""Records as bytes, the same in every remote store: MessagePack maps by field name.

Fields that a reader does not know are skipped and absent ones take their defaults, so that writers and readers may be
of different versions.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import msgspec

from udfs.entity_buckets import BROAD_KINDS, BucketRow, BucketSettings
from udfs.entity_history import EntityHistory
from udfs.packed_hours import LONGEST_HOURS
from udfs.stores.port import PREFIXES, UNREADABLE, Record, StoredRecord, StoreError, Unreadable, prefix_of

SUMS = ("transactions", "frauds", "amounts", "log_amounts", "log_amount_squares")
WHAT_CHANGES = {"users_1d": "users", "users_7d": "users", "reported": "reported frauds"}
CHANGES = tuple(WHAT_CHANGES)
LARGEST_SUM = 1 << 62
encode_record = msgspec.msgpack.Encoder().encode


class RecordDecoder:
    """From stored bytes to records, ready to be used."""

    def __init__(self, buckets: BucketSettings) -> None:
        self._buckets = buckets
        self._decoders = {
            prefix: msgspec.msgpack.Decoder(BucketRow if kind is EntityHistory else kind)
            for prefix, kind in PREFIXES.items()
        }

    def decode(self, key: str, value: bytes) -> Record | Unreadable:
        """The record of a key; UNREADABLE for bytes that are none."""
        try:
            record: Any = self._decoders[prefix_of(key)].decode(value)
            if isinstance(record, BucketRow):
                require_sound_buckets(record)
                return EntityHistory(record, self._buckets)
        except (msgspec.MsgspecError, StoreError, UnicodeDecodeError, RecursionError):
            return UNREADABLE
        return record  # type: ignore[no-any-return]


def require_right_kind(key: str, record: StoredRecord) -> None:
    """Raises StoreError for a record under a key whose prefix means another kind: nobody could read it."""
    kind = PREFIXES[prefix_of(key)]
    expected = BucketRow if kind is EntityHistory else kind
    if type(record) is not expected:
        raise StoreError(f"{key}: holds a {expected.__name__}, not a {type(record).__name__}")


def require_sound_buckets(row: BucketRow) -> None:
    """Raises StoreError for buckets that could not be read as of a moment."""
    _require_whole_columns(row)
    if any(later <= earlier for earlier, later in pairwise(row.hours)):
        raise StoreError(f"the hours of {row.id} must rise")
    if row.hours and row.hours[-1] - row.hours[0] > LONGEST_HOURS:
        raise StoreError(f"the hours of {row.id} span more than {LONGEST_HOURS:,}")
    for name in SUMS:
        column = getattr(row, name)
        if column and min(column) < 0:
            raise StoreError(f"{name} of {row.id} must not be negative")
        if name != "amounts" and sum(column) > LARGEST_SUM:
            raise StoreError(f"{name} of {row.id} are more than {LARGEST_SUM:,}")
    for name in CHANGES:
        column = getattr(row, name)
        if column and not 0 <= min(accumulate(column)) <= max(accumulate(column)) <= LARGEST_SUM:
            raise StoreError(f"more {WHAT_CHANGES[name]} of {row.id} leave than have come")


def _require_whole_columns(row: BucketRow) -> None:
    """Lists that a kind does not have, and those that an earlier version did not write, may be empty."""
    length = len(row.hours)
    names = ["transactions", "frauds"]
    if row.entity not in BROAD_KINDS or row.users_1d or row.users_7d:
        names += ["users_1d", "users_7d"]
    if row.amounts or row.reported:
        names += ["amounts", "reported"]
    if row.log_amounts or row.log_amount_squares:
        names += ["log_amounts", "log_amount_squares"]
    if any(len(getattr(row, name)) != length for name in names):
        raise StoreError(f"hours and {', '.join(names)} of {row.id} must be of one length")
