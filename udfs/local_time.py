"""Local wall-clock time of a moment, by IANA timezone."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from udfs.time_units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_SLOT_MS = 15 * MINUTE_MS  # since 2012 every zone's offset has changed at a quarter of an hour
_LATEST_MS = 253_402_214_400_000  # 9999-12-31: later moments have no local time in zones east of Greenwich
_MAX_CACHED = 100_000
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0


@lru_cache(maxsize=1024)
def is_timezone(name: str) -> bool:
    """Does the timezone database know this name?"""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


class LocalTime:
    """Hour and weekday by timezone; a name that the database does not know counts as the default zone."""

    def __init__(self, default_timezone: str = "UTC") -> None:
        self._default = default_timezone
        self._zones: dict[str, ZoneInfo] = {}
        self._offsets: dict[tuple[str, int], int] = {}

    def hour_and_weekday(self, time_ms: int, timezone: str | None) -> tuple[int, int]:
        """Local hour 0 to 23 and weekday 0 (Monday) to 6."""
        name = timezone or self._default
        if name != "UTC":
            key = (name, time_ms // _SLOT_MS)
            offset_ms = self._offsets.get(key)
            if offset_ms is None:
                if len(self._offsets) >= _MAX_CACHED:
                    self._offsets.clear()
                offset_ms = self._offsets[key] = self._offset_ms(name, time_ms)
            time_ms += offset_ms
        return time_ms // HOUR_MS % 24, (time_ms // DAY_MS + _EPOCH_WEEKDAY) % 7

    def _offset_ms(self, name: str, time_ms: int) -> int:
        zone = self._zones.get(name)
        if zone is None:
            zone = self._zones[name] = ZoneInfo(name if is_timezone(name) else self._default)
        offset = datetime.fromtimestamp(min(time_ms, _LATEST_MS) / SECOND_MS, tz=UTC).astimezone(zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds()) * SECOND_MS
