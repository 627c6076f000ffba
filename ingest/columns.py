"""Converts rows by column: each distinct value is converted once, native timestamps as one array.

`ingest.rows` is the reference implementation; this module is a faster path with the same results. Values that cannot be
read are marked UNREADABLE, and their rows are converted by `ingest.rows`, which raises the RowError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from ingest.errors import RowError, UnreadableValue
from ingest.mapping import Mapping as RowMapping
from ingest.plan import FieldPlan
from ingest.readers.moment import UTC_ZONE, MomentReader
from ingest.row_identity import row_identity
from ingest.rows import Records, build_records, records_from_row
from ingest.sources.chunk import Chunk
from ingest.sources.timestamps import TimestampColumn
from udfs.records.codec import MAX_TIMESTAMP_MS

UNREADABLE = object()
# Within one of these types, equal values are read alike, so that distinct values can be converted once. Across types they
# are not: 1, 1.0 and True are equal.
_MEMOIZABLE_TYPES = frozenset({str, int, float, bool})


def records_from_chunk(chunk: Chunk, mapping: RowMapping) -> Iterator[Records | RowError]:
    """Yields the records of each row in order; for an unreadable row the RowError of `records_from_row`."""
    columns = dict(chunk.columns)
    for nested in mapping.nested:  # all readers reject UNREADABLE, so values derived from one are UNREADABLE too
        columns[nested.into] = _converted(columns[nested.column], nested.value)
    values = [_values(plan, chunk, columns) for plan in mapping.plans]
    bad = {index for column in values for index in _unreadable(column)}
    for index, (row_number, row_values) in enumerate(zip(chunk.row_numbers, zip(*values, strict=True), strict=True)):
        try:
            if index in bad:
                yield records_from_row(chunk.row(index), mapping, row_number)
            else:
                yield build_records(row_values, mapping, row_number)
        except RowError as error:
            yield error


def _values(plan: FieldPlan, chunk: Chunk, columns: Mapping[str, Sequence[object]]) -> Sequence[object]:
    """`columns` are the chunk's and those that are nested in them."""
    if plan.is_constant:
        return [plan.constant] * len(chunk.row_numbers)
    if plan.is_row_number:
        names = list(chunk.columns)
        rows = zip(*chunk.columns.values(), strict=True) if names else ((),) * len(chunk.row_numbers)
        identities = [
            row_identity(number, dict(zip(names, row, strict=True)))
            for number, row in zip(chunk.row_numbers, rows, strict=True)
        ]
        return _converted(identities, plan.convert)
    parts = [columns[column.name] for column in plan.columns]
    if len(parts) == 1 and not plan.columns[0].path:
        return _converted_column(parts[0], plan)
    names = [column.name for column in plan.columns]
    cells = zip(*parts, strict=True)
    return [_attempt(lambda row: plan.value_of(row, 0), dict(zip(names, row, strict=True))) for row in cells]


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
    """Equivalent of MomentReader for a whole column."""
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
    if len(types) == 1 and types <= _MEMOIZABLE_TYPES:
        converted = {value: _attempt(convert, value) for value in set(values)}
        return [converted[value] for value in values]
    return [_attempt(convert, value) for value in values]


def _attempt(convert: Callable[..., object], value: object) -> object:
    try:
        return convert(value)
    except UnreadableValue:
        return UNREADABLE


def _unreadable(values: Sequence[object]) -> list[int]:
    return [index for index, value in enumerate(values) if value is UNREADABLE] if UNREADABLE in values else []
