"""The interval of a share that was counted."""

from __future__ import annotations

import msgspec

from udfs.values.wilson import wilson_interval


class Share(msgspec.Struct, frozen=True):
    """`part` of `whole` with its 95 % Wilson interval; None for 0 of 0."""

    part: int
    whole: int
    value: float | None
    low: float | None
    high: float | None


def share(part: int, whole: int) -> Share:
    """The share with its interval."""
    if whole == 0:
        return Share(part, whole, None, None, None)
    low, high = wilson_interval(part, whole)
    return Share(part, whole, part / whole, low, high)
