"""Converts Arrow columns to Python values without float noise and with nulls as None."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.readers.rounded_number import EXACT_INTEGERS_BELOW_OF, RoundedNumber
from ingest.sources.timestamps import TimestampColumn

_PER_MILLISECOND = {"us": 1_000, "ns": 1_000_000}
_MILLISECONDS = {"s": 1_000, "ms": 1}
_FAR_MS = 2**62


def values_of(array: Any) -> Sequence[object]:
    """The values of an Arrow array (any type) as a sequence.

    32-bit floats become the double of their shortest decimal text (57.16, not 57.15999984741211), those too large for exact
    whole numbers a RoundedNumber, which is no id. Invalid UTF-8 in texts and bytes becomes surrogates, which all readers
    reject.
    """
    kind = array.type
    if pa.types.is_dictionary(kind):
        return values_of(array.dictionary_decode())
    if pa.types.is_timestamp(kind):
        return _timestamps(array)
    if pa.types.is_date64(kind):
        array = array.cast(pa.date32())
        kind = array.type
    if pa.types.is_integer(kind):
        return _with_nulls(array.fill_null(0).to_numpy(zero_copy_only=False).tolist(), array)
    if pa.types.is_floating(kind):
        return _with_nulls(_floats(array.to_numpy(zero_copy_only=False)), array)
    if _is_list(kind) and pa.types.is_floating(kind.value_type):
        elements = iter(values_of(array.flatten()))
        lengths = array.value_lengths().fill_null(0).to_pylist()
        return _with_nulls([list(islice(elements, length)) for length in lengths], array)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _texts(array)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return [None if value is None else value.decode("utf-8", "surrogateescape") for value in array.to_pylist()]
    if pa.types.is_date32(kind):
        return _with_nulls([_day(value) for value in array.fill_null(0).to_numpy(zero_copy_only=False).tolist()], array)
    values: list[object] = array.to_pylist()
    return values


def _is_list(kind: Any) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _floats(numbers: npt.NDArray[Any]) -> list[object]:
    if numbers.dtype == np.float64:
        return list(numbers.tolist())
    values: list[object] = numbers.astype(str).astype(np.float64).tolist()
    with np.errstate(invalid="ignore"):
        inexact = np.flatnonzero(np.isfinite(numbers) & (np.abs(numbers) >= EXACT_INTEGERS_BELOW_OF[numbers.itemsize]))
    for index in inexact.tolist():
        values[index] = RoundedNumber(values[index])
    return values


def _with_nulls(values: list[object], array: Any) -> list[object]:
    if array.null_count:
        for index in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).tolist():
            values[index] = None
    return values


def _texts(array: Any) -> list[object]:
    try:
        values: list[object] = array.to_numpy(zero_copy_only=False).tolist()
        return values
    except (UnicodeDecodeError, pa.ArrowException):
        large = pa.types.is_large_string(array.type)
        return list(values_of(array.view(pa.large_binary() if large else pa.binary())))


def _day(value: object) -> object:
    return f"day {value} since 1970" if isinstance(value, int) else value  # outside Python's range of years


def _timestamps(array: Any) -> TimestampColumn:
    unit = array.type.unit
    raw = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    if unit in _PER_MILLISECOND:
        epoch_ms = np.floor_divide(raw, _PER_MILLISECOND[unit])
    else:
        factor = _MILLISECONDS[unit]
        epoch_ms = np.clip(raw, -_FAR_MS // factor, _FAR_MS // factor) * factor
    return TimestampColumn(epoch_ms, array.is_null().to_numpy(zero_copy_only=False), array.type.tz is not None)
