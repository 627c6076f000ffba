"""Reads a reference folder as records with store keys, for the memory store and for `fraud load`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from udfs.entities.buckets import BucketRow
from udfs.records.profiles import BlockEntry, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.records.salvage import BYTE_ORDER_MARK
from udfs.stores.encoding import require_valid_buckets
from udfs.stores.port import DEVICE, DOMAIN, HISTORY, IP, MERCHANT, USER, StoredRecord, StoreError
from udfs.values.local_time import is_timezone


class ReferenceFile(NamedTuple):
    """One file of the folder: the type of its rows, the prefix of their keys, and the field of the id.

    `prefix` is None for entity history, whose prefix depends on the kind, and for the block list, which has no store keys.
    """

    name: str
    kind: type[StoredRecord | BlockEntry]
    prefix: str | None
    id_field: str


HISTORY_FILE = ReferenceFile("entity_history.jsonl", BucketRow, None, "id")
BLOCK_LIST_FILE = ReferenceFile("block_list.jsonl", BlockEntry, None, "value")
USERS_FILE = ReferenceFile("users.jsonl", UserProfile, USER, "user_id")
REFERENCE_FILES = (
    USERS_FILE,
    ReferenceFile("merchants.jsonl", MerchantProfile, MERCHANT, "merchant_id"),
    ReferenceFile("devices.jsonl", DeviceProfile, DEVICE, "device_id"),
    ReferenceFile("ip_feed.jsonl", IpFeed, IP, "ip_address"),
    ReferenceFile("domain_feed.jsonl", DomainFeed, DOMAIN, "email_domain"),
    HISTORY_FILE,
    BLOCK_LIST_FILE,
)


_DECODERS = {file.kind: msgspec.json.Decoder(file.kind) for file in REFERENCE_FILES}


class Row(NamedTuple):
    """A row of `size_bytes`: a record with its key, an entry of the block list, or an error with file and line."""

    size_bytes: int
    key: str | None = None
    record: StoredRecord | None = None
    entry: BlockEntry | None = None
    error: str | None = None


def rows_of(directory: Path, file: ReferenceFile) -> Iterator[Row]:
    """Yield every row of one file; nothing if the folder does not have it. Raises OSError."""
    path = directory / file.name
    if not path.is_file():
        return
    decode = _DECODERS[file.kind].decode
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if number == 1:
                line = line.removeprefix(BYTE_ORDER_MARK)
            if not line.strip():
                continue
            try:
                record = decode(line)
                _check(record)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, StoreError) as error:
                yield Row(len(line), error=f"{path}, line {number}: {error}")
                continue
            if isinstance(record, BlockEntry):
                yield Row(len(line), entry=record)
            else:
                prefix = HISTORY[record.entity] if isinstance(record, BucketRow) else file.prefix or ""
                yield Row(len(line), prefix + getattr(record, file.id_field), record)


def _check(record: StoredRecord | BlockEntry) -> None:
    if isinstance(record, BucketRow):
        require_valid_buckets(record)
    elif isinstance(record, UserProfile) and record.timezone is not None and not is_timezone(record.timezone):
        raise StoreError(f"unknown timezone {record.timezone!r}; expected an IANA name like Europe/Berlin")
