"""Moments as epoch milliseconds UTC, rounded down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from ingest.errors import UnreadableValue
from ingest.readers.number import exact_decimal
from udfs.codec import MAX_TIMESTAMP_MS

MIN_DATE_MS: Final = -62_135_596_800_000  # 0001-01-01T00:00:00Z
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
MILLISECONDS_PER_UNIT: Final = {"epoch_s": Decimal(1000), "epoch_ms": Decimal(1), "epoch_us": Decimal("0.001")}
ISO: Final = "iso"
UTC_ZONE: Final = ZoneInfo("UTC")


@dataclass(frozen=True)
class MomentReader:
    """Reads native dates and times, and texts and numbers of `format`.

    `format` is `iso`, `epoch_s`, `epoch_ms`, `epoch_us` or a strptime pattern. A time without an offset is a wall-clock
    time of `zone`: the earlier of two where clocks went back, and by the offset before where they went forward.
    `minimum_ms` is 0 for events, whose timestamps may not lie before 1970.
    """

    format: str = ISO
    zone: ZoneInfo = UTC_ZONE
    minimum_ms: int = 0

    @property
    def expected(self) -> str:
        first_year = 1970 if self.minimum_ms == 0 else 1
        kind = {ISO: "an ISO 8601 time", "epoch_s": "epoch seconds", "epoch_ms": "epoch milliseconds"}
        kind["epoch_us"] = "epoch microseconds"
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
        if isinstance(value, datetime):
            return self._of_datetime(value)
        if isinstance(value, date):
            return self._of_datetime(datetime(value.year, value.month, value.day))
        if self.format in MILLISECONDS_PER_UNIT:
            return self._of_number(value)
        if not isinstance(value, str):
            raise UnreadableValue(f"{self.expected} (for numbers set `format: epoch_s` or `epoch_ms`)")
        text = value.strip()
        return self._of_datetime(
            datetime.fromisoformat(text) if self.format == ISO else datetime.strptime(text, self.format)
        )

    def _of_number(self, value: object) -> int:
        if type(value) is int and self.format == "epoch_ms":
            return value
        try:
            return math.floor(exact_decimal(value) * MILLISECONDS_PER_UNIT[self.format])
        except UnreadableValue:
            raise UnreadableValue(self.expected) from None

    def _of_datetime(self, moment: datetime) -> int:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC if self.zone is UTC_ZONE else self.zone)
        return (moment - EPOCH) // _MILLISECOND
