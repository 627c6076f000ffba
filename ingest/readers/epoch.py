"""Which unit a number that stands for a time is in, by its magnitude."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from ingest.errors import UnreadableValue
from ingest.readers.number import exact_decimal

EPOCH_UNITS: Final = {
    "epoch_s": Decimal(1_000),
    "epoch_ms": Decimal(1),
    "epoch_us": Decimal("0.001"),
    "epoch_ns": Decimal("0.000001"),
}
"""Formats of epoch times: milliseconds of a unit."""
PLAUSIBLE_MS: Final = (315_532_800_000, 4_102_444_800_000)
"""1980 to 2100. As another unit, or as YYYYMMDD with more digits, a number is outside."""
CALENDAR_NUMBERS: Final = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Calendar times written as one number, by the count of digits."""
_YEARS: Final = (1980, 2100)


def unit_of(value: object) -> str | None:
    """The format in which a number, or its text, is a plausible time: one of EPOCH_UNITS or CALENDAR_NUMBERS; or None."""
    if isinstance(value, bool):
        return None
    try:
        number = exact_decimal(value)
    except UnreadableValue:
        return None
    calendar = CALENDAR_NUMBERS.get(len(f"{number:f}")) if number == number.to_integral_value() else None
    if calendar is not None and _is_calendar(f"{number:f}", calendar):
        return calendar
    low, high = PLAUSIBLE_MS
    return next((unit for unit, factor in EPOCH_UNITS.items() if low <= number * factor < high), None)


def _is_calendar(digits: str, pattern: str) -> bool:
    try:
        moment = datetime.strptime(digits, pattern).replace(tzinfo=UTC)
    except ValueError:
        return False
    return _YEARS[0] <= moment.year < _YEARS[1]
