"""A chunk of consecutive rows, stored by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.errors import RowError

CHUNK_ROWS = 65_536


@dataclass(frozen=True)
class Chunk:
    """Columns of equal length, the source's row number of each row, and the errors of rows that could not be parsed.

    `fraction_done` is the share of the source read up to the end of this chunk, 0 to 1. `present` is the set of columns
    that at least one row has, None where the source has a header.
    """

    row_numbers: Sequence[int]
    columns: Mapping[str, Sequence[object]]
    fraction_done: float
    broken: tuple[RowError, ...] = ()
    present: frozenset[str] | None = None

    def row(self, index: int) -> dict[str, object]:
        """One row as column name -> value."""
        return {name: column[index] for name, column in self.columns.items()}
