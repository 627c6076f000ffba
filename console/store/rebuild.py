"""Empties what intakes have filled, and has it read again: after a loss, or for a run that was scored anew."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, delete, text

from console.store.engine import Database
from console.store.store import DecisionStore
from console.store.tables import READ_FROM_SOURCES


def rebuild(store: DecisionStore, read: Callable[[DecisionStore], int]) -> int:
    """Empty the store but for keys, audit log, cases and erased users, then call `read`; returns what it returns.

    `read` makes its intakes itself: those made before know the old positions. Killed in between, the store has a part of
    the records and the right positions: an intake, or another rebuild, goes on. Raises what `read` raises.
    """
    empty(store.database)
    return read(store)


def empty(database: Database) -> None:
    """Remove all that comes from sources, in one transaction."""
    with database.write_alone() as connection:
        for table in READ_FROM_SOURCES:
            if table.info.get("only") in (None, connection.dialect.name):
                if database.is_sqlite:
                    connection.execute(delete(table))
                else:
                    connection.execute(text(f'TRUNCATE "{table.name}"'))
        if database.is_sqlite:
            _empty_texts(connection)


def _empty_texts(connection: Connection) -> None:
    """A full-text table is emptied row by row, but dropped at once."""
    made = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = 'reason_search'")).scalar_one()
    connection.exec_driver_sql("DROP TABLE reason_search")
    connection.exec_driver_sql(made)
