"""Columns of a table, whatever types its file gave them, as ids, numbers, times and flags; what cannot be read is null.

Whole numbers never pass through floating point: a card number of 19 digits has more of them than a double holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ingest.errors import UnreadableValue
from ingest.identifier_encoding import encode_identifier
from ingest.readers.blank import DEFAULT_BLANK_TEXTS
from ingest.readers.flag import FALSE_TEXTS, TRUE_TEXTS
from ingest.readers.moment import ISO, MIN_DATE_MS, MomentReader
from ingest.time_guess import time_formats
from udfs.attribute_values import MAX_TEXT_BYTES
from udfs.codec import MAX_TIMESTAMP_MS

EXACT_INTEGERS_BELOW = 2**53
LATEST_SECOND = MAX_TIMESTAMP_MS // 1000
FORMAT_SAMPLE = 1_000
DAY_MS = 86_400_000
_LOST_DIGITS = r"^[+-]?[0-9]+(\.[0-9]*)?[eE]\+?[0-9]+$"


class TableError(ValueError):
    """A table cannot be used; the message names the file or the column and what to change."""


def texts(column: pa.ChunkedArray, name: str) -> pa.Array:
    """The values as text, null where there is nothing; whole numbers without a decimal point.

    Raises TableError for floating-point numbers that are too large to be exact.
    """
    array = _plain(column)
    kind = array.type
    if pa.types.is_floating(kind):
        array = _whole_numbers(array, name)
    elif pa.types.is_decimal(kind):
        array = pc.replace_substring_regex(pc.cast(array, pa.string()), r"\.0*$", "")
    made = pc.cast(array, pa.string())
    nothing = pc.is_in(pc.utf8_trim_whitespace(made), value_set=pa.array(sorted(DEFAULT_BLANK_TEXTS)))
    return pc.if_else(nothing, None, made)


def numbers_as_ids(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Ids that are numbers, as text: without white space around them, `123.0` as `123`.

    Raises TableError where a program has already written `4.6e+18`: those digits are gone.
    """
    made = pc.utf8_trim_whitespace(texts(column, name))
    lost = pc.index(pc.match_substring_regex(made, _LOST_DIGITS), pa.scalar(True)).as_py()
    if lost >= 0:
        raise TableError(
            f"column {name}: {made[lost].as_py()!r} in row {lost + 1} has lost digits; write whole numbers, not floats"
        )
    return pc.replace_substring_regex(made, r"^([0-9]+)\.0+$", r"\1")


def numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Float64 [N]; NaN for what is no finite number."""
    array = _plain(column)
    if pa.types.is_string(array.type):
        made = pd.to_numeric(array.to_pandas().str.strip(), errors="coerce").to_numpy(np.float64)
    elif _is_numeric(array.type):
        made = pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    else:
        return np.full(len(array), np.nan)
    return np.where(np.isfinite(made), made, np.nan)


def epoch_seconds(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Seconds since 1970 (whole or not, as numbers or text) as milliseconds, int64 [N]; null for what is none.

    Raises TableError where most of them are too large to be seconds.
    """
    array = _plain(column)
    if pa.types.is_timestamp(array.type):
        return pc.cast(pc.cast(array, pa.timestamp("ms", array.type.tz), safe=False), pa.int64())
    seconds = numbers(column)
    is_time = (seconds >= 0) & (seconds <= LATEST_SECOND)
    known = seconds[~np.isnan(seconds)]
    if len(known) and np.median(known) > LATEST_SECOND / 10:
        raise TableError(f"column {name}: {known[0]:.0f} is no time in seconds since 1970; is it in milliseconds?")
    made = np.rint(np.where(is_time, seconds, 0) * 1000).astype(np.int64)
    return pa.array(made, mask=~is_time)


def flags(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Booleans of 0 and 1, true and false, yes and no, in whatever case; null for all else."""
    made = pc.utf8_lower(pc.utf8_trim_whitespace(texts(column, name)))
    made = pc.replace_substring_regex(made, r"^([01])\.0+$", r"\1")
    is_true = pc.is_in(made, value_set=pa.array(sorted(TRUE_TEXTS)))
    known = pc.or_(is_true, pc.is_in(made, value_set=pa.array(sorted(FALSE_TEXTS))))
    return pc.if_else(known, is_true, None)


def dates(column: pa.ChunkedArray) -> pa.Array:
    """Dates of dates, of times and of texts in any of the usual formats; null for what is none."""
    array = _plain(column)
    if pa.types.is_temporal(array.type):
        return pc.cast(array, pa.date32(), safe=False)
    if not pa.types.is_string(array.type):
        return pa.nulls(len(array), pa.date32())
    found = [value for value in array.to_pylist() if value is not None and value.strip() not in DEFAULT_BLANK_TEXTS]
    reader = MomentReader((time_formats(found[:FORMAT_SAMPLE]) or [ISO])[0], minimum_ms=MIN_DATE_MS)
    made = {value: _day(reader, value) for value in set(found)}
    return pa.array([made.get(value) for value in array.to_pylist()], pa.int32()).cast(pa.date32())


def short_texts(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Texts as attributes take them: of one that is too long a readable start and its hash."""
    made = pc.utf8_trim_whitespace(texts(column, name))
    if (pc.max(pc.binary_length(made)).as_py() or 0) <= MAX_TEXT_BYTES:
        return made
    short = [
        text if text is None or len(text.encode()) <= MAX_TEXT_BYTES else encode_identifier(text)
        for text in made.to_pylist()
    ]
    return pa.array(short, pa.string())


def within(values: npt.NDArray[np.float64], limit: float) -> npt.NDArray[np.float64]:
    """The values from -limit to limit, NaN in place of the others."""
    return np.where(np.abs(values) <= limit, values, np.nan)


def first_of_each(keys: Iterable[pa.Array]) -> npt.NDArray[np.int64]:
    """Row numbers, ascending, of the first row of each distinct combination of keys [N]."""
    code = np.zeros(0, np.int64)
    for key in keys:
        encoded = key.dictionary_encode()
        codes = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
        if not len(code):
            code = codes
        else:
            # Numbered anew after each key, so that no product of two counts outgrows 64 bits.
            _, code = np.unique(code * (len(encoded.dictionary) + 1) + codes, return_inverse=True)
    _, first = np.unique(code, return_index=True)
    return np.sort(first)


def _day(reader: MomentReader, value: str) -> int | None:
    try:
        return reader(value) // DAY_MS
    except UnreadableValue:
        return None


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """One array; dictionaries and large strings as plain strings."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_large_string(kind):
        column = column.cast(pa.string())
    made = column.combine_chunks()
    return made if isinstance(made, pa.Array) else pa.concat_arrays(made.chunks)


def _whole_numbers(array: Any, name: str) -> pa.Array:
    values = array.to_numpy(zero_copy_only=False)
    known = np.isfinite(values)
    wrong = known & ((np.abs(values) >= EXACT_INTEGERS_BELOW) | (values != np.trunc(values)))
    if wrong.any():
        value = values[wrong][0]
        raise TableError(
            f"column {name}: the floating-point number {value!s} is no exact whole number; store whole numbers or text"
        )
    return pa.array(np.where(known, values, 0).astype(np.int64), mask=~known)


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )
