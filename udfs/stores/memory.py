"""The embedded store: reference files in memory. The default of the demo, of tests and of replays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from udfs.block_list import BlockList
from udfs.entity_buckets import FOR_EVER_MS, BucketRow, BucketSettings
from udfs.entity_history import EntityHistory
from udfs.local_time import is_timezone
from udfs.outputs import EnrichmentStatus
from udfs.profiles import BlockEntry, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.stores.counters import EnrichmentCounters
from udfs.stores.encoding import require_right_kind, require_sound_buckets
from udfs.stores.port import (
    DEVICE,
    DOMAIN,
    HISTORY,
    IP,
    MERCHANT,
    USER,
    OnlineFeatures,
    Record,
    StoredRecord,
    StoreError,
    Unreadable,
)

T = TypeVar("T")

HISTORY_FILE = "entity_history.jsonl"

FILES = (
    "users.jsonl", "merchants.jsonl", "devices.jsonl", "ip_feed.jsonl", "domain_feed.jsonl", "block_list.jsonl",
    HISTORY_FILE,
)  # fmt: skip


def _never() -> int:
    return 0


class MemoryStore:
    """A store over a dict; also its own enrichment, since memory is always fresh.

    The twin of the remote stores where nothing is to outlive the process. Without a clock nothing expires.
    """

    def __init__(
        self,
        records: dict[str, Record],
        holds_histories: bool = False,
        buckets: BucketSettings | None = None,
        clock_ms: Callable[[], int] = _never,
    ) -> None:
        self.records = records
        self.holds_histories = holds_histories
        self.counters = EnrichmentCounters()
        histories = [record for record in records.values() if isinstance(record, EntityHistory)]
        self.complete_through_ms = max((history.complete_through_ms for history in histories), default=FOR_EVER_MS)
        self._buckets = buckets or BucketSettings()
        self._clock_ms = clock_ms
        self._expiries_ms: dict[str, int] = {}
        self._online: dict[str, tuple[int, OnlineFeatures]] = {}

    def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
        self._forget_expired()
        return [*map(self.records.get, keys)]

    def lookup(self, keys: Sequence[str]) -> tuple[list[Record | None], EnrichmentStatus]:
        if self._expiries_ms:
            self._forget_expired()
        return [*map(self.records.get, keys)], "ok"

    def close(self) -> None:
        """Nothing to let go of."""

    def put_many(self, records: Mapping[str, StoredRecord], ttl_ms: int | None) -> None:
        for key, record in records.items():
            require_right_kind(key, record)
        for key, record in records.items():
            if isinstance(record, BucketRow):
                require_sound_buckets(record)
                self.records[key] = EntityHistory(record, self._buckets)
            else:
                self.records[key] = record
            self._expiries_ms.pop(key, None)
            if ttl_ms is not None:
                self._expiries_ms[key] = self._clock_ms() + ttl_ms

    def publish(self, features: Sequence[OnlineFeatures], ttl_ms: int) -> None:
        now_ms = self._clock_ms()
        for newest in features:
            known = self._online.get(newest.user_id)
            if known is None or known[0] <= now_ms or known[1].event_time_ms <= newest.event_time_ms:
                self._online[newest.user_id] = (now_ms + ttl_ms, newest)

    def online_features(self, user_id: str) -> OnlineFeatures | None:
        known = self._online.get(user_id)
        return None if known is None or known[0] <= self._clock_ms() else known[1]

    def _forget_expired(self) -> None:
        now_ms = self._clock_ms()
        for key in [key for key, expiry_ms in self._expiries_ms.items() if expiry_ms <= now_ms]:
            del self._expiries_ms[key]
            self.records.pop(key, None)


def load_block_list(directory: Path | None) -> BlockList:
    """The block list of a reference folder, empty if there is none. Raises StoreError with file and line."""
    if directory is None:
        return BlockList()
    return BlockList(entry for _, entry in _rows(directory / "block_list.jsonl", BlockEntry))


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
    return load_block_list(directory)


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
    try:
        require_sound_buckets(row)
    except StoreError as error:
        raise StoreError(f"{place}: {error}") from None
