"""Times whose parts stand in several columns: a day and a time of day, a day and an hour, or year, month and day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import product
from typing import Final, NamedTuple

from ingest.errors import UnreadableValue
from ingest.readers.blank import is_blank
from ingest.readers.moment import ISO
from ingest.readers.text import plain_text, without_point
from ingest.sources.chunk import Chunk
from ingest.synonyms import plain_name
from ingest.time_guess import DATES, formats_that_read

_BEFORE_THE_PART: Final = re.compile(r"^(?:transaction|trans|txn|trx|tx|event|booking)+")
_NAMES: Final = {
    "year": ("year", "yr", "yyyy"),
    "month": ("month", "mon"),
    "day": ("day", "dayofmonth", "dom"),
    "date": ("date", "calendardate"),
    "time": ("time", "timeofday", "clocktime"),
    "hour": ("hour", "hourofday", "hours", "hr"),
    "minute": ("minute", "minutes", "min"),
    "second": ("second", "seconds", "sec"),
}
_PART_OF: Final = {name: part for part, names in _NAMES.items() for name in names}
_CALENDAR: Final = ("year", "month", "day")
_TIMES: Final = (
    " %H:%M:%S", " %H:%M:%S.%f", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %H.%M.%S", " %H:%M:%S %z", " %H:%M:%S %Z",
    " %H:%M %z", " %H:%M %Z",
)  # fmt: skip
_NUMBER_TIMES: Final = ((24, " %H"), (2_400, " %H%M"), (240_000, " %H%M%S"))
"""Times of day written as one number below a limit."""
_UNIT_TIMES: Final = (("hour", "minute", "second"), ("hour", "minute"), ("hour",))
_CALENDAR_DAYS: Final = ("%Y %m %d", "%y %m %d", "%Y %b %d", "%Y %B %d", "%y %b %d", "%y %B %d")
_MONTHS: Final = ("%Y %m", "%Y %b", "%Y %B", "%y %m", "%y %b", "%y %B")
_YEARLESS_DAYS: Final = ("%m %d", "%b %d", "%B %d")
_MIDNIGHT: Final = re.compile(r"[ T]0?0:00(?::00(?:\.0+)?)?$")


class JoinedTime(NamedTuple):
    """The columns of a time, the formats that read them, the likeliest first, and whether these lack a year or a day."""

    columns: tuple[str, ...]
    formats: tuple[str, ...]
    lacks_year: bool = False
    lacks_day: bool = False


class TimeParts:
    """The columns of a table that are parts of a time by their names."""

    def __init__(self, columns: Iterable[str]) -> None:
        self._columns: dict[str, str] = {}
        for column in columns:
            part = part_of(column)
            if part is not None:
                self._columns.setdefault(part, column)

    def joined(self, column: str, sample: Chunk, year: int) -> JoinedTime | None:
        """The likeliest time that `column` is a part of; None where no format reads it together with others.

        `year` completes a time without one.
        """
        return next(self._readable(column, sample, year), None)

    def times_of_day(self) -> list[str]:
        """The columns of a time of day."""
        return [self._columns[part] for part in ("time", "hour", "minute", "second") if part in self._columns]

    def has(self, *parts: str) -> bool:
        return any(part in self._columns for part in parts)

    def _readable(self, column: str, sample: Chunk, year: int) -> Iterator[JoinedTime]:
        clocks = self._clocks()
        own = part_of(column)
        if own in _CALENDAR or own == "time" or not clocks:
            yield from self._of_calendar(column, clocks, sample, year)
        candidates: list[tuple[str, tuple[str, ...]]] = []
        if own == "time":
            candidates = [(self._columns[part], (column,)) for part in ("date", "day") if part in self._columns]
        elif own not in ("year", "month"):
            candidates = [(column, clock) for clock in clocks]
        for day, clock in candidates:
            texts, midnight = _without_midnight(_texts([day], sample))
            iso = (ISO,) if not midnight else ()
            names = (*iso, *(f"{name}{midnight}{time}" for name, time in product(DATES, _times(clock, sample))))
            formats = formats_that_read(names, _texts([day, *clock], sample)) if texts else []
            if formats:
                yield JoinedTime((day, *clock), (ISO,) if ISO in formats else tuple(formats))

    def _of_calendar(
        self, column: str, clocks: Sequence[tuple[str, ...]], sample: Chunk, year: int
    ) -> Iterator[JoinedTime]:
        """The time of a year, a month and a day, of which `column` is one, or whose time of day it is."""
        found = [self._columns[part] for part in _CALENDAR if part in self._columns]
        is_clock = part_of(column) == "time"
        if column not in found and not is_clock:
            return
        if is_clock:
            clocks = [(column,)]
        lacks_year, lacks_day = "year" not in self._columns, "day" not in self._columns
        if len(found) < 2 or "month" not in self._columns or (lacks_day and is_clock):
            return
        days = _MONTHS if lacks_day else _YEARLESS_DAYS if lacks_year else _CALENDAR_DAYS
        for clock in [*(() if lacks_day else clocks), *([] if is_clock else [()])]:
            names = [day + time for day, time in product(days, _times(clock, sample) if clock else [""])]
            formats = formats_that_read(names, _texts([*found, *clock], sample), year if lacks_year else None)
            if formats:
                yield JoinedTime((*found, *clock), tuple(formats), lacks_year, lacks_day)

    def _clocks(self) -> list[tuple[str, ...]]:
        """The columns that make a time of day, the most exact first."""
        found = [(self._columns["time"],)] if "time" in self._columns else []
        units = [tuple(self._columns[part] for part in parts if part in self._columns) for parts in _UNIT_TIMES]
        return found + [clock for clock, parts in zip(units, _UNIT_TIMES, strict=True) if len(clock) == len(parts)]


def part_of(column: str) -> str | None:
    """Which part of a time a column is by its name: year, month, day, date, time, hour, minute or second; or None."""
    return _PART_OF.get(_BEFORE_THE_PART.sub("", plain_name(column)))


def _times(clock: Sequence[str], sample: Chunk) -> Sequence[str]:
    """The formats of a time of day in these columns, with a space before."""
    if len(clock) > 1:
        return (" %H %M %S" if len(clock) == len(_UNIT_TIMES[0]) else " %H %M",)
    if part_of(clock[0]) == "hour":
        return (" %H",)
    texts = _texts(clock, sample)
    if texts and all(text.isdecimal() for text in texts):
        largest = max(map(int, texts))
        return [name for limit, name in _NUMBER_TIMES if largest < limit][:1]
    return _TIMES


def _without_midnight(texts: Sequence[str]) -> tuple[list[str], str]:
    """Days without the midnight that all of them end with, and that midnight."""
    endings = {found[0] if (found := _MIDNIGHT.search(text)) else "" for text in texts}
    midnight = endings.pop() if len(endings) == 1 else ""
    return [text.removesuffix(midnight) for text in texts], midnight


def _texts(parts: Sequence[str], sample: Chunk) -> list[str]:
    """The columns' values joined by spaces, as a mapping joins them; empty where one of them is no text or number."""
    rows = zip(*(sample.columns[part] for part in parts), strict=True)
    try:
        return [
            " ".join(
                cell.date().isoformat() if isinstance(cell, datetime) else without_point(plain_text(cell))
                for cell in row
            )
            for row in rows
            if not any(map(is_blank, row))
        ]
    except UnreadableValue:
        return []
