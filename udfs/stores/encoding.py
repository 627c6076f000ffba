"""Records as bytes, the same in every remote store: MessagePack maps by field name.

Fields that a reader does not know are skipped and absent ones take their defaults, so that writers and readers may be
of different versions.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import msgspec

from udfs.entity_buckets import BucketRow, BucketSettings
from udfs.entity_history import EntityHistory
from udfs.packed_hours import LONGEST_HOURS
from udfs.stores.port import PREFIXES, UNREADABLE, Record, StoredRecord, StoreError, Unreadable, prefix_of

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
    columns = (row.hours, row.transactions, row.frauds, row.users_1d, row.users_7d)
    if len({len(column) for column in columns}) > 1:
        raise StoreError(f"hours, transactions, frauds, users_1d and users_7d of {row.id} must be of one length")
    if any(later <= earlier for earlier, later in pairwise(row.hours)):
        raise StoreError(f"the hours of {row.id} must rise")
    if row.hours and row.hours[-1] - row.hours[0] > LONGEST_HOURS:
        raise StoreError(f"the hours of {row.id} span more than {LONGEST_HOURS:,}")
    if any(count < 0 for count in (*row.transactions, *row.frauds)):
        raise StoreError(f"transactions and frauds of {row.id} must not be negative")
    if any(count < 0 for users in (row.users_1d, row.users_7d) for count in accumulate(users)):
        raise StoreError(f"more users of {row.id} leave than have come")
