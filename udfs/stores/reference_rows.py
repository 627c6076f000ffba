"""Reads a reference folder as records with store keys, for the memory store and for `fraud load`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from udfs.entities.buckets import BucketRow
from udfs.records.blank_texts import is_blank_text
from udfs.records.codec import MAX_TIMESTAMP_MS, BadRecord, identifier
from udfs.records.profiles import BlockEntry, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.records.salvage import BYTE_ORDER_MARK, without_nan
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


_DATES: Final[dict[type, tuple[str, ...]]] = {
    UserProfile: ("account_opened_at", "last_unblocked_at", "date_of_birth"),
    MerchantProfile: ("first_seen_at",),
    DeviceProfile: ("registered_at", "last_used_at"),
    DomainFeed: ("registered_at",),
    BlockEntry: ("expires_at",),
}
_SECONDS: Final = range(10**8, 4_102_444_800)  # of the years 1973 to 2099; as milliseconds, 1970-01-02 to 1970-02-17
_QUARTER_HOUR_MS: Final = 900_000
_DAY_SECONDS: Final = 86_400
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
                record = _with_plain_key(decode(without_nan(line)), file)
                _check(record)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, StoreError) as error:
                yield Row(len(line), error=f"{path}, line {number}: {error}")
                continue
            if isinstance(record, BlockEntry):
                yield Row(len(line), entry=record)
            else:
                prefix = HISTORY[record.entity] if isinstance(record, BucketRow) else file.prefix or ""
                yield Row(len(line), prefix + getattr(record, file.id_field), record)


def _with_plain_key(record: StoredRecord | BlockEntry, file: ReferenceFile) -> StoredRecord | BlockEntry:
    """The record with its key as events have it: without surrounding space, a domain in lower case. Raises StoreError for a
    key that no event can have, or that strangers would share."""
    if isinstance(record, BucketRow):
        return record  # written from events
    written: str = getattr(record, file.id_field)
    key = written.strip()
    if isinstance(record, DomainFeed):
        key = key.rpartition("@")[2].lower()
    if isinstance(record, IpFeed | DomainFeed) or (isinstance(record, BlockEntry) and record.type == "ip"):
        if is_blank_text(key):
            raise StoreError(f"{file.id_field}: {written!r} stands for a missing value")
    else:
        try:
            identifier(key, file.id_field)
        except BadRecord as error:
            raise StoreError(str(error)) from None
    return record if key == written else msgspec.structs.replace(record, **{file.id_field: key})


def _check(record: StoredRecord | BlockEntry) -> None:
    for name in _DATES.get(type(record), ()):
        _check_date(name, getattr(record, name), isinstance(record, BlockEntry))
    if isinstance(record, BucketRow):
        require_valid_buckets(record)
    elif isinstance(record, UserProfile) and record.timezone is not None and not is_timezone(record.timezone):
        raise StoreError(f"unknown timezone {record.timezone!r}; expected an IANA name like Europe/Berlin")


def _check_date(name: str, date_ms: int | None, is_recent: bool) -> None:
    """Raises StoreError for epoch seconds, which would be a day of early 1970, and for units smaller than milliseconds.

    A day of early 1970 is a multiple of a quarter of an hour in any time zone; epoch seconds are not, but by rare chance.
    A date that `is_recent` is none of these days. People were born then: their date must be a day in seconds, too.
    """
    if date_ms is None:
        return
    is_birth_in_ms = name == "date_of_birth" and date_ms % _DAY_SECONDS
    if date_ms in _SECONDS and not is_birth_in_ms and (is_recent or date_ms % _QUARTER_HOUR_MS):
        raise StoreError(f"{name}: {date_ms} looks like epoch seconds; write milliseconds, as {date_ms * 1_000}")
    if date_ms > MAX_TIMESTAMP_MS:
        raise StoreError(f"{name}: {date_ms} is after the year 9999; write epoch milliseconds")
