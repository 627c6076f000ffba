"""Local wall-clock time of a moment in an IANA timezone."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from udfs.values.time_units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_SLOT_MS = 15 * MINUTE_MS  # since 2012 all offset changes happened on a quarter of an hour
_LATEST_MS = 253_402_214_400_000  # 9999-12-31: later moments have no datetime in zones east of Greenwich
_MAX_CACHED = 100_000
_CHANGES = -DAY_MS  # marks a day whose offset changes; no real offset is a day
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0


@lru_cache(maxsize=1024)
def is_timezone(name: str) -> bool:
    """Whether the timezone database has this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


class LocalTime:
    """Local hour and weekday. Names that are not in the timezone database count as the default zone.

    Offsets are cached per zone and day, at most 100,000 of them.
    """

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

    def offset_ms(self, name: str, time_ms: int) -> int:
        """How far a zone's clocks are ahead of UTC at a moment; a name that is no zone counts as the default zone."""
        return self._offset_ms(name, time_ms)

    def _offset_of_day_ms(self, name: str, time_ms: int) -> int:
        """The offset of a whole UTC day, or _CHANGES.

        The offset is constant if it is the same at midnight, noon and the next midnight: since 2012 no zone has changed
        its offset twice within 12 hours.
        """
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
