"""The in-memory store, loaded from reference files. Default of demo, tests and replays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from udfs.control.block_list import BlockList
from udfs.core._native import EntityHistory
from udfs.entities.buckets import FOR_EVER_MS, BucketRow, BucketSettings
from udfs.stores.encoding import require_record_type, require_valid_buckets
from udfs.stores.port import OnlineFeatures, Record, StoredRecord, StoreError, Unreadable
from udfs.stores.reference_rows import BLOCK_LIST_FILE, HISTORY_FILE, REFERENCE_FILES, ReferenceFile, Row, rows_of

FILES = tuple(file.name for file in REFERENCE_FILES)


def _never() -> int:
    return 0


class MemoryStore:
    """Implements Store, StoreWriter and OnlineFeatureStore over a dict.

    Without `clock_ms` nothing expires. Not thread-safe.
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
        histories = [record for record in records.values() if isinstance(record, EntityHistory)]
        self.complete_through_ms = max((history.complete_through_ms for history in histories), default=FOR_EVER_MS)
        self._buckets = buckets or BucketSettings()
        self._clock_ms = clock_ms
        self._expiries_ms: dict[str, int] = {}
        self._online: dict[str, tuple[int, OnlineFeatures]] = {}

    def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
        self._drop_expired()
        return [*map(self.records.get, keys)]

    def close(self) -> None:
        """Does nothing."""

    def put_many(self, records: Mapping[str, StoredRecord], ttl_ms: int | None) -> None:
        for key, record in records.items():
            require_record_type(key, record)
        for key, record in records.items():
            if isinstance(record, BucketRow):
                require_valid_buckets(record)
            self.records[key] = _to_record(record, self._buckets)
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

    def _drop_expired(self) -> None:
        now_ms = self._clock_ms()
        for key in [key for key, expiry_ms in self._expiries_ms.items() if expiry_ms <= now_ms]:
            del self._expiries_ms[key]
            self.records.pop(key, None)


def load_block_list(directory: Path | None) -> BlockList:
    """The block list of a reference folder, empty without one. Raises StoreError with file and line."""
    if directory is None:
        return BlockList()
    return BlockList(row.entry for row in _valid_rows(directory, BLOCK_LIST_FILE) if row.entry is not None)


class Reference(msgspec.Struct):
    """The content of a reference folder."""

    store: MemoryStore
    block_list: BlockList


def load_reference(directory: Path | None, buckets: BucketSettings, histories: Path | None = None) -> Reference:
    """Load the reference files of a folder (docs/bring-your-own-data.md); None gives an empty store.

    `histories` replaces the folder's entity_history.jsonl. Raises StoreError with file and line for content that cannot be
    read, and for a folder without any reference file.
    """
    if histories is not None and not histories.is_file():
        raise StoreError(f"{histories}: no such file of entities' history; make it with `fraud aggregate`")
    if directory is not None:
        _require_some_file(directory)
        histories = histories or directory / HISTORY_FILE.name
    records = {key: _to_record(record, buckets) for key, record in _records(directory, histories)}
    holds_histories = histories is not None and histories.is_file()
    return Reference(MemoryStore(records, holds_histories), load_block_list(directory))


def _require_some_file(directory: Path) -> None:
    if not directory.is_dir():
        raise StoreError(f"{directory}: no such folder of reference files")
    if not any((directory / name).is_file() for name in FILES):
        raise StoreError(f"{directory}: none of the reference files is there ({', '.join(FILES)})")


def _records(directory: Path | None, histories: Path | None) -> Iterator[tuple[str, StoredRecord]]:
    for file in REFERENCE_FILES:
        folder = directory
        if file is HISTORY_FILE and histories is not None:
            folder, file = histories.parent, file._replace(name=histories.name)
        if folder is None or file is BLOCK_LIST_FILE:
            continue
        for row in _valid_rows(folder, file):
            if row.key is not None and row.record is not None:
                yield row.key, row.record


def _to_record(record: StoredRecord, buckets: BucketSettings) -> Record:
    return EntityHistory(record, buckets) if isinstance(record, BucketRow) else record


def _valid_rows(directory: Path, file: ReferenceFile) -> Iterator[Row]:
    for row in rows_of(directory, file):
        if row.error is not None:
            raise StoreError(row.error)
        yield row
