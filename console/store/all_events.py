"""All events of a store as one file, for what reads events in the order in which they would arrive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import case, func, select

from console.store.engine import Database
from console.store.replaying import ORDER_OF_TYPES
from console.store.tables import events

ROWS_AT_ONCE = 10_000


def write_events(database: Database, path: Path, progress: Callable[[int, int], object] | None = None) -> int:
    """Write the events as JSON Lines in the order of their times; returns their number. A store does not know in which order
    events arrived: a payment that was late is in its place. Of one time, a payment is the last.

    `progress` gets (events done, events). Raises StoreUnavailable, OSError.
    """
    columns = events.c
    rank = case(ORDER_OF_TYPES, value=columns.event_type, else_=0)
    ordered = select(columns.body).order_by(columns.at_ms, rank, columns.user_id, columns.event_id)
    done = 0
    with database.read() as connection, path.open("w", encoding="utf-8") as file:
        total = int(connection.execute(select(func.count()).select_from(events)).scalar_one())
        result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(ordered)
        for part in result.scalars().partitions(ROWS_AT_ONCE):
            file.writelines(f"{body}\n" for body in part)
            done += len(part)
            if progress is not None:
                progress(done, total)
    return done
