"""A run of rows as columns: what every source is read into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.errors import RowError

CHUNK_ROWS = 65_536


@dataclass(frozen=True)
class Chunk:
    """Columns of equal length, the source's row number of each row, and the rows that could not be read at all.

    `fraction_done` is the share of the source that lies behind this chunk's end, 0 to 1. `present` are the columns that
    at least one of the rows has (JSON Lines has no header to tell).
    """

    row_numbers: Sequence[int]
    columns: Mapping[str, Sequence[object]]
    fraction_done: float
    broken: tuple[RowError, ...] = ()
    present: frozenset[str] | None = None

    def row(self, index: int) -> dict[str, object]:
        """One row by column name."""
        return {name: column[index] for name, column in self.columns.items()}
