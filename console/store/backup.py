"""Copies a SQLite store to a file while it is in use."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from console.store.engine import Database
from console.store.errors import BackupError

PAGES_A_STEP = 2_048
Progress = Callable[[int, int], None]


def no_progress(done: int, total: int) -> None:
    """Does nothing."""


def backup(database: Database, target: Path, progress: Progress = no_progress) -> int:
    """Copy the store as of one moment to a new file; returns its bytes. `progress` gets (pages done, pages).

    Raises BackupError if the file is there, for PostgreSQL, and if the copy cannot be written or is not whole.
    """
    if database.path is None:
        raise BackupError(
            "a PostgreSQL store is backed up by its own tools: pg_dump, or pg_basebackup with the WAL archive"
        )
    if target.exists():
        raise BackupError(f"{target}: is there already; name another file, or remove it")
    partial = target.with_name(target.name + ".partial")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        _copy(database.path, partial, progress)
        partial.replace(target)
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        raise BackupError(f"{target}: cannot be written ({error}); free space, or name another file") from error
    return target.stat().st_size


def _copy(source: Path, target: Path, progress: Progress) -> None:
    reading = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)
    writing = sqlite3.connect(target)
    try:
        reading.execute("BEGIN")  # all pages as of one moment: otherwise each write by others starts the copy over
        reading.execute("SELECT count(*) FROM positions").fetchone()
        reading.backup(writing, pages=PAGES_A_STEP, progress=lambda _, left, total: progress(total - left, total))
        reading.rollback()
        writing.execute("PRAGMA journal_mode = DELETE")
        (found,) = writing.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(f"the copy is not whole: {found}")
    finally:
        writing.close()
        reading.close()
