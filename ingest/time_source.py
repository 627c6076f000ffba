"""Proposes the source of a field of times: a column with its format, or columns that make a time together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

import numpy as np

from ingest.new_year import crosses_new_year
from ingest.readers.blank import is_blank
from ingest.readers.epoch import EPOCH_UNITS
from ingest.readers.moment import ISO, MomentReader
from ingest.readers.time_pattern import TimePattern
from ingest.sources.chunk import Chunk
from ingest.synonyms import plain_name
from ingest.time_guess import EXCEL_START, guess_time, is_excel_serial, is_offset, offset_unit, yearless_format
from ingest.time_parts import JoinedTime, TimeParts, part_of

ASSUMED_START: Final = "2024-01-01"
ASSUMED_YEAR: Final = 2024
_STEPS_OF_DAYS: Final = "zipcodeori"  # BankSim's steps are days, PaySim's and others' hours
_MONTHS: Final = 12


class TimeSource(NamedTuple):
    """The columns, the options of the field, and what is assumed or wrong, as a comment.

    `unread` are columns that seem to be parts of the same time but are not read with it.
    """

    columns: tuple[str, ...]
    options: dict[str, object]
    comment: str = ""
    unread: tuple[str, ...] = ()


def time_source(column: str, sample: Chunk, columns: Iterable[str] = ()) -> TimeSource:
    """The source of times in `column`, joined with others of `columns` where it has only a part of a time."""
    columns = list(columns)
    parts = TimeParts(columns)
    values = [value for value in sample.columns[column] if not is_blank(value)]
    if not values:
        return TimeSource((column,), {})
    found = guess_time(values)
    only_days = bool(found.formats) and _has_only_days(found.formats[0], values)
    if not found.formats or only_days:
        joined = parts.joined(column, sample, ASSUMED_YEAR)
        if joined is not None:
            return _of_parts(joined, parts)
    if found.formats:
        unread = parts.times_of_day() if only_days else ()
        return TimeSource((column,), _format(found.formats[0]), _alternatives(found.formats), tuple(unread))
    if not found.problem:
        counted = _counted(column, values, columns, parts)
        if counted is not None:
            return counted
    return TimeSource((column,), {"format": ISO}, found.problem or "no known format fits: set one")


def _of_parts(joined: JoinedTime, parts: TimeParts) -> TimeSource:
    options = _format(joined.formats[0])
    comments = [_alternatives(joined.formats)]
    if joined.lacks_year:
        options["year"] = ASSUMED_YEAR
        comments.append(f"assumed: the year {ASSUMED_YEAR}, set your own")
    if joined.lacks_day:
        comments.append("assumed: the first day of each month, the table has no days")
    has_clock = "%H" in joined.formats[0] or "%I" in joined.formats[0] or joined.formats[0] == ISO
    unread = () if has_clock else tuple(parts.times_of_day())
    return TimeSource(joined.columns, options, "; ".join(filter(None, comments)), unread)


def _format(name: str) -> dict[str, object]:
    return {} if name == ISO else {"format": name}


def _alternatives(formats: Sequence[str]) -> str:
    return f"or {' or '.join(formats[1:])}" if len(formats) > 1 else ""


def _has_only_days(name: str, values: Sequence[object]) -> bool:
    if name in EPOCH_UNITS:
        return False
    if name == ISO:
        days = (len(value.strip()) <= len("2024-01-01") if isinstance(value, str) else _is_midnight(value)
                for value in values)  # fmt: skip
        return all(days)
    return "%H" not in name and "%I" not in name


def _is_midnight(value: object) -> bool:
    return (value.hour, value.minute, value.second) == (0, 0, 0) if isinstance(value, datetime) else type(value) is date


def _crosses_new_year(name: str, values: Sequence[object]) -> bool:
    read = MomentReader(name, year=ASSUMED_YEAR, pattern=TimePattern(name))
    return crosses_new_year(np.array([read(value) for value in values], np.int64))


def _counted(column: str, values: Sequence[object], columns: Sequence[str], parts: TimeParts) -> TimeSource | None:
    """Times that count from a start, days of a spreadsheet, and times without a year."""
    if is_excel_serial(values):
        return TimeSource((column,), {"format": "days", "start": str(EXCEL_START)}, "days as a spreadsheet counts them")
    yearless = yearless_format(values)
    if yearless is not None:
        comment = f"assumed: the year {ASSUMED_YEAR}, set your own"
        if _crosses_new_year(yearless, values):
            comment += "; the times seem to go over New Year: convert the rows of each year apart"
        return TimeSource((column,), {"format": yearless, "year": ASSUMED_YEAR}, comment)
    if not is_offset(values):
        return None
    if part_of(column) in ("year", "month"):
        if part_of(column) == "year" or parts.has("year", "day"):
            return None
        if not all(float(str(value)) in range(_MONTHS) for value in values):
            return None
        first_days = {str(month): f"{ASSUMED_YEAR}-{month + 1:02}-01" for month in range(_MONTHS)}
        return TimeSource((column,), {"lookup": first_days}, "assumed: months counted from 0; set your own year")
    unit = offset_unit(column, values)
    if plain_name(column) == "step" and _STEPS_OF_DAYS in map(plain_name, columns):
        unit = "days"
    comment = f"assumed: {unit} since this start, set your own"
    return TimeSource((column,), {"format": unit, "start": ASSUMED_START}, comment)
