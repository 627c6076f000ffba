"""Takes a SQLite store over into an empty PostgreSQL store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, func, select, text

from console.store.bulk import insert_rows
from console.store.encoding import Body
from console.store.errors import MoveError
from console.store.marks import words_of
from console.store.partitions import make_partitions, month_of
from console.store.store import DecisionStore
from console.store.tables import FACTS, case_files, decisions, metadata, reason_texts
from console.store.writing import write_texts

ROWS_AT_ONCE, FILES_AT_ONCE = 5_000, 2
NUMBERED = {
    "audit": "number", "cases": "case_id", "case_journal": "entry", "control_proposals": "proposal_id",
    "deliveries": "number",
    "snoozes": "snooze_id",
    "case_files": "file_id",
}  # fmt: skip
Progress = Callable[[int, int], None]
_decode_body = msgspec.json.Decoder(Body).decode


def move(source: DecisionStore, target: DecisionStore, progress: Progress | None = None) -> dict[str, int]:
    """Copy all rows in one transaction; returns their number by table. The source stays as it is.

    What is written to the source meanwhile is not copied: stop the console before. An intake goes on at the copied
    positions. `progress` gets (rows done, rows). Raises MoveError if the target is not an empty PostgreSQL store or the
    copy has other counts, and StoreUnavailable; then the target stays empty.
    """
    if not source.database.is_sqlite or target.database.is_sqlite:
        raise MoveError("a store is moved from SQLite to PostgreSQL only")
    tables = [table for table in metadata.sorted_tables if table is not reason_texts]
    copied: dict[str, int] = {}
    with source.database.read() as old, target.database.write_alone() as new:
        for table in [*tables, reason_texts]:
            if new.execute(select(table).limit(1)).first() is not None:
                raise MoveError(f"{target.database.name}: not empty (table {table.name}); name an empty database")
        counts = {table.name: _count(old, table) for table in tables}
        total = sum(counts.values())
        for table in tables:
            done_before = sum(copied.values())
            copied[table.name] = _copy(old, new, table, partial(_tell, progress, total, done_before))
        for table in tables:
            there = _count(new, table)
            if not counts[table.name] == copied[table.name] == there:
                raise MoveError(
                    f"table {table.name}: {counts[table.name]:,} rows in the source, {copied[table.name]:,} read, {there:,} "
                    "in the target; nothing was kept: stop what writes to either store, and move again"
                )
        for name, column in NUMBERED.items():
            new.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{name}', '{column}'), "
                    f"greatest((SELECT max({column}) FROM {name}), 1), (SELECT count(*) > 0 FROM {name}))"
                )
            )
    _tell(progress, total, 0, total)
    return copied


def _copy(old: Connection, new: Connection, table: Table, tell: Callable[[int], None]) -> int:
    columns = [column.name for column in table.columns]
    ordered = select(table).order_by(*table.primary_key.columns)
    count = 0
    at_once = FILES_AT_ONCE if table is case_files else ROWS_AT_ONCE
    result = old.execution_options(yield_per=at_once).execute(ordered)
    for part in result.partitions(at_once):
        if table is decisions:
            months = {month_of(row.event_time_ms) for row in part}
            make_partitions(new, (month for month in months if month is not None))
        insert_rows(new, table, columns, part)
        if table is decisions:
            write_texts(new, _texts(part))
        count += len(part)
        tell(count)
    return count


def _texts(rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    found = []
    for row in rows:
        body = _decode_body(row.body)
        if words := words_of(body.summary, *(reason.text for reason in body.reasons)):
            found.append((row.event_time_ms, row.decision_id, *(getattr(row, name) for name in FACTS), words))
    return found


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _tell(progress: Progress | None, total: int, done_before: int, done: int) -> None:
    if progress is not None:
        progress(done_before + done, total)
