"""Checkpoints of a SQLite database in WAL mode on a thread of their own: waiting for the disk would delay its writer."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

CHECKPOINT_SECONDS = 0.5
PAGES_BEFORE_RESTART = 8_000
"""From 32 MB on the write-ahead log is begun anew, for which the writer must wait a moment."""
PAGES_BEFORE_OWN_CHECKPOINT = 40_000
"""From here on the writer does it itself, should the thread not get to it."""
WAIT_FOR_READERS_SECONDS = 0.05
LAST_TRIES = 20
"""At the end: to empty the log in spite of readers."""


class Checkpoints:
    """Brings what was committed from the write-ahead log to the database until `stop`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stopping = Event()
        self._is_to_be_emptied = False
        self._thread = Thread(target=self._run, name="scorer-checkpoints", daemon=True)
        self._thread.start()

    def empty_soon(self) -> None:
        """Empty the write-ahead log, in which removed bytes may be, as soon as no reader needs it."""
        self._is_to_be_emptied = True

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        database = sqlite3.connect(self._path, timeout=WAIT_FOR_READERS_SECONDS)
        try:
            while not self._stopping.wait(CHECKPOINT_SECONDS):
                with suppress(sqlite3.OperationalError):  # of a full disk the writer hears, too
                    _, pages, _ = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    if self._is_to_be_emptied:
                        self._empty(database)
                    elif pages > PAGES_BEFORE_RESTART:  # little is left to do while the writer waits
                        database.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
            for _ in range(LAST_TRIES if self._is_to_be_emptied else 0):
                with suppress(sqlite3.OperationalError):
                    self._empty(database)
                if not self._is_to_be_emptied:
                    break
        finally:
            database.close()

    def _empty(self, database: sqlite3.Connection) -> None:
        is_busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._is_to_be_emptied = bool(is_busy)
