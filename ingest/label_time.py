"""When a label became known: by its own column, or a delay after the transaction."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from ingest.readers.moment import EPOCH, UTC_ZONE, MomentReader

_DAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)


def zone_of(read: object) -> ZoneInfo:
    """The zone of a time's reader."""
    return read.zone if isinstance(read, MomentReader) else UTC_ZONE


def known_from(known_at: int, timestamp: int, zone: ZoneInfo) -> int | None:
    """When a label is known, epoch milliseconds; None where that is before its transaction.

    A date without a time is the midnight at which its day begins. On the day of the transaction itself it is taken for the
    end of that day.
    """
    if known_at >= timestamp:
        return known_at
    day = (EPOCH + timedelta(milliseconds=known_at)).astimezone(zone)
    end = datetime.combine(day.date() + _DAY, time(0), zone)
    end_ms = (end - EPOCH) // _MILLISECOND - 1
    return end_ms if day.time() == time(0) and timestamp <= end_ms else None
