"""The interval of a share that was counted."""

from __future__ import annotations

from math import sqrt

import msgspec

Z_95 = 1.959963984540054


class Share(msgspec.Struct, frozen=True):
    """`part` of `whole` with its 95 % Wilson interval; None for 0 of 0.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927: it holds for few and for rare ones.
    """

    part: int
    whole: int
    value: float | None
    low: float | None
    high: float | None


def share(part: int, whole: int) -> Share:
    """The share with its interval."""
    if whole == 0:
        return Share(part, whole, None, None, None)
    value, z2 = part / whole, Z_95 * Z_95
    middle = (value + z2 / (2 * whole)) / (1 + z2 / whole)
    half = Z_95 / (1 + z2 / whole) * sqrt(value * (1 - value) / whole + z2 / (4 * whole * whole))
    low = 0.0 if part == 0 else max(0.0, middle - half)
    high = 1.0 if part == whole else min(1.0, middle + half)
    return Share(part, whole, value, low, high)
