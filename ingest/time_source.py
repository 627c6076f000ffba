"""Proposes the source of a field of times: a column with its format, or columns that make a time together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from ingest.errors import UnreadableValue
from ingest.readers.blank import is_blank
from ingest.readers.epoch import EPOCH_UNITS
from ingest.readers.moment import ISO
from ingest.readers.text import plain_text
from ingest.sources.chunk import Chunk
from ingest.synonyms import plain_name
from ingest.time_guess import EXCEL_START, guess_time, is_excel_serial, is_offset, offset_unit, yearless_format

ASSUMED_START: Final = "2024-01-01"
ASSUMED_YEAR: Final = 2024
_DAYS: Final = ("date", "day", "transactiondate", "txndate", "transdate", "txdate", "eventdate", "bookingdate")
_CLOCKS: Final = ("time", "transactiontime", "txntime", "transtime", "txtime", "eventtime", "timeofday", "bookingtime")
_CALENDAR: Final = ("year", "month", "day")
_STEPS_OF_DAYS: Final = "zipcodeori"  # BankSim's steps are days, PaySim's and others' hours
_MONTHS: Final = 12


class TimeSource(NamedTuple):
    """The columns, the options of the field, and what is assumed or wrong, as a comment."""

    columns: tuple[str, ...]
    options: dict[str, object]
    comment: str = ""


def time_source(column: str, sample: Chunk, columns: Iterable[str] = ()) -> TimeSource:
    """The source of times in `column`, joined with others of `columns` where it has only a day or a time of day."""
    columns = list(columns)
    values = [value for value in sample.columns[column] if not is_blank(value)]
    if not values:
        return TimeSource((column,), {})
    found = guess_time(values)
    if not found.formats or _has_only_days(found.formats[0], values):
        joined = _joined(column, sample, columns)
        if joined is not None:
            return joined
    if found.formats:
        return TimeSource((column,), _format(found.formats[0]), _alternatives(found.formats))
    if not found.problem:
        counted = _counted(column, values, columns)
        if counted is not None:
            return counted
    return TimeSource((column,), {"format": ISO}, found.problem or "no known format fits: set one")


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


def _joined(column: str, sample: Chunk, columns: Sequence[str]) -> TimeSource | None:
    """The column joined with those of the day, or of the time of day; None where no format reads them together."""
    by_name = {plain_name(other): other for other in columns}
    name = plain_name(column)
    calendar = [by_name[part] for part in _CALENDAR if part in by_name]
    days = [[by_name[day]] for day in _DAYS if day in by_name and by_name[day] != column]
    clocks = [by_name[clock] for clock in _CLOCKS if clock in by_name and by_name[clock] != column]
    candidates = [[*day, column] for day in days] if name in _CLOCKS else []
    candidates += [[column, clock] for clock in clocks] if name not in _CLOCKS else []
    if len(calendar) == len(_CALENDAR):
        candidates += (
            [[*calendar, column]] if name in _CLOCKS else [[*calendar, clock] for clock in clocks] or [calendar]
        )
    for parts in candidates:
        texts = _texts(parts, sample)
        formats = guess_time(texts).formats if texts else ()
        if formats and not _has_only_days(formats[0], texts):
            return TimeSource(tuple(parts), _format(formats[0]), _alternatives(formats))
    return None


def _texts(parts: Sequence[str], sample: Chunk) -> list[str]:
    """The columns' values joined by spaces, as a mapping joins them; empty where one of them is no text or number."""
    rows = zip(*(sample.columns[part] for part in parts), strict=True)
    try:
        return [
            " ".join(cell.date().isoformat() if isinstance(cell, datetime) else plain_text(cell) for cell in row)
            for row in rows
            if not any(map(is_blank, row))
        ]
    except UnreadableValue:
        return []


def _counted(column: str, values: Sequence[object], columns: Sequence[str]) -> TimeSource | None:
    """Times that count from a start, days of a spreadsheet, and times without a year."""
    if is_excel_serial(values):
        return TimeSource((column,), {"format": "days", "start": str(EXCEL_START)}, "days as a spreadsheet counts them")
    yearless = yearless_format(values)
    if yearless is not None:
        comment = f"assumed: the year {ASSUMED_YEAR}, set your own"
        return TimeSource((column,), {"format": yearless, "year": ASSUMED_YEAR}, comment)
    if not is_offset(values):
        return None
    if plain_name(column) == "month":
        if not all(float(str(value)) in range(_MONTHS) for value in values):
            return None
        first_days = {str(month): f"{ASSUMED_YEAR}-{month + 1:02}-01" for month in range(_MONTHS)}
        return TimeSource((column,), {"lookup": first_days}, "assumed: months counted from 0; set your own year")
    unit = offset_unit(column, values)
    if plain_name(column) == "step" and _STEPS_OF_DAYS in map(plain_name, columns):
        unit = "days"
    comment = f"assumed: {unit} since this start, set your own"
    return TimeSource((column,), {"format": unit, "start": ASSUMED_START}, comment)
