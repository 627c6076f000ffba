"""Months of event time: PostgreSQL's partitions of the tables that are searched."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from console.store.tables import PARTITIONED

FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Other times are in the rest partition: hostile times must not make thousands of partitions."""
_NAME = re.compile(r"decisions_y(\d{4})m(\d{2})")


class Month(NamedTuple):
    year: int
    month: int

    @property
    def start_ms(self) -> int:
        return int(datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()) * 1_000

    @property
    def end_ms(self) -> int:
        """The start of the next month."""
        year, month = divmod(self.year * 12 + self.month, 12)
        return Month(year, month + 1).start_ms

    def partition_of(self, table: str) -> str:
        return f"{table}_y{self.year:04d}m{self.month:02d}"


def month_of(time_ms: int) -> Month | None:
    """The month that has a partition; None for a time of the rest."""
    try:
        moment = datetime.fromtimestamp(time_ms // 1_000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return Month(moment.year, moment.month) if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def existing_months(connection: Connection) -> list[Month]:
    """The months that have partitions, in order."""
    names = connection.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'decisions'::regclass")
    ).scalars()
    found = (_NAME.search(name) for name in names)
    return sorted(Month(int(match[1]), int(match[2])) for match in found if match)


def make_partitions(connection: Connection, months: Iterable[Month]) -> None:
    """Make those of the months that are not there. Only while no one else makes partitions."""
    for month in sorted(set(months) - set(existing_months(connection))):
        for table in PARTITIONED:
            name = month.partition_of(table)
            # A decision of 2 kB stays in its row, uncompressed: compressing it takes longer than writing it.
            options = " WITH (toast_tuple_target = 8160)" if table == "decisions" else ""
            connection.execute(
                text(
                    f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table}"
                    f" FOR VALUES FROM ({month.start_ms}) TO ({month.end_ms}){options}"
                )
            )


def drop_partitions(connection: Connection, before_ms: int) -> list[Month]:
    """Drop those of whole months before the time; returns the months."""
    old = [month for month in existing_months(connection) if month.end_ms <= before_ms]
    for month in old:
        for table in PARTITIONED:
            connection.execute(text(f"DROP TABLE IF EXISTS {month.partition_of(table)}"))
    return old
