"""Reads times as epoch milliseconds UTC, rounded down; times counted from a start are rounded to the nearest one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from ingest.errors import UnreadableValue
from ingest.readers.epoch import EPOCH_UNITS, PLAUSIBLE_MS, unit_of
from ingest.readers.lost_digits import has_exponent, is_rounded
from ingest.readers.number import exact_decimal
from ingest.readers.rounded_number import RoundedNumber
from ingest.readers.text import without_point
from ingest.readers.time_pattern import TimePattern
from udfs.records.codec import FIRST_EVENT_MS, MAX_TIMESTAMP_MS

MIN_DATE_MS: Final = -62_135_596_800_000  # 0001-01-01T00:00:00Z
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_HALF: Final = Decimal("0.5")
_CENTURY: Final = 100
SINCE_UNITS: Final = {"seconds": 1_000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000, "weeks": 604_800_000}
"""Formats that count from `start`: milliseconds of a unit."""
ISO: Final = "iso"
UTC_ZONE: Final = ZoneInfo("UTC")
_DIGITS_BELOW_A_SECOND: Final = {"epoch_ms": 3, "epoch_us": 6, "epoch_ns": 9}
DIGITS_EXPECTED: Final = (
    "a time with all its digits: written with an exponent it has lost the last ones; export it as text"
)
_UTC_NAMES: Final = (" UTC", " GMT")


@dataclass(frozen=True)
class MomentReader:
    """Reads native dates and times, and texts and numbers of `format`.

    `format` is `iso`, `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`, a unit of SINCE_UNITS (counted from `start_ms`) or a
    strptime pattern; `year` completes a pattern without one. A time without an offset is local time of `zone`: an ambiguous
    time is the earlier one, a skipped time uses the offset before the change. `minimum_ms` is FIRST_EVENT_MS for events,
    whose epoch numbers must be of a plausible year: a number of another unit is no time. A year of two digits after
    `latest_ms` is of the century before: a date of birth 4/4/57 is of 1957.
    """

    format: str = ISO
    zone: ZoneInfo = UTC_ZONE
    minimum_ms: int = FIRST_EVENT_MS
    start_ms: int = 0
    year: int | None = None
    pattern: TimePattern | None = None
    latest_ms: int = MAX_TIMESTAMP_MS

    @property
    def is_of_event(self) -> bool:
        return self.minimum_ms == FIRST_EVENT_MS

    @property
    def expected(self) -> str:
        first_year = 1973 if self.is_of_event else 1
        kind = {ISO: "an ISO 8601 time", "epoch_s": "epoch seconds", "epoch_ms": "epoch milliseconds"}
        kind |= {"epoch_us": "epoch microseconds", "epoch_ns": "epoch nanoseconds"}
        kind |= {unit: f"a number of {unit} since the start" for unit in SINCE_UNITS}
        return f"{kind.get(self.format, f'a time as {self.format}')} between the years {first_year} and 9999"

    def __call__(self, value: object) -> int:
        try:
            milliseconds = self._milliseconds(value)
        except (ValueError, ArithmeticError) as error:  # OverflowError is an ArithmeticError
            raise error if isinstance(error, UnreadableValue) else UnreadableValue(self.expected) from None
        if self.minimum_ms <= milliseconds <= MAX_TIMESTAMP_MS:
            return milliseconds
        raise UnreadableValue(self.expected)

    def _milliseconds(self, value: object) -> int:
        if isinstance(value, RoundedNumber):
            raise UnreadableValue(f"{self.expected}, with all its digits (it was stored as a float of 32 bits or less)")
        if isinstance(value, datetime):
            return self._of_datetime(value)
        if isinstance(value, date):
            return self._of_datetime(datetime(value.year, value.month, value.day))
        if self.format in EPOCH_UNITS:
            return self._of_epoch(value)
        if self.format in SINCE_UNITS:
            since = self._number(value) * SINCE_UNITS[self.format]
            return self.start_ms + math.floor(since + _HALF)  # a spreadsheet's day 45306.43751157407 is 10:30:01
        if self.format == ISO:
            return self._of_iso(value)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise UnreadableValue(self.expected)
        if isinstance(value, float) and not value.is_integer():
            raise UnreadableValue(self.expected)
        if isinstance(value, str) and has_lost_digits(value, self.format):
            raise UnreadableValue(DIGITS_EXPECTED)
        text = without_point(value.strip() if isinstance(value, str) else str(int(value)))
        pattern = self.pattern or TimePattern(self.format)
        moment = pattern.parse(text, self.zone, self.year)
        milliseconds = self._of_datetime(moment)
        if milliseconds > self.latest_ms and pattern.has_two_digit_year:
            return self._of_datetime(moment.replace(year=moment.year - _CENTURY))
        return milliseconds

    def _of_iso(self, value: object) -> int:
        if not isinstance(value, str):
            raise UnreadableValue(f"{self.expected} ({_number_hint(value)})")
        text = value.strip()
        if text.upper().endswith(_UTC_NAMES):  # as BigQuery writes it
            text = f"{text[:-4].rstrip()}+00:00"
        try:
            return self._of_datetime(datetime.fromisoformat(text))
        except ValueError:
            unit = unit_of(value)
            if unit is None:
                raise
            raise UnreadableValue(f"{self.expected} ({_number_hint(value)})") from None

    def _of_epoch(self, value: object) -> int:
        number = self._number(value)
        milliseconds = math.floor(number * EPOCH_UNITS[self.format])
        if not self._is_plausible(milliseconds, value):
            raise UnreadableValue(f"{self.expected} ({_number_hint(value)})")
        return milliseconds

    def _is_plausible(self, milliseconds: int, value: object) -> bool:
        """Whether an epoch number is of the format's unit. A date, such as a birthday, may be of nearly any year."""
        if self.is_of_event:
            return PLAUSIBLE_MS[0] <= milliseconds < PLAUSIBLE_MS[1]
        return not 0 <= milliseconds < FIRST_EVENT_MS or unit_of(value) in (None, self.format)

    def _number(self, value: object) -> Decimal:
        if has_lost_digits(value, self.format):
            raise UnreadableValue(DIGITS_EXPECTED)
        try:
            return exact_decimal(value)
        except UnreadableValue:
            raise UnreadableValue(self.expected) from None

    def _of_datetime(self, moment: datetime) -> int:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC if self.zone is UTC_ZONE else self.zone)
        return (moment - EPOCH) // _MILLISECOND


def has_lost_digits(value: object, unit: str) -> bool:
    """Whether a number of a unit is written with an exponent and too few digits to tell its second."""
    if not isinstance(value, str):
        return False
    text = value.strip()
    return has_exponent(text) and is_rounded(text, _DIGITS_BELOW_A_SECOND.get(unit, 0))


def _number_hint(value: object) -> str:
    unit = unit_of(value)
    if unit is None:
        return "for numbers set `format: epoch_s` or `epoch_ms`, or `format: hours` with a `start`"
    return f"it is of this century as `format: {unit}`" if unit in EPOCH_UNITS else f'it reads as `format: "{unit}"`'
