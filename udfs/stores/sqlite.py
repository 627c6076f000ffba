"""Store in a local SQLite file, for jobs without a store server; it can be read while the job writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from udfs.entities.buckets import FOR_EVER_MS, BucketSettings
from udfs.stores.encoding import RecordDecoder, encode_record
from udfs.stores.port import Record, StoredRecord, StoreUnavailable, Unreadable

WAIT_SECONDS = 10.0


class SqliteStore:
    """Records by key, as MessagePack. Several processes may use the file; TTLs are ignored.

    Calls block for at most WAIT_SECONDS on a locked file. The constructor raises StoreUnavailable if the file cannot be
    opened.
    """

    holds_histories = False  # unless its writers recorded their progress (completeness.CompletenessTracker)
    complete_through_ms = FOR_EVER_MS

    def __init__(self, path: Path, buckets: BucketSettings) -> None:
        self._path = path
        self._decoder = RecordDecoder(buckets)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"{path}: {error}") from None

    def put_many(self, records: Mapping[str, StoredRecord], ttl_ms: int | None) -> None:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany(
                    "INSERT OR REPLACE INTO records VALUES (?, ?)",
                    [(key, encode_record(record)) for key, record in records.items()],
                )
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}") from None

    def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
        marks = ", ".join("?" * len(keys))
        try:
            rows = self._database.execute(f"SELECT key, value FROM records WHERE key IN ({marks})", keys).fetchall()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}") from None
        found = {key: self._decoder.decode(key, value) for key, value in rows}
        return [found.get(key) for key in keys]

    def keys(self) -> list[str]:
        """All keys, sorted."""
        return [key for (key,) in self._database.execute("SELECT key FROM records ORDER BY key")]

    def close(self) -> None:
        self._database.close()
