"""Number of rows by table."""

from __future__ import annotations

from sqlalchemy import text

from console.store.store import DecisionStore
from console.store.tables import metadata


def tally(store: DecisionStore) -> dict[str, int]:
    """Of all tables; SQLite's texts under the name of PostgreSQL's."""
    kind = "sqlite" if store.database.is_sqlite else "postgresql"
    counts = {}
    with store.database.read() as connection:
        for table in metadata.sorted_tables:
            name = "reason_search" if kind == "sqlite" and table.name == "reason_texts" else table.name
            counts[table.name] = int(connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one())
    return counts
