"""Figures of the whole store, each bounded so that a page may ask for it: rates, alerts a day, dead letters, degradation."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from console.store.marks import tag_bits
from console.store.tables import cases, dead_letters, decisions, deliveries, positions

DAY_MS, MINUTE_MS = 86_400_000, 60_000
ALERT_DAYS, MINUTES = 30, 60
MOST_COUNTED = 100_000
"""Decisions of the newest minutes."""
NEWEST_DECISIONS, NEWEST_LETTERS, MOST_REASONS, MOST_POSITIONS, MOST_DELIVERIES = 2_000, 5_000, 10, 50, 20
LOW_COVERAGE = tag_bits(["low_coverage"])


class LetterReason(NamedTuple):
    """Dead letters of one reason among the newest NEWEST_LETTERS, and the bytes of their records together."""

    reason: str
    number: int
    size_bytes: int


class Degradation(NamedTuple):
    """Among the newest `decisions`, at most NEWEST_DECISIONS: by status of their look-ups; `late`, `stale_history`: as in
    the decision; `low_coverage`: whose action was limited because of missing input."""

    decisions: int
    by_enrichment: list[tuple[str, int]]
    late: int
    stale_history: int
    low_coverage: int


def decisions_a_minute(connection: Connection) -> list[tuple[int, int]]:
    """(first ms, decisions) of the last MINUTES minutes up to the newest decision, by event time, oldest first. Minutes
    before the newest MOST_COUNTED decisions are left out; the first and the last one may not be over."""
    column = decisions.c.event_time_ms
    newest = connection.execute(select(func.max(column))).scalar()
    if newest is None:
        return []
    last = int(newest) // MINUTE_MS
    first = last - MINUTES + 1
    times = select(column).where(column >= first * MINUTE_MS).order_by(column.desc()).limit(MOST_COUNTED + 1).subquery()
    minute = (times.c.event_time_ms - times.c.event_time_ms % MINUTE_MS).label("minute")
    found = {int(row[0]) // MINUTE_MS: int(row[1]) for row in connection.execute(_counted(minute))}
    if sum(found.values()) > MOST_COUNTED:
        first = min(found) + 1  # the oldest minute is not counted to its beginning
    return [(one * MINUTE_MS, found.get(one, 0)) for one in range(first, last + 1)]


def alerts_a_day(connection: Connection) -> list[tuple[int, int]]:
    """(first ms of the day in UTC, alerts) of the last ALERT_DAYS days up to the newest alert, oldest first."""
    columns = cases.c
    is_case = columns.state.in_(("open", "closed"))
    newest = [
        connection.execute(select(func.max(columns.event_time_ms)).where(columns.state == state)).scalar()
        for state in ("open", "closed")
    ]
    known = [int(one) for one in newest if one is not None]
    if not known:
        return []
    last = max(known) // DAY_MS
    first = last - ALERT_DAYS + 1
    day = (columns.event_time_ms - columns.event_time_ms % DAY_MS).label("day")
    rows = connection.execute(_counted(day).where(is_case, columns.event_time_ms >= first * DAY_MS))
    found = {int(row[0]) // DAY_MS: int(row[1]) for row in rows}
    return [(one * DAY_MS, found.get(one, 0)) for one in range(first, last + 1)]


def letter_reasons(connection: Connection) -> list[LetterReason]:
    """The most frequent reasons first."""
    columns = dead_letters.c
    newest = (
        select(columns.reason, func.length(columns.payload).label("size"))
        .order_by(columns.recorded_ms.desc())
        .limit(NEWEST_LETTERS)
        .subquery()
    )
    statement = select(newest.c.reason, func.count(), func.sum(newest.c.size)).group_by(newest.c.reason)
    rows = connection.execute(statement.order_by(func.count().desc(), newest.c.reason).limit(MOST_REASONS)).all()
    return [LetterReason(row[0], int(row[1]), int(row[2] or 0)) for row in rows]


def degradation(connection: Connection) -> Degradation:
    columns = decisions.c
    newest = (
        select(columns.enrichment, columns.late, columns.stale_history, columns.tag_bits)
        .order_by(columns.event_time_ms.desc(), columns.decision_id.desc())
        .limit(NEWEST_DECISIONS)
        .subquery()
    ).c
    kinds = (newest.enrichment, newest.late, newest.stale_history, newest.tag_bits)
    rows = connection.execute(select(*kinds, func.count()).group_by(*kinds)).all()
    by_enrichment: dict[str, int] = {}
    for row in rows:
        by_enrichment[row[0]] = by_enrichment.get(row[0], 0) + row[4]
    return Degradation(
        sum(row[4] for row in rows),
        sorted(by_enrichment.items(), key=lambda pair: -pair[1]),
        sum(row[4] for row in rows if row[1]),
        sum(row[4] for row in rows if row[2]),
        sum(row[4] for row in rows if row[3] & LOW_COVERAGE),
    )


def newest_positions(connection: Connection) -> list[Row[tuple[str, int, int]]]:
    """How far the intakes are, by source and partition."""
    columns = positions.c
    found = select(columns.source, columns.partition, columns.next_offset)
    return list(connection.execute(found.order_by(columns.source, columns.partition).limit(MOST_POSITIONS)))


def newest_deliveries(connection: Connection) -> list[Row[tuple[object, ...]]]:
    """The log of notifications, newest first."""
    return list(connection.execute(select(deliveries).order_by(deliveries.c.number.desc()).limit(MOST_DELIVERIES)))


def _counted(value: ColumnElement[int]) -> Select[int, int]:
    return select(value, func.count()).group_by(value)
