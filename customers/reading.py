"""Reads a table by chunks in which every customer is whole, as arrays, and counts what is wrong with its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from customers.database import FoundTable, row_count, rows_of
from customers.quality import ColumnQuality, Quality, TableQuality
from customers.schema import CUSTOMERS
from customers.values import NO_TIME, Values, values_of

Progress = Callable[[int], None]
"""Is told how many rows were read."""
NOBODY = -1


class Chunk(NamedTuple):
    """N rows: `columns` by name (see `customers.values.Values`), `owner` the position of each row's customer or NOBODY."""

    columns: dict[str, npt.NDArray[Any]]
    owner: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.owner)

    def times(self, column: str) -> npt.NDArray[np.int64]:
        """A column of moments; NO_TIME where the table has none."""
        return self.columns.get(column, np.full(len(self), NO_TIME, np.int64))

    def numbers(self, column: str) -> npt.NDArray[np.float64]:
        """A column of numbers or flags; NaN where the table has none."""
        return self.columns.get(column, np.full(len(self), np.nan))

    def texts(self, column: str) -> npt.NDArray[np.object_]:
        """A column of ids or texts; None where the table has none."""
        return self.columns.get(column, np.full(len(self), None, dtype=object))

    def where(self, chosen: npt.NDArray[np.bool_]) -> Chunk:
        """Only these rows."""
        return Chunk({name: column[chosen] for name, column in self.columns.items()}, self.owner[chosen])


class TableReader:
    """One table, counting into `quality` what is found in its columns."""

    def __init__(self, connection: sa.Connection, table: FoundTable, quality: Quality) -> None:
        self.rows = row_count(connection, table)
        self._connection = connection
        self._table = table
        self._quality = [
            ColumnQuality(table.schema.name, column.name, column.kind, declared)
            for column, declared in zip(table.columns, table.declared, strict=True)
        ]
        self._counted = TableQuality(table.schema.name, absent_columns=table.absent)
        quality.columns.extend(self._quality)
        quality.tables.append(self._counted)

    def customers(self, progress: Progress) -> Iterator[Chunk]:
        """The chunks of the customers table; `owner` is NOBODY."""
        for batch in rows_of(self._connection, self._table, CUSTOMERS.columns[0].name):
            yield self._chunk(batch, {})
            progress(len(batch))

    def chunks(self, positions: dict[str, int], progress: Progress) -> Iterator[Chunk]:
        """The chunks of another table, rows of an id that its customer had before left out.

        Raises nothing for rows of no customer: they have the owner NOBODY.
        """
        place = self._table.place("customer_id")
        carried: list[Sequence[Any]] = []
        for batch in rows_of(self._connection, self._table, "customer_id"):
            rows = [*carried, *batch]
            cut = _last_customer(rows, place)
            carried = rows[cut:]
            if cut:
                yield self._without_repeated(self._chunk(rows[:cut], positions))
            progress(len(batch))
        if carried:
            yield self._without_repeated(self._chunk(carried, positions))

    def _chunk(self, rows: Sequence[Sequence[Any]], positions: dict[str, int]) -> Chunk:
        columns = {}
        for column, raw, quality in zip(self._table.columns, zip(*rows, strict=True), self._quality, strict=True):
            values = values_of(column.kind, raw)
            _count(quality, values)
            columns[column.name] = values.array
        self._counted.rows += len(rows)
        owner = [positions.get(name, NOBODY) if name is not None else NOBODY for name in columns["customer_id"]]
        return Chunk(columns, np.array(owner, np.int64))

    def _without_repeated(self, chunk: Chunk) -> Chunk:
        """Each id of a customer once. Rows without an id are all different."""
        ids = chunk.columns.get(self._table.schema.columns[0].name)
        if ids is None:
            return chunk
        owners, names = chunk.owner.tolist(), chunk.texts("customer_id")
        seen: set[tuple[Any, str]] = set()
        kept = np.ones(len(chunk), np.bool_)
        for row, record in enumerate(ids):
            if record is None:
                continue
            key = (owners[row] if owners[row] != NOBODY else names[row], record)
            if key in seen:
                kept[row] = False
            seen.add(key)
        self._counted.duplicates += int((~kept).sum())
        return chunk.where(kept)

    def repeated(self, count: int) -> None:
        """Count rows of customers that are there already."""
        self._counted.duplicates += count


def _count(quality: ColumnQuality, values: Values) -> None:
    quality.rows += len(values.array)
    quality.nulls += values.missing
    quality.unreadable += values.unreadable
    quality.example = quality.example if quality.example is not None else values.example


def _last_customer(rows: Sequence[Sequence[Any]], place: int | None) -> int:
    """Where the rows of the last customer begin, who may have more. A database may take `a` and `A` for the same."""
    if place is None:
        return len(rows)

    last = _folded(rows[-1][place])
    cut = len(rows)
    while cut and _folded(rows[cut - 1][place]) == last:
        cut -= 1
    return cut


def _folded(value: Any) -> str:
    """What a database may take for the same id, as one text; what is no id, as the empty text."""
    names = values_of("id", [value]).array
    return "" if names[0] is None else str(names[0]).casefold()
