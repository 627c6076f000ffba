"""The embedded scorer's database: users' states, and all records that were answered, in one SQLite file.

A batch is one transaction: states and outputs of all its records are there after it, or none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import Literal, NamedTuple

from console.answers.checkpoints import PAGES_BEFORE_OWN_CHECKPOINT, Checkpoints
from console.answers.process_lock import Held, ProcessLock

Durability = Literal["process", "machine"]
_SYNCHRONOUS: dict[Durability, str] = {"process": "NORMAL", "machine": "FULL"}
LAYOUT = 1
_TABLES = """
CREATE TABLE snapshots (user_id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (number INTEGER PRIMARY KEY, user_id TEXT NOT NULL, data BLOB NOT NULL);
CREATE INDEX entries_of_user ON entries (user_id, number);
CREATE TABLE records (
    number INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, user_id TEXT NOT NULL, value BLOB NOT NULL,
    recorded_ms INTEGER NOT NULL
);
CREATE TABLE answered (
    user_id TEXT NOT NULL, transaction_id TEXT NOT NULL, fingerprint BLOB NOT NULL, decision INTEGER NOT NULL,
    PRIMARY KEY (user_id, transaction_id)
) WITHOUT ROWID;
CREATE INDEX answered_by_decision ON answered (decision);
"""


class EmbeddedLogError(Exception):
    """The database cannot be opened; the message says what to do."""


class Answered(NamedTuple):
    """What is kept of an answered transaction: the fingerprint of its event, and the decision's JSON."""

    fingerprint: bytes
    decision: bytes


class Logged(NamedTuple):
    """A record of the log. Numbers rise, with gaps after records were removed."""

    number: int
    topic: str
    user_id: str
    value: bytes
    recorded_ms: int


class EmbeddedLog:
    """User log of many users (udfs.state.user_log), records and answers. Used by one thread, by one process at a time.

    Writes take effect with `commit`, and are undone by `roll_back`.
    """

    def __init__(self, path: Path, durability: Durability = "process") -> None:
        """`durability`: what committed writes survive: the end of the process, or also of the machine.

        Raises EmbeddedLogError if another process has it open, or a later version has written it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        try:
            self._lock = ProcessLock(path.with_name(path.name + ".lock"))
        except Held as held:
            raise EmbeddedLogError(
                f"{path}: in use by process {held}; stop it, or name another file. One process at a time may score with it"
            ) from None
        try:
            self._database = _opened(path, durability)
        except sqlite3.DatabaseError as error:
            self._lock.release()
            raise EmbeddedLogError(
                f"{path}: not a database of the embedded scorer ({error}); name another file"
            ) from None
        except EmbeddedLogError:
            self._lock.release()
            raise
        self._checkpoints = Checkpoints(path)
        self.key = ""

    def set_current_key(self, user_id: str) -> None:
        """The user log's methods are about this user from now on."""
        self.key = user_id

    def position(self) -> str:
        return self.key

    def go_to(self, position: str) -> None:
        self.key = position

    def snapshot(self) -> bytes | None:
        row = self._database.execute("SELECT data FROM snapshots WHERE user_id = ?", (self.key,)).fetchone()
        return None if row is None else row[0]

    def entries(self) -> Iterable[bytes]:
        rows = self._database.execute("SELECT data FROM entries WHERE user_id = ? ORDER BY number", (self.key,))
        return [data for (data,) in rows]

    def append(self, entry: bytes) -> None:
        self._database.execute("INSERT INTO entries (user_id, data) VALUES (?, ?)", (self.key, entry))

    def save_snapshot(self, data: bytes) -> None:
        self._database.execute("INSERT OR REPLACE INTO snapshots (user_id, data) VALUES (?, ?)", (self.key, data))

    def replace(self, entries: list[bytes]) -> None:
        self._database.execute("DELETE FROM entries WHERE user_id = ?", (self.key,))
        rows = [(self.key, entry) for entry in entries]
        self._database.executemany("INSERT INTO entries (user_id, data) VALUES (?, ?)", rows)

    def answered(self, user_id: str, transaction_id: str) -> Answered | None:
        """What was answered to a transaction, while its decision is kept."""
        row = self._database.execute(
            "SELECT answered.fingerprint, records.value FROM answered JOIN records ON records.number = answered.decision"
            " WHERE answered.user_id = ? AND answered.transaction_id = ?",
            (user_id, transaction_id),
        ).fetchone()
        return None if row is None else Answered(*row)

    def add_record(self, topic: str, user_id: str, value: bytes, recorded_ms: int) -> int:
        """Add a record to the log, with the time of its arrival; returns its number."""
        added = self._database.execute(
            "INSERT INTO records (topic, user_id, value, recorded_ms) VALUES (?, ?, ?, ?)",
            (topic, user_id, value, recorded_ms),
        )
        assert added.lastrowid is not None
        return added.lastrowid

    def add_answer(self, user_id: str, transaction_id: str, fingerprint: bytes, decision: int) -> None:
        """Remember that a transaction was answered by the decision of this number."""
        self._database.execute(
            "INSERT OR REPLACE INTO answered VALUES (?, ?, ?, ?)", (user_id, transaction_id, fingerprint, decision)
        )

    def commit(self) -> None:
        self._database.commit()

    def roll_back(self) -> None:
        self._database.rollback()

    def remove_old(self, before_ms: int, until: int, limit: int) -> int:
        """Remove the oldest records, as far as they came before this time, up to this number and at most `limit`, and what
        refers to them. Returns how many. Takes effect with `commit`.
        """
        rows = self._database.execute(
            "SELECT number, recorded_ms FROM records WHERE number <= ? ORDER BY number LIMIT ?", (until, limit)
        )
        old = [number for number, _ in takewhile(lambda row: row[1] < before_ms, rows)]
        rows.close()
        if old:
            self._database.execute("DELETE FROM answered WHERE decision <= ?", old[-1:])
            self._database.execute("DELETE FROM records WHERE number <= ?", old[-1:])
        return len(old)

    def close(self) -> None:
        """Undo what is not committed, and let others open the database."""
        self._checkpoints.stop()
        self._database.rollback()
        self._database.close()
        self._lock.release()


def read_records(path: Path, after: int, limit: int) -> list[Logged]:
    """Records with a number above `after`, at most `limit`, in order; also while the log is open elsewhere."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        rows = database.execute(
            "SELECT number, topic, user_id, value, recorded_ms FROM records WHERE number > ? ORDER BY number LIMIT ?",
            (after, limit),
        )
        return [Logged(*row) for row in rows]
    finally:
        database.close()


def newest_number(path: Path) -> int:
    """Number of the newest record; 0 if there was none."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        (newest,) = database.execute(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'records'"
        ).fetchone()
        return int(newest)
    finally:
        database.close()


def _opened(path: Path, durability: Durability) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=30, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durability]}")
    database.execute("PRAGMA cache_size = -65536")
    database.execute(f"PRAGMA wal_autocheckpoint = {PAGES_BEFORE_OWN_CHECKPOINT}")
    (layout,) = database.execute("PRAGMA user_version").fetchone()
    if layout == 0:
        database.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {LAYOUT}; COMMIT;")
    elif layout > LAYOUT:
        database.close()
        raise EmbeddedLogError(f"{path}: written by a later version (layout {layout}); update this program")
    return database
