"""Ascending hours packed into bytes: searched without making a number object of each that is looked at.

An hour is three bytes, the highest first, that count from the first one: they last for 1900 years.
"""

from __future__ import annotations

from collections.abc import Sequence

HOUR_BYTES = 3
LONGEST_HOURS = 256**HOUR_BYTES - 1
"""From the first hour to the last."""


def pack_hours(hours: Sequence[int]) -> bytes:
    """Pack hours since the epoch, in ascending order. Raises OverflowError if they span more than LONGEST_HOURS."""
    return b"".join([(hour - hours[0]).to_bytes(HOUR_BYTES, "big") for hour in hours])


def hours_before(packed: bytes, first_hour: int, hour: int, until: int) -> int:
    """How many of the first `until` packed hours, of which the first is `first_hour`, are before `hour`."""
    offset = hour - first_hour
    before, after = 0, until
    while before < after:
        middle = (before + after) // 2
        at = middle * HOUR_BYTES
        if packed[at] * 65_536 + packed[at + 1] * 256 + packed[at + 2] < offset:
            before = middle + 1
        else:
            after = middle
    return before
