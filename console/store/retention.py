"""Removes what is older than a policy keeps."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, Table, delete, select, text, tuple_

from console.store.alert_cases import OPEN
from console.store.engine import Database
from console.store.partitions import drop_partitions
from console.store.snoozed import SNOOZED
from console.store.tables import (
    PARTITIONED,
    alerts,
    audit,
    case_journal,
    case_links,
    cases,
    dead_letters,
    decisions,
    events,
    snoozed_cases,
)
from console.store.writing import remove_decisions

DAY_MS = 86_400_000
ROWS_AT_ONCE = 2_000
"""In one transaction (of decisions only on SQLite): so long others wait to write."""


class RetentionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Days that rows are kept, by event time (dead letters: since recorded; audit: since written). None: for ever.

    Cases that anyone has worked on are kept with their journal, also where their decisions are not; others go with alerts.
    """

    decisions_days: float | None = 400
    alerts_days: float | None = 400
    events_days: float | None = 400
    dead_letters_days: float | None = 90
    audit_days: float | None = None


def apply_retention(database: Database, policy: RetentionPolicy, now_ms: int) -> dict[str, int]:
    """Remove what is older than the policy; returns the number of rows by table.

    On PostgreSQL whole months of decisions go as partitions, at once. Raises StoreUnavailable; what was removed until then
    stays removed.
    """
    removed: dict[str, int] = {}
    if policy.decisions_days is not None:
        removed["decisions"] = _old_decisions(database, _cutoff(now_ms, policy.decisions_days))
    for table, moment, days in (
        (alerts, "event_time_ms", policy.alerts_days),
        (events, "at_ms", policy.events_days),
        (dead_letters, "recorded_ms", policy.dead_letters_days),
        (audit, "at_ms", policy.audit_days),
    ):
        if days is not None:
            removed[table.name] = _old_rows(database, table, moment, _cutoff(now_ms, days))
    if policy.alerts_days is not None:
        removed["cases"] = _untouched_cases(database, _cutoff(now_ms, policy.alerts_days))
        removed["case_links"] = _old_rows(database, case_links, "event_time_ms", _cutoff(now_ms, policy.alerts_days))
    return removed


def _untouched_cases(database: Database, before_ms: int) -> int:
    columns = cases.c
    with database.write_alone() as connection:
        entries = select(case_journal.c.entry).where(
            case_journal.c.case_id == columns.case_id, case_journal.c.what != SNOOZED
        )
        is_untouched = (columns.state == OPEN) & (columns.event_time_ms < before_ms) & ~entries.exists()
        untouched = select(columns.case_id).where(is_untouched)
        connection.execute(delete(snoozed_cases).where(snoozed_cases.c.case_id.in_(untouched)))
        kept_out = connection.execute(
            select(case_journal.c.case_id).where(
                case_journal.c.what == SNOOZED, case_journal.c.case_id.in_(untouched)
            )
        ).scalars().all()  # fmt: skip
        count = connection.execute(delete(cases).where(is_untouched)).rowcount
        connection.execute(delete(case_journal).where(case_journal.c.case_id.in_(kept_out)))
        return count


def _cutoff(now_ms: int, days: float) -> int:
    return now_ms - int(days * DAY_MS)


def _old_decisions(database: Database, before_ms: int) -> int:
    count = 0
    if not database.is_sqlite:
        with database.write_alone() as connection:
            return _old_partitions(connection, before_ms)
    columns = decisions.c
    while True:
        with database.write_alone() as connection:
            rows = connection.execute(
                select(columns.event_time_ms, columns.decision_id).where(columns.event_time_ms < before_ms)
                .order_by(columns.event_time_ms).limit(ROWS_AT_ONCE)
            ).all()  # fmt: skip
            count += remove_decisions(connection, [(row[0], row[1]) for row in rows])
        if len(rows) < ROWS_AT_ONCE:
            return count


def _old_partitions(connection: Connection, before_ms: int) -> int:
    """Drop whole months, and delete the beginning of the month that is kept in part."""
    total = "SELECT count(*) FROM decisions WHERE event_time_ms < :before"
    count = int(connection.execute(text(total), {"before": before_ms}).scalar_one())
    drop_partitions(connection, before_ms)
    for table in PARTITIONED:
        connection.execute(text(f"DELETE FROM {table} WHERE event_time_ms < :before"), {"before": before_ms})
    return count


def _old_rows(database: Database, table: Table, moment: str, before_ms: int) -> int:
    """In steps: others wait for a transaction that writes."""
    keys = list(table.primary_key.columns)
    count = 0
    while True:
        some = select(*keys).where(table.c[moment] < before_ms).limit(ROWS_AT_ONCE)
        with database.write_alone() as connection:
            removed = connection.execute(delete(table).where(tuple_(*keys).in_(some))).rowcount
        count += removed
        if removed < ROWS_AT_ONCE:
            return count
