"""Reads the embedded scorer's log, also while the scorer runs."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from console.answers.embedded_log import read_records
from console.store.errors import SourceChanged
from console.store.intake import BatchMaker, Kind, Place
from console.store.store import DecisionStore

RECORDS_A_BATCH = 4_000
KINDS: tuple[Kind, ...] = get_args(Kind)


def clock_ms() -> int:
    return time.time_ns() // 1_000_000


def source_of(path: Path) -> str:
    """A log's name among the store's sources."""
    return f"log:{path.resolve()}"


class LogIntake:
    """Goes on where the store has stopped. One thread at a time."""

    def __init__(self, store: DecisionStore, path: Path, now_ms: Callable[[], int] = clock_ms) -> None:
        self._store = store
        self._path = path
        self._now_ms = now_ms
        self._source = source_of(path)
        self._maker = BatchMaker()

    def step(self) -> int:
        """Read and write one batch; returns its number of records, 0 at the end of the log.

        Raises SourceChanged if the log is another one than the store has read, sqlite3.Error if it cannot be read, and
        StoreUnavailable.
        """
        if not self._path.exists():
            return 0
        after = self._store.position(self._source).get(0, 1) - 1
        records = read_records(self._path, after, RECORDS_A_BATCH)
        if not records:
            self._check(after)
            return 0
        now_ms = self._now_ms()
        for record in records:
            if record.topic in KINDS:
                self._maker.add(record.topic, record.value, Place(self._source, 0, record.number, now_ms))
        self._maker.go_to(self._source, 0, records[-1].number + 1)
        self._store.write(self._maker.take())
        return len(records)

    def run_to_end(self) -> int:
        """Read all that is there; returns the number of records. Raises as `step` does."""
        count = 0
        while done := self.step():
            count += done
        return count

    def _check(self, after: int) -> None:
        """Raises SourceChanged if the log has never had the records that the store has read."""
        database = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=30)
        try:
            row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
        except sqlite3.OperationalError:
            return  # the scorer is making its tables
        finally:
            database.close()
        if after > (0 if row is None else row[0]):
            raise SourceChanged(
                f"{self._path}: not the log that the store has read up to record {after}; name that log, or "
                "`fraud console store rebuild` from this one"
            )
