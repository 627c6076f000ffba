"""Encoding of records, the same in every remote store: MessagePack maps by field name.

Readers skip unknown fields and use defaults for missing ones, so writers and readers may have different versions.
"""

from __future__ import annotations

from typing import Any

import msgspec

from udfs.core._native import EntityHistory
from udfs.entities.buckets import BucketRow, BucketSettings
from udfs.stores.port import PREFIXES, UNREADABLE, Record, StoredRecord, StoreError, Unreadable, prefix_of

encode_record = msgspec.msgpack.Encoder().encode
_DECODERS = {
    prefix: msgspec.msgpack.Decoder(BucketRow if kind is EntityHistory else kind) for prefix, kind in PREFIXES.items()
}


class RecordDecoder:
    """Decodes and validates stored records."""

    def __init__(self, buckets: BucketSettings) -> None:
        self._buckets = buckets

    def decode(self, key: str, value: bytes) -> Record | Unreadable:
        """The record of a key; UNREADABLE for bytes that are not a valid record."""
        try:
            record: Any = _DECODERS[prefix_of(key)].decode(value)
            if isinstance(record, BucketRow):
                return EntityHistory(record, self._buckets)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return UNREADABLE
        return record  # type: ignore[no-any-return]


def require_record_type(key: str, record: StoredRecord) -> None:
    """Raise StoreError unless the record has the type that the key's prefix stands for."""
    kind = PREFIXES[prefix_of(key)]
    expected = BucketRow if kind is EntityHistory else kind
    if type(record) is not expected:
        raise StoreError(f"{key}: expected a {expected.__name__}, not a {type(record).__name__}")


def require_valid_buckets(row: BucketRow) -> None:
    """Raise StoreError for buckets that an EntityHistory cannot read."""
    try:
        EntityHistory(row, BucketSettings())
    except ValueError as error:
        raise StoreError(str(error)) from None
