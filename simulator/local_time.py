"""Conversion of local times of cities to UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from simulator.choice import Array
from simulator.cities import CITIES
from simulator.config import DAY_MS


class LocalTime:
    """UTC offset of every city on every day of the period, taken at local noon; exact except near DST changes.

    Days are counted from the UTC date of the start, with one day of margin on both sides.
    """

    def __init__(self, start_ms: int, days: int) -> None:
        self.first_midnight_ms = start_ms - start_ms % DAY_MS
        first_noon = datetime.fromtimestamp(self.first_midnight_ms / 1000, UTC) + timedelta(hours=12)
        noons = [first_noon + timedelta(days=day) for day in range(-1, days + 2)]
        self._offset_ms = np.array([[_offset_ms(ZoneInfo(city.timezone), noon) for noon in noons] for city in CITIES])
        self._last_day = days + 1

    def to_utc_ms(self, city: Array, day: Array, milliseconds_of_day: Array) -> Array:
        """Epoch milliseconds UTC of a local day and time in a city, int64."""
        local = self.first_midnight_ms + day * DAY_MS + milliseconds_of_day
        utc: Array = local - self._offset_ms[city, np.clip(day, -1, self._last_day) + 1]
        return utc


def _offset_ms(zone: ZoneInfo, noon_utc: datetime) -> int:
    offset = noon_utc.replace(tzinfo=zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds() * 1000)
