"""The embedded store: reference files in memory. The default of the demo, of tests and of replays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TypeVar

import msgspec

from udfs.block_list import BlockList
from udfs.entity_buckets import FOR_EVER_MS, BucketRow, BucketSettings, EntityHistory
from udfs.local_time import is_timezone
from udfs.outputs import EnrichmentStatus
from udfs.profiles import BlockEntry, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.stores.port import DEVICE, DOMAIN, HISTORY, IP, MERCHANT, USER, Record, StoreError

T = TypeVar("T")

HISTORY_FILE = "entity_history.jsonl"

FILES = (
    "users.jsonl", "merchants.jsonl", "devices.jsonl", "ip_feed.jsonl", "domain_feed.jsonl", "block_list.jsonl",
    HISTORY_FILE,
)  # fmt: skip


class MemoryStore:
    """A store over a dict; also its own enrichment, since memory is always fresh."""

    def __init__(self, records: dict[str, Record], holds_histories: bool = False) -> None:
        self.records = records
        self.holds_histories = holds_histories
        histories = [record for record in records.values() if isinstance(record, EntityHistory)]
        self.complete_through_ms = max((history.complete_through_ms for history in histories), default=FOR_EVER_MS)

    def get_many(self, keys: Sequence[str]) -> list[Record | None]:
        return [*map(self.records.get, keys)]

    def lookup(self, keys: Sequence[str]) -> tuple[list[Record | None], EnrichmentStatus]:
        return [*map(self.records.get, keys)], "ok"


class Reference(msgspec.Struct):
    """A loaded reference folder."""

    store: MemoryStore
    block_list: BlockList


def load_reference(directory: Path | None, buckets: BucketSettings, histories: Path | None = None) -> Reference:
    """Load whichever reference files the folder holds (docs/bring-your-own-data.md); None gives an empty store.

    `histories` is read in place of the folder's entity_history.jsonl.
    Raises StoreError with file and line for what cannot be read, and for a folder without any of the files.
    """
    records: dict[str, Record] = {}
    block_list = BlockList()
    if histories is not None and not histories.is_file():
        raise StoreError(f"{histories}: no such file of entities' history; make it with `fraud aggregate`")
    if directory is not None:
        block_list = _load_folder(directory, records)
        histories = histories or directory / HISTORY_FILE
    if histories is not None:
        for place, row in _rows(histories, BucketRow):
            _check_buckets(row, place)
            records[HISTORY[row.entity] + row.id] = EntityHistory(row, buckets)
    holds_histories = histories is not None and histories.is_file()
    return Reference(MemoryStore(records, holds_histories), block_list)


def _load_folder(directory: Path, records: dict[str, Record]) -> BlockList:
    if not directory.is_dir():
        raise StoreError(f"{directory}: no such folder of reference files")
    if not any((directory / name).is_file() for name in FILES):
        raise StoreError(f"{directory}: none of the reference files is there ({', '.join(FILES)})")
    for place, user in _rows(directory / "users.jsonl", UserProfile):
        if user.timezone is not None and not is_timezone(user.timezone):
            raise StoreError(f"{place}: no timezone {user.timezone!r}; expected an IANA name like Europe/Berlin")
        records[USER + user.user_id] = user
    for _, merchant in _rows(directory / "merchants.jsonl", MerchantProfile):
        records[MERCHANT + merchant.merchant_id] = merchant
    for _, device in _rows(directory / "devices.jsonl", DeviceProfile):
        records[DEVICE + device.device_id] = device
    for _, address in _rows(directory / "ip_feed.jsonl", IpFeed):
        records[IP + address.ip_address] = address
    for _, domain in _rows(directory / "domain_feed.jsonl", DomainFeed):
        records[DOMAIN + domain.email_domain] = domain
    return BlockList(entry for _, entry in _rows(directory / "block_list.jsonl", BlockEntry))


def _rows(path: Path, kind: type[T]) -> Iterator[tuple[str, T]]:
    """Each line's place, for errors, and its record."""
    if not path.is_file():
        return
    decode = msgspec.json.Decoder(kind).decode
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.isspace():
                continue
            place = f"{path}, line {number}"
            try:
                yield place, decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise StoreError(f"{place}: {error}") from None


def _check_buckets(row: BucketRow, place: str) -> None:
    columns = (row.hours, row.transactions, row.frauds, row.users_1d, row.users_7d)
    if len({len(column) for column in columns}) > 1:
        raise StoreError(
            f"{place}: hours, transactions, frauds, users_1d and users_7d of {row.id} must be of one length"
        )
    if any(later <= earlier for earlier, later in pairwise(row.hours)):
        raise StoreError(f"{place}: the hours of {row.id} must rise")
    if any(count < 0 for count in (*row.transactions, *row.frauds)):
        raise StoreError(f"{place}: transactions and frauds of {row.id} must not be negative")
    if any(count < 0 for users in (row.users_1d, row.users_7d) for count in accumulate(users)):
        raise StoreError(f"{place}: more users of {row.id} leave than have come")
