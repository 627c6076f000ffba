"""Which time format a sample of values has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ingest.errors import UnreadableValue
from ingest.readers.moment import ISO, MIN_DATE_MS, MomentReader
from ingest.readers.number import exact_decimal

_DATES = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%d-%b-%Y", "%d %b %Y")
_TIMES = (" %H:%M:%S", " %H:%M:%S.%f", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "")
PATTERNS = (*(day + time for day in _DATES for time in _TIMES), "%Y%m%d%H%M%S")
# Epoch times of the years 1973 to 2128; a number outside all three is no epoch time that anyone can tell.
_EPOCH_RANGES = {"epoch_s": (1e8, 5e9), "epoch_ms": (1e11, 5e12), "epoch_us": (1e14, 5e15)}


def time_formats(values: Sequence[object]) -> list[str]:
    """The formats by which every one of the values (none of them blank) can be read, the likeliest first."""
    if all(isinstance(value, date) for value in values):
        return [ISO]
    by_magnitude = [
        name for name, (low, high) in _EPOCH_RANGES.items() if all(_within(value, low, high) for value in values)
    ]
    return by_magnitude or [
        name for name in (ISO, *PATTERNS) if _reads_all(MomentReader(name, minimum_ms=MIN_DATE_MS), values)
    ]


def _within(value: object, low: float, high: float) -> bool:
    try:
        return low <= exact_decimal(value) < high
    except UnreadableValue:
        return False


def _reads_all(reader: MomentReader, values: Sequence[object]) -> bool:
    try:
        for value in values:
            reader(value)
    except UnreadableValue:
        return False
    return True
