"""Local wall-clock time of a moment, by IANA timezone."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from udfs.time_units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_SLOT_MS = 15 * MINUTE_MS  # since 2012 every zone's offset has changed at a quarter of an hour
_LATEST_MS = 253_402_214_400_000  # 9999-12-31: later moments have no local time in zones east of Greenwich
_MAX_CACHED = 100_000
_CHANGES = -DAY_MS  # of a day whose offset changes; no zone is a day behind
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
        self._by_day: dict[tuple[str, int], int] = {}
        self._by_slot: dict[tuple[str, int], int] = {}

    def hour_and_weekday(self, time_ms: int, timezone: str | None) -> tuple[int, int]:
        """Local hour 0 to 23 and weekday 0 (Monday) to 6."""
        name = timezone or self._default
        if name != "UTC":
            offset_ms = self._by_day.get((name, time_ms // DAY_MS))
            if offset_ms is None:
                offset_ms = _remember(self._by_day, name, time_ms // DAY_MS, self._offset_of_day_ms(name, time_ms))
            if offset_ms == _CHANGES:
                offset_ms = self._by_slot.get((name, time_ms // _SLOT_MS))
                if offset_ms is None:
                    offset_ms = _remember(self._by_slot, name, time_ms // _SLOT_MS, self._offset_ms(name, time_ms))
            time_ms += offset_ms
        return time_ms // HOUR_MS % 24, (time_ms // DAY_MS + _EPOCH_WEEKDAY) % 7

    def _offset_of_day_ms(self, name: str, time_ms: int) -> int:
        """The offset of a whole day (UTC): if it is the same at midnight, noon and the next midnight, nothing changes
        between. Since 2012 no zone has changed and changed back within 12 hours."""
        midnight_ms = time_ms - time_ms % DAY_MS
        noon_ms = midnight_ms + DAY_MS // 2
        offsets = {self._offset_ms(name, moment_ms) for moment_ms in (midnight_ms, noon_ms, midnight_ms + DAY_MS)}
        return offsets.pop() if len(offsets) == 1 else _CHANGES

    def _offset_ms(self, name: str, time_ms: int) -> int:
        zone = self._zones.get(name)
        if zone is None:
            zone = self._zones[name] = ZoneInfo(name if is_timezone(name) else self._default)
        offset = datetime.fromtimestamp(min(time_ms, _LATEST_MS) / SECOND_MS, tz=UTC).astimezone(zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds()) * SECOND_MS


def _remember(offsets: dict[tuple[str, int], int], name: str, span: int, offset_ms: int) -> int:
    if len(offsets) >= _MAX_CACHED:
        offsets.clear()
    offsets[name, span] = offset_ms
    return offset_ms
