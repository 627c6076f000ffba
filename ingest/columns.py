"""Whole columns at once: each distinct value is converted a single time, native timestamps as one array.

The rows module is the definition; here only the common case is made fast. A value that can't be read is left as
UNREADABLE, and its row goes through the definition again, which says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from ingest.errors import RowError, UnreadableValue
from ingest.mapping import Mapping as RowMapping
from ingest.plan import FieldPlan
from ingest.readers.moment import UTC_ZONE, MomentReader
from ingest.rows import Records, assemble, records_of
from ingest.sources.chunk import Chunk
from ingest.sources.timestamps import TimestampColumn
from udfs.codec import MAX_TIMESTAMP_MS

UNREADABLE = object()
# Values of one of these types are equal only if every reader makes the same of them (1, 1.0 and True are not one type).
_TYPES_WITH_PLAIN_EQUALITY = frozenset({str, int, float, bool})


def records_of_chunk(chunk: Chunk, mapping: RowMapping) -> Iterator[Records | RowError]:
    """What each row of the chunk makes, in order; for a row that can't be read the RowError of `records_of`."""
    columns = dict(chunk.columns)
    for nested in mapping.nested:  # no reader takes an UNREADABLE, so whatever is made of one is UNREADABLE too
        columns[nested.into] = _converted(columns[nested.column], nested.value)
    values = [_values(plan, columns, chunk.row_numbers) for plan in mapping.plans]
    bad = {index for column in values for index in _unreadable(column)}
    for index, (row_number, row_values) in enumerate(zip(chunk.row_numbers, zip(*values, strict=True), strict=True)):
        try:
            if index in bad:
                yield records_of(chunk.row(index), mapping, row_number)
            else:
                yield assemble(row_values, mapping, row_number)
        except RowError as error:
            yield error


def _values(plan: FieldPlan, columns: Mapping[str, Sequence[object]], row_numbers: Sequence[int]) -> Sequence[object]:
    if plan.is_constant:
        return [plan.constant] * len(row_numbers)
    if plan.is_row_number:
        return _converted(row_numbers, plan.convert)
    parts = [columns[column.name] for column in plan.columns]
    if len(parts) == 1 and not plan.columns[0].path:
        return _converted_column(parts[0], plan)
    names = [column.name for column in plan.columns]
    rows = zip(*parts, strict=True)
    return [_attempt(lambda row: plan.value_of(row, 0), dict(zip(names, row, strict=True))) for row in rows]


def _converted_column(column: Sequence[object], plan: FieldPlan) -> Sequence[object]:
    reader = plan.read
    if (
        isinstance(column, TimestampColumn)
        and isinstance(reader, MomentReader)
        and plan.lookup is None
        and (column.aware or reader.zone is UTC_ZONE)
    ):
        return _moments(column, plan, reader)
    return _converted(column, plan.convert)


def _moments(column: TimestampColumn, plan: FieldPlan, reader: MomentReader) -> list[object]:
    """What MomentReader makes of each of the column's datetimes."""
    values: list[object] = column.epoch_ms.tolist()
    outside = (column.epoch_ms < reader.minimum_ms) | (column.epoch_ms > MAX_TIMESTAMP_MS)
    for index in np.flatnonzero(outside).tolist():
        values[index] = UNREADABLE
    for index in np.flatnonzero(column.is_null).tolist():
        values[index] = _attempt(plan.convert, None)
    return values


def _converted(values: Sequence[object], convert: Callable[[object], object]) -> list[object]:
    types = set(map(type, values))
    types.discard(type(None))
    if len(types) == 1 and types <= _TYPES_WITH_PLAIN_EQUALITY:
        made = {value: _attempt(convert, value) for value in set(values)}
        return [made[value] for value in values]
    return [_attempt(convert, value) for value in values]


def _attempt(convert: Callable[..., object], value: object) -> object:
    try:
        return convert(value)
    except UnreadableValue:
        return UNREADABLE


def _unreadable(values: Sequence[object]) -> list[int]:
    return [index for index, value in enumerate(values) if value is UNREADABLE] if UNREADABLE in values else []
