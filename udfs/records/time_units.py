"""Numbers that are times, but no epoch milliseconds: seconds, microseconds, calendar numbers, days of a spreadsheet."""

from __future__ import annotations

from datetime import datetime
from typing import Final

FIRST_WRONG_UNIT_MS: Final = 10_000
"""Smaller numbers are the first seconds of 1970 in any unit."""
EARLIEST_EVENT_MS: Final = 10**11
"""1973-03-03. Earlier times are numbers in another unit."""
_FIRST_EPOCH_SECONDS: Final = 10**8
_LARGER_UNITS: Final = {"microseconds": (10**14, 10**17), "nanoseconds": (10**17, 10**20)}  # of the years 1973 to 5138
_CALENDAR: Final = {
    8: ("%Y%m%d", "YYYYMMDD"),
    12: ("%Y%m%d%H%M", "YYYYMMDDHHMM"),
    14: ("%Y%m%d%H%M%S", "YYYYMMDDHHMMSS"),
}
_YEARS: Final = range(1970, 2100)
_SPREADSHEET_DAYS: Final = range(25_569, 73_051)  # 1970 to 2099


def calendar_form(number: int) -> str | None:
    """The form of a calendar time that a number is, as YYYYMMDD, of the years 1970 to 2099; None for other numbers."""
    text = str(number)
    pattern, form = _CALENDAR.get(len(text), ("", None))
    if form is None or int(text[:4]) not in _YEARS:
        return None
    try:
        datetime.strptime(text, pattern)
    except ValueError:
        return None
    return form


def early_time(milliseconds: int) -> str:
    """What a number from FIRST_WRONG_UNIT_MS to EARLIEST_EVENT_MS looks like."""
    form = calendar_form(milliseconds)
    if form is not None:
        return f"a calendar time ({form})"
    if milliseconds >= _FIRST_EPOCH_SECONDS:
        return "epoch seconds"
    return "days of a spreadsheet" if milliseconds in _SPREADSHEET_DAYS else "a count in another unit"


def larger_unit(number: int) -> str | None:
    """The unit of a number after the year 9999 in milliseconds; None where it is none."""
    return next((unit for unit, (low, high) in _LARGER_UNITS.items() if low <= number < high), None)
