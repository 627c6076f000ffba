"""Converts columns of any file type to ids, numbers, times and flags; unreadable values become null.

Whole numbers are never converted to floating point: a card number of 19 digits exceeds the precision of a double.
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
from ingest.readers.blank import is_blank as is_blank_value
from ingest.readers.flag import FALSE_TEXTS, TRUE_TEXTS
from ingest.readers.moment import ISO, MIN_DATE_MS, MomentReader
from ingest.time_guess import time_formats
from udfs.records.attribute_values import MAX_TEXT_BYTES
from udfs.records.blank_texts import BLANK_TEXTS
from udfs.records.codec import MAX_TIMESTAMP_MS

EXACT_INTEGERS_BELOW = 2**53
LATEST_SECOND = MAX_TIMESTAMP_MS // 1000
FORMAT_SAMPLE = 1_000
DAY_MS = 86_400_000
_LOST_DIGITS = r"^[+-]?[0-9]+(\.[0-9]*)?[eE]\+?[0-9]+$"


class TableError(ValueError):
    """A table is unusable; the message names the file or column and the remedy."""


def texts(column: pa.ChunkedArray, name: str) -> pa.Array:
    """The values as text, null where blank; whole numbers without a decimal point.

    Raises TableError for floating-point numbers outside the range of exact integers.
    """
    array = _plain(column)
    kind = array.type
    if pa.types.is_floating(kind):
        array = _whole_numbers(array, name)
    elif pa.types.is_decimal(kind):
        array = pc.replace_substring_regex(pc.cast(array, pa.string()), r"\.0*$", "")
    values = pc.cast(array, pa.string())
    is_blank = pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(values)), value_set=pa.array(sorted(BLANK_TEXTS)))
    return pc.if_else(is_blank, None, values)


def numbers_as_ids(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Numeric ids as text, stripped, with `123.0` as `123`.

    Raises TableError for texts such as `4.6e+18`, whose digits are lost.
    """
    values = pc.utf8_trim_whitespace(texts(column, name))
    lost = pc.index(pc.match_substring_regex(values, _LOST_DIGITS), pa.scalar(True)).as_py()
    if lost >= 0:
        raise TableError(
            f"column {name}: {values[lost].as_py()!r} in row {lost + 1} has lost digits; write whole numbers, not floats"
        )
    return pc.replace_substring_regex(values, r"^([0-9]+)\.0+$", r"\1")


def numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Float64 [N]; NaN for values that are not finite numbers."""
    array = _plain(column)
    if pa.types.is_string(array.type):
        values = pd.to_numeric(array.to_pandas().str.strip(), errors="coerce").to_numpy(np.float64)
    elif _is_numeric(array.type):
        values = pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    else:
        return np.full(len(array), np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def epoch_seconds(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Seconds since 1970 (numbers or text, with or without fraction) as milliseconds, int64 [N]; null where invalid.

    Raises TableError where the median is too large for seconds.
    """
    array = _plain(column)
    if pa.types.is_timestamp(array.type):
        return pc.cast(pc.cast(array, pa.timestamp("ms", array.type.tz), safe=False), pa.int64())
    seconds = numbers(column)
    is_time = (seconds >= 0) & (seconds <= LATEST_SECOND)
    known = seconds[~np.isnan(seconds)]
    if len(known) and np.median(known) > LATEST_SECOND / 10:
        raise TableError(f"column {name}: {known[0]:.0f} is not a time in seconds since 1970; is it in milliseconds?")
    times_ms = np.rint(np.where(is_time, seconds, 0) * 1000).astype(np.int64)
    return pa.array(times_ms, mask=~is_time)


def flags(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Booleans of 0/1, true/false and yes/no in any case; null for other values."""
    values = pc.utf8_lower(pc.utf8_trim_whitespace(texts(column, name)))
    values = pc.replace_substring_regex(values, r"^([01])\.0+$", r"\1")
    is_true = pc.is_in(values, value_set=pa.array(sorted(TRUE_TEXTS)))
    known = pc.or_(is_true, pc.is_in(values, value_set=pa.array(sorted(FALSE_TEXTS))))
    return pc.if_else(known, is_true, None)


def dates(column: pa.ChunkedArray) -> pa.Array:
    """Dates (date32) from dates, times and texts in any common format; null where invalid."""
    array = _plain(column)
    if pa.types.is_temporal(array.type):
        return pc.cast(array, pa.date32(), safe=False)
    if not pa.types.is_string(array.type):
        return pa.nulls(len(array), pa.date32())
    found = [value for value in array.to_pylist() if not is_blank_value(value)]
    reader = MomentReader((time_formats(found[:FORMAT_SAMPLE]) or [ISO])[0], minimum_ms=MIN_DATE_MS)
    days = {value: _day(reader, value) for value in set(found)}
    return pa.array([days.get(value) for value in array.to_pylist()], pa.int32()).cast(pa.date32())


def short_texts(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Texts within the length limit of attributes; a longer one is replaced by its prefix and hash."""
    values = pc.utf8_trim_whitespace(texts(column, name))
    if (pc.max(pc.binary_length(values)).as_py() or 0) <= MAX_TEXT_BYTES:
        return values
    short = [
        text if text is None or len(text.encode()) <= MAX_TEXT_BYTES else encode_identifier(text)
        for text in values.to_pylist()
    ]
    return pa.array(short, pa.string())


def within(values: npt.NDArray[np.float64], limit: float) -> npt.NDArray[np.float64]:
    """The values, NaN where outside -limit to limit."""
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
            # Renumber after each key, so that the product of two counts fits 64 bits.
            _, code = np.unique(code * (len(encoded.dictionary) + 1) + codes, return_inverse=True)
    _, first = np.unique(code, return_index=True)
    return np.sort(first)


def _day(reader: MomentReader, value: str) -> int | None:
    try:
        return reader(value) // DAY_MS
    except UnreadableValue:
        return None


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array, with dictionaries decoded and large strings as strings."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_large_string(kind):
        column = column.cast(pa.string())
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def _whole_numbers(array: Any, name: str) -> pa.Array:
    values = array.to_numpy(zero_copy_only=False)
    known = np.isfinite(values)
    wrong = known & ((np.abs(values) >= EXACT_INTEGERS_BELOW) | (values != np.trunc(values)))
    if wrong.any():
        value = values[wrong][0]
        raise TableError(
            f"column {name}: the float {value!s} is not an exact whole number; store whole numbers or text"
        )
    return pa.array(np.where(known, values, 0).astype(np.int64), mask=~known)


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )
