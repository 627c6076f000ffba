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


class Checkpoints:
    """Brings what was committed from the write-ahead log to the database until `stop`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="scorer-checkpoints", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        database = sqlite3.connect(self._path, timeout=WAIT_FOR_READERS_SECONDS)
        try:
            while not self._stopping.wait(CHECKPOINT_SECONDS):
                with suppress(sqlite3.OperationalError):  # of a full disk the writer hears, too
                    _, pages, _ = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    if pages > PAGES_BEFORE_RESTART:  # little is left to do while the writer waits
                        database.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        finally:
            database.close()
