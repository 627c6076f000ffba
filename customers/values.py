"""Values as drivers give them, as arrays: what is missing, and what cannot be read as its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from customers.schema import Kind

NO_TIME = np.iinfo(np.int64).min
MILLISECONDS_FROM = 1e11
"""Numbers of this size and above are epoch milliseconds, below it epoch seconds (until the year 5138)."""
_EPOCH = datetime(1970, 1, 1)
_TRUE = {"t", "true", "y", "yes", "1"}
_FALSE = {"f", "false", "n", "no", "0"}
_LARGEST_TIME_MS = 253_402_300_799_999


class Unreadable(Exception):
    """The value is not of its column's kind."""


class Values(NamedTuple):
    """A column of N values: times int64 epoch milliseconds (NO_TIME), numbers and flags float64 (NaN), texts objects (None).

    `missing`: how many were null or empty. `unreadable`: how many could not be read, which are as if missing, with an
    `example`.
    """

    array: npt.NDArray[Any]
    missing: int
    unreadable: int
    example: str | None


def values_of(kind: Kind, raw: Sequence[Any]) -> Values:
    """Read a column."""
    read, nothing, dtype = _READERS[kind]
    out: list[Any] = []
    missing = unreadable = 0
    example = None
    for value in raw:
        if value is None or (isinstance(value, str) and not value.strip()):
            missing += 1
            out.append(nothing)
            continue
        try:
            out.append(read(value))
        except (Unreadable, ValueError, OverflowError, ArithmeticError, TypeError):
            unreadable += 1
            out.append(nothing)
            example = example if example is not None else ascii(value)[:60]
    array = np.empty(len(out), dtype=dtype)
    array[:] = out
    return Values(array, missing, unreadable, example)


def time_ms(value: Any) -> int:
    """Epoch milliseconds of a moment. Without an offset it is UTC; a date is its midnight. Raises Unreadable, ValueError."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return int((value - _EPOCH) // timedelta(milliseconds=1))
    if isinstance(value, date):
        return (value - _EPOCH.date()).days * 86_400_000
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = float(value)
        milliseconds = number if abs(number) >= MILLISECONDS_FROM else number * 1000
        if isfinite(number) and abs(milliseconds) <= _LARGEST_TIME_MS:
            return int(milliseconds)
    raise Unreadable


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise Unreadable
    number = float(value)
    if not isfinite(number):
        raise Unreadable
    return number


def _flag(value: Any) -> float:
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float | Decimal) and value in (0, 1):
        return float(value)
    if isinstance(value, bytes) and value in (b"\x00", b"\x01"):  # MySQL's BIT(1)
        return float(value == b"\x01")
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in _TRUE or word in _FALSE:
        return float(word in _TRUE)
    raise Unreadable


def text_of(value: Any) -> str:
    """An id or a text: numbers without fractions as whole numbers, spaces around it left out."""
    if isinstance(value, float | Decimal) and value == int(value):
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode()
    return str(value).strip()


_READERS: dict[Kind, tuple[Callable[[Any], Any], Any, Any]] = {
    "id": (text_of, None, object),
    "text": (text_of, None, object),
    "time": (time_ms, NO_TIME, np.int64),
    "number": (_number, np.nan, np.float64),
    "flag": (_flag, np.nan, np.float64),
}
