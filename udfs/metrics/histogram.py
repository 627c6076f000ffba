"""Mergeable log-linear histogram of durations: 8 buckets for each power of two, percentiles accurate to 12.5 %."""

from __future__ import annotations

from collections.abc import Mapping

STEPS_BITS = 3
STEPS = 1 << STEPS_BITS


def bucket_of(nanoseconds: int) -> int:
    """The bucket number of a duration."""
    power = nanoseconds.bit_length() - 1 - STEPS_BITS
    if power <= 0:
        return nanoseconds
    return (power << STEPS_BITS) + (nanoseconds >> power)


def upper_nanoseconds(bucket: int) -> int:
    """The longest duration in a bucket."""
    if bucket < 2 * STEPS:
        return bucket
    power, step = (bucket >> STEPS_BITS) - 1, (bucket & (STEPS - 1)) + STEPS
    return ((step + 1) << power) - 1


def percentile_ms(counts: Mapping[int, int], share: float) -> float | None:
    """The percentile `share` (0 to 1) of bucket counts, in milliseconds; None without observations."""
    total = sum(counts.values())
    reached = 0
    for bucket in sorted(counts):
        reached += counts[bucket]
        if reached >= share * total:
            return upper_nanoseconds(bucket) / 1e6
    return None
