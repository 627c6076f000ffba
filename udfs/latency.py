"""A histogram of durations that can be added up: 8 buckets to each doubling, so percentiles are within 12.5 %."""

from __future__ import annotations

from collections.abc import Mapping

STEPS_BITS = 3
STEPS = 1 << STEPS_BITS


def bucket_of(nanoseconds: int) -> int:
    """The bucket of a duration."""
    power = nanoseconds.bit_length() - 1 - STEPS_BITS
    if power <= 0:
        return nanoseconds
    return (power << STEPS_BITS) + (nanoseconds >> power)


def upper_nanoseconds(bucket: int) -> int:
    """The longest duration of a bucket."""
    if bucket < 2 * STEPS:
        return bucket
    power, step = (bucket >> STEPS_BITS) - 1, (bucket & (STEPS - 1)) + STEPS
    return ((step + 1) << power) - 1


def percentile_ms(counts: Mapping[int, int], share: float) -> float | None:
    """The duration in milliseconds that a share (0 to 1) of all stay within; None of nothing."""
    total = sum(counts.values())
    reached = 0
    for bucket in sorted(counts):
        reached += counts[bucket]
        if reached >= share * total:
            return upper_nanoseconds(bucket) / 1e6
    return None
