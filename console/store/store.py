"""The decision store: what the API reads, and what the intakes write to."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from console.store import access, reading
from console.store.engine import DEFAULT_URL, Database, sqlite_path
from console.store.erase import erase_user, take_erasure
from console.store.errors import StoreUrlError
from console.store.migrations import migrate
from console.store.rows import (
    AlertFilters,
    AuditEntry,
    Batch,
    BundleRow,
    DeadLetterRow,
    DecidedBy,
    DecisionFilters,
    DecisionRow,
    Erased,
    KeyRow,
    Page,
    Role,
    RuleSetRow,
    TimelineItem,
)
from console.store.tables import positions
from console.store.writing import write
from udfs.records.outputs import Alert, FlagNotice

PAGE_SECONDS = 0.05
"""After this a page is given as it is, to go on with by its cursor."""
FeatureSets = Mapping[str, Sequence[str]]


class DecisionStore:
    """A facade over one database. Thread-safe; every method raises StoreUnavailable if the database does not answer.

    Methods with a cursor raise CursorError for a text that is no cursor of theirs, and ValueError for a limit below 1.
    """

    def __init__(self, database: Database, feature_sets: FeatureSets, page_seconds: float) -> None:
        self.database = database
        self._feature_sets = dict(feature_sets)
        self._page_seconds = page_seconds

    @classmethod
    def open(
        cls, url: str = DEFAULT_URL, feature_sets: FeatureSets | None = None, page_seconds: float = PAGE_SECONDS
    ) -> DecisionStore:
        """Open a store, and make or upgrade its tables.

        `feature_sets`: names of packed features by version, beside those of this program and of decisions that came with
        names. Raises StoreUrlError, StoreVersionError and StoreUnavailable.
        """
        database = Database(url)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(database, feature_sets or {}, page_seconds)

    @classmethod
    def open_existing(cls, url: str) -> DecisionStore:
        """Open a store that is there: a name that is mistyped makes no new one. Raises as `open` does."""
        path = sqlite_path(url)
        if path is not None and not path.is_file():
            raise StoreUrlError(f"{path}: there is no such decision store; a console makes one when it starts")
        return cls.open(url)

    def close(self) -> None:
        self.database.close()

    def write(self, batch: Batch) -> None:
        """Write all of a batch in one transaction, or nothing; before that, erase the users that it says.

        An erasure has an effect of its own, which a repeat does not change.
        """
        for erasure in batch.erasures:
            take_erasure(self.database, erasure)
        write(self.database, batch, _now_ms())

    def position(self, source: str) -> dict[int, int]:
        """Where the intake of a source goes on: the next offset of each partition; empty for a new source."""
        with self.database.read() as connection:
            rows = connection.execute(
                select(positions.c.partition, positions.c.next_offset).where(positions.c.source == source)
            )
            return {row.partition: row.next_offset for row in rows}

    def sources(self) -> list[str]:
        """The sources that were read from."""
        with self.database.read() as connection:
            rows = connection.execute(select(positions.c.source).distinct().order_by(positions.c.source))
            return list(rows.scalars())

    def decisions(
        self, filters: DecisionFilters | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[DecisionRow]:
        """Decisions that fit, newest first by event time and id, without features."""
        _check(limit)
        with self.database.read() as connection:
            return reading.decisions_page(connection, filters or DecisionFilters(), cursor, limit, self._page_seconds)

    def decision(self, decision_id: str) -> DecisionRow | None:
        """One decision with its features by name, if their names are known."""
        with self.database.read() as connection:
            return reading.decision(connection, decision_id, self._names_of)

    def transaction(self, decision: DecisionRow) -> dict[str, Any] | None:
        """The transaction of a decision, as JSON of docs/events.md; None if the store has not read it."""
        with self.database.read() as connection:
            return reading.transaction_event(connection, decision)

    def timeline(self, user_id: str, cursor: str | None = None, limit: int = 50) -> Page[TimelineItem]:
        """Decisions, logins, account changes and labels of a user, newest first."""
        _check(limit)
        with self.database.read() as connection:
            return reading.timeline_page(connection, user_id, cursor, limit)

    def alerts(
        self, filters: AlertFilters | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[Alert | FlagNotice]:
        """Alerts and flags that fit, newest first."""
        _check(limit)
        with self.database.read() as connection:
            return reading.alerts_page(connection, filters or AlertFilters(), cursor, limit, self._page_seconds)

    def dead_letters(self, cursor: str | None = None, limit: int = 50) -> Page[DeadLetterRow]:
        """Dead letters, newest first by when they were recorded."""
        _check(limit)
        with self.database.read() as connection:
            return reading.dead_letters_page(connection, cursor, limit)

    def bundles(self) -> list[BundleRow]:
        """The bundles that decided, newest first."""
        with self.database.read() as connection:
            return reading.bundle_rows(connection)

    def rule_sets(self) -> list[RuleSetRow]:
        """The versions of the rules that decided, newest first."""
        with self.database.read() as connection:
            return reading.rule_set_rows(connection)

    def add_key(self, name: str, role: Role, now_ms: int) -> str:
        """Make an API key and return it: only its hash is kept. Raises ValueError for a role that there is not."""
        with self.database.write() as connection:
            return access.add_key(connection, name, role, now_ms)

    def key(self, key: str) -> KeyRow | None:
        """The row of an API key that is in force."""
        with self.database.read() as connection:
            return access.find_key(connection, key)

    def keys(self) -> list[KeyRow]:
        """All API keys, revoked ones included, oldest first."""
        with self.database.read() as connection:
            return access.list_keys(connection)

    def revoke_key(self, key_id: str, now_ms: int) -> bool:
        """Put a key out of force; False if none of this id was in force."""
        with self.database.write() as connection:
            return access.revoke_key(connection, key_id, now_ms)

    def audit(self, entry: AuditEntry) -> None:
        """Add an entry to the audit log."""
        with self.database.write() as connection:
            access.add_audit_entry(connection, entry)

    def audit_log(self, cursor: str | None = None, limit: int = 50) -> Page[AuditEntry]:
        """The audit log, newest first."""
        _check(limit)
        with self.database.read() as connection:
            return access.audit_page(connection, cursor, limit)

    def erase_user(self, user_id: str, now_ms: int | None = None) -> Erased:
        """Remove all of a user; records up to now do not come back by an intake or rebuild.

        `now_ms`: by default the clock's. What others still hold: console.store.held.
        """
        return erase_user(self.database, user_id, _now_ms() if now_ms is None else now_ms)

    def ping(self) -> None:
        """Return if the database answers."""
        with self.database.read() as connection:
            connection.execute(select(1))

    def newest_versions(self) -> DecidedBy | None:
        """What the newest decision by event time was made with; None without any."""
        with self.database.read() as connection:
            return reading.newest_versions(connection)

    def knows_features(self, version: str, names: Sequence[str]) -> None:
        """Tell the names of another feature set, whose decisions are read from now on with them."""
        self._feature_sets[version] = tuple(names)

    def _names_of(self, feature_set: str) -> Sequence[str] | None:
        if feature_set not in self._feature_sets:
            from udfs.features.feature_set import feature_set_of

            own = feature_set_of()
            self._feature_sets[own.version] = own.names
        return self._feature_sets.get(feature_set)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _check(limit: int) -> None:
    if limit < 1:
        raise ValueError(f"limit: {limit} is not at least 1")
