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
LAYOUT = 2
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
_TABLES_OF_LAYOUT_2 = """
CREATE TABLE erasing (user_id TEXT PRIMARY KEY, next INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE written_with (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
"""Users whose records are being removed, from which number on and up to which; and settings that the states depend on."""


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


class ErasedPart(NamedTuple):
    """A step of a user's erasure: records that it removed, and how many numbers are left to look at."""

    user_id: str
    removed: int
    left: int


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
        self._has_erased = False
        self.key = ""

    def require_base_currency(self, currency: str) -> None:
        """Raises EmbeddedLogError if the users' sums are in another currency."""
        known = self._database.execute("SELECT value FROM written_with WHERE name = 'base_currency'").fetchone()
        if known is None:
            self._database.execute("INSERT INTO written_with VALUES ('base_currency', ?)", (currency,))
            self._database.commit()
        elif known[0] != currency:
            raise EmbeddedLogError(
                f"{self.path}: its sums are in {known[0]}, not in {currency}: keep that base currency, or name another file"
            )

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

    def clear(self) -> None:
        self._database.execute("DELETE FROM entries WHERE user_id = ?", (self.key,))
        self._database.execute("DELETE FROM snapshots WHERE user_id = ?", (self.key,))

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

    def begin_erasure(self, user_id: str) -> None:
        """Forget a user's answers, and have `erase_some` remove the records up to here; the state is cleared by `clear`.
        After `commit` it goes on whatever ends the process.
        """
        self.overwrite_removed()
        self._database.execute("DELETE FROM answered WHERE user_id = ?", (user_id,))
        bounds = "SELECT coalesce(min(number), 1), coalesce(max(number), 0) FROM records"
        first, last = self._database.execute(bounds).fetchone()
        self._database.execute(
            "INSERT INTO erasing VALUES (?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET until = excluded.until",
            (user_id, first, last),
        )

    def overwrite_removed(self) -> None:
        """Overwrite in the file what is removed from here on, until all erasures are done."""
        self._database.execute("PRAGMA secure_delete = ON")

    def is_erasing(self) -> bool:
        """Are records of an erased user left?"""
        return self._database.execute("SELECT 1 FROM erasing LIMIT 1").fetchone() is not None

    def erase_some(self, limit: int) -> ErasedPart | None:
        """Look at the next `limit` numbers for records of an erased user, and remove them. Takes effect with `commit`.

        None if nothing is to be erased.
        """
        row = self._database.execute("SELECT user_id, next, until FROM erasing LIMIT 1").fetchone()
        if row is None:
            return None
        user_id, first, until = row
        last = min(first + limit - 1, until)
        self.overwrite_removed()
        bounds = (first, last, user_id)
        removed = self._database.execute(
            "DELETE FROM records WHERE number BETWEEN ? AND ? AND user_id = ?", bounds
        ).rowcount
        if last < until:
            self._database.execute("UPDATE erasing SET next = ? WHERE user_id = ?", (last + 1, user_id))
        else:
            self._database.execute("DELETE FROM erasing WHERE user_id = ?", (user_id,))
            self._has_erased = True
        return ErasedPart(user_id, removed, left=until - last)

    def rewrite(self) -> None:
        """Write the file anew, without copies of removed rows in pages that SQLite has reorganised. Needs room for both."""
        self._database.execute("VACUUM")
        self._checkpoints.empty_soon()

    def commit(self) -> None:
        self._database.commit()
        if self._has_erased:
            self._has_erased = False
            self._database.execute("PRAGMA secure_delete = OFF")
            self._checkpoints.empty_soon()

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
        self._database.rollback()
        self._checkpoints.stop()
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
    """Number of the newest record; 0 without any."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        (newest,) = database.execute("SELECT coalesce(max(number), 0) FROM records").fetchone()
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
        database.executescript(f"BEGIN; {_TABLES} {_TABLES_OF_LAYOUT_2} PRAGMA user_version = {LAYOUT}; COMMIT;")
    elif layout == 1:
        database.executescript(f"BEGIN; {_TABLES_OF_LAYOUT_2} PRAGMA user_version = {LAYOUT}; COMMIT;")
    elif layout > LAYOUT:
        database.close()
        raise EmbeddedLogError(f"{path}: written by a later version (layout {layout}); update this program")
    return database
