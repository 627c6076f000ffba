"""The embedded store: reference files in memory. The default of the demo, of tests and of replays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from udfs.block_list import BlockList
from udfs.entity_buckets import FOR_EVER_MS, BucketRow, BucketSettings
from udfs.entity_history import EntityHistory
from udfs.outputs import EnrichmentStatus
from udfs.stores.counters import EnrichmentCounters
from udfs.stores.encoding import require_right_kind, require_sound_buckets
from udfs.stores.port import OnlineFeatures, Record, StoredRecord, StoreError, Unreadable
from udfs.stores.reference_rows import BLOCK_LIST_FILE, HISTORY_FILE, REFERENCE_FILES, ReferenceFile, Row, rows_of

FILES = tuple(file.name for file in REFERENCE_FILES)


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

    @property
    def reads_ahead(self) -> bool:
        return False

    def read_ahead(self, keys: Sequence[str]) -> None:
        """All is here."""

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
            self.records[key] = _as_read(record, self._buckets)
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
    return BlockList(row.entry for row in _sound_rows(directory, BLOCK_LIST_FILE) if row.entry is not None)


class Reference(msgspec.Struct):
    """A loaded reference folder."""

    store: MemoryStore
    block_list: BlockList


def load_reference(directory: Path | None, buckets: BucketSettings, histories: Path | None = None) -> Reference:
    """Load whichever reference files the folder holds (docs/bring-your-own-data.md); None gives an empty store.

    `histories` is read in place of the folder's entity_history.jsonl.
    Raises StoreError with file and line for what cannot be read, and for a folder without any of the files.
    """
    if histories is not None and not histories.is_file():
        raise StoreError(f"{histories}: no such file of entities' history; make it with `fraud aggregate`")
    if directory is not None:
        _require_some_file(directory)
        histories = histories or directory / HISTORY_FILE.name
    records = {key: _as_read(record, buckets) for key, record in _records(directory, histories)}
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
        for row in _sound_rows(folder, file):
            if row.key is not None and row.record is not None:
                yield row.key, row.record


def _as_read(record: StoredRecord, buckets: BucketSettings) -> Record:
    return EntityHistory(record, buckets) if isinstance(record, BucketRow) else record


def _sound_rows(directory: Path, file: ReferenceFile) -> Iterator[Row]:
    for row in rows_of(directory, file):
        if row.error is not None:
            raise StoreError(row.error)
        yield row
