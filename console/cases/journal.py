"""The journal of cases: who did what, and notes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select

from console.cases.rows import JournalEntry
from console.store.tables import case_journal

MOST_NOTE_CHARACTERS = 10_000


def add_entry(connection: Connection, case_id: int, now_ms: int, who: str, what: str, body: str = "") -> int:
    """Add an entry; returns its number, which rises over all cases."""
    values: dict[str, Any] = {"case_id": case_id, "at_ms": now_ms, "who": who, "what": what, "body": body}
    done = connection.execute(insert(case_journal).values(values).returning(case_journal.c.entry))
    return int(done.scalar_one())


def entries_of(connection: Connection, case_id: int) -> list[JournalEntry]:
    """The journal of a case, oldest first."""
    columns = case_journal.c
    rows = connection.execute(select(case_journal).where(columns.case_id == case_id).order_by(columns.entry)).mappings()
    return [JournalEntry(**row) for row in rows]
