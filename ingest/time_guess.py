"""Detects the time format of sample values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ingest.errors import UnreadableValue
from ingest.readers.epoch import CALENDAR_NUMBERS, EPOCH_UNITS, unit_of
from ingest.readers.moment import ISO, MIN_DATE_MS, MomentReader, has_lost_digits
from ingest.readers.number import exact_decimal
from ingest.readers.time_pattern import TimePattern

DATES: Final = (
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%b %d %Y",
    "%b %d, %Y",
    "%B %d, %Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%y%m%d", "%Y-%m-%d", "%Y%m%d",
)  # fmt: skip
_TIMES: Final = (
    " %H:%M:%S", " %H:%M:%S.%f", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "", " %H%M%S", " %H.%M.%S", " %H", " %H:%M:%S %z",
    " %H:%M:%S %Z", " %H:%M %z", " %H:%M %Z", "T%H:%M:%S%z",
)  # fmt: skip
PATTERNS: Final = (
    *(day + time for day in DATES for time in _TIMES),
    *CALENDAR_NUMBERS.values(),
    "%a %b %d %H:%M:%S %Z %Y", "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S %z", "%Y %m %d %H:%M", "%Y %m %d %H:%M:%S",
    "%Y %m %d",
)  # fmt: skip
YEARLESS: Final = ("%m-%d %H:%M:%S", "%m/%d %H:%M:%S", "%m/%d %H:%M", "%d.%m. %H:%M", "%b %d %H:%M:%S", "%b %d %H:%M")
"""Patterns that need a `year`."""
EXCEL_START: Final = date(1899, 12, 30)
_EXCEL_DAYS: Final = (29_221, 73_050)  # 1980 to 2099 as a spreadsheet counts days
_UTC: Final = ZoneInfo("UTC")


class TimeGuess(NamedTuple):
    """`formats` that read all values, the likeliest first; where there are none, `problem` says why, if that is known."""

    formats: tuple[str, ...]
    problem: str = ""


def time_formats(values: Sequence[object]) -> list[str]:
    """The formats that read all values, the most likely first. No value may be blank."""
    return list(guess_time(values).formats)


def guess_time(values: Sequence[object]) -> TimeGuess:
    """The formats of values, none of which is blank; a unit of epoch time by its magnitude."""
    if all(isinstance(value, date) for value in values):
        return TimeGuess((ISO,))
    units = {unit_of(value) for value in values}
    if any(has_lost_digits(value, str(unit_of(value))) for value in values):
        return TimeGuess((), "its numbers are written with an exponent and have lost digits: export them as text")
    if len(units) == 1 and (unit := units.pop()) is not None:
        return TimeGuess((unit,))
    if len(units) > 1 and None not in units:
        named = " and ".join(sorted(str(unit) for unit in units))
        return TimeGuess((), f"its numbers are of several units: {named}; convert them to one")
    if _reads_all(ISO, values):
        return TimeGuess((ISO,))
    return TimeGuess(tuple(formats_that_read(PATTERNS, values)))


def formats_that_read(names: Iterable[str], values: Sequence[object], year: int | None = None) -> list[str]:
    """The formats of `names` that read all values; none for no values. `year` completes patterns without one."""
    return [name for name in dict.fromkeys(names) if values and _reads_all(name, values, year)]


def yearless_format(values: Sequence[object]) -> str | None:
    """The pattern without a year that reads all values; None if there is none."""
    leap_year = 2024
    return next((name for name in YEARLESS if _reads_all(name, values, leap_year)), None)


def is_excel_serial(values: Sequence[object]) -> bool:
    """Whether all values are days as spreadsheets count them, 45306.4375, of plausible years."""
    numbers = [_number(value) for value in values]
    low, high = _EXCEL_DAYS
    return all(number is not None and low <= number < high for number in numbers)


def is_offset(values: Sequence[object]) -> bool:
    """Whether all values are numbers from 0 up that are no times themselves: counted since some start."""
    numbers = [_number(value) for value in values]
    return all(number is not None and 0 <= number < 10**8 and unit_of(value) is None
               for number, value in zip(numbers, values, strict=True))  # fmt: skip


def offset_unit(column: str, values: Sequence[object]) -> str:
    """The likeliest unit of times since a start, by the column's name and the largest value."""
    name = column.lower()
    for unit, words in (
        ("days", ("day",)),
        ("hours", ("hour", "step")),
        ("minutes", ("minute",)),
        ("weeks", ("week",)),
        ("seconds", ("second", "time", "dt", "elapsed")),
    ):
        if any(word in name for word in words):
            return unit
    largest = max(float(number) for number in map(_number, values) if number is not None)
    return "seconds" if largest >= 5_000 else "hours" if largest > 400 else "days"


def _number(value: object) -> float | None:
    if isinstance(value, bool | date | timedelta):
        return None
    try:
        return float(exact_decimal(value))
    except UnreadableValue:
        return None


def _reads_all(name: str, values: Sequence[object], year: int | None = None) -> bool:
    pattern = TimePattern(name) if "%" in name else None
    reader = MomentReader(name, _UTC, MIN_DATE_MS, year=year, pattern=pattern)
    try:
        for value in values:
            reader(value)
    except UnreadableValue:
        return False
    return name not in EPOCH_UNITS
