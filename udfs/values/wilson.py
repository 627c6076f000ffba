"""The interval of a share that was counted.

E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927: it holds for few and for rare
ones.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054
"""The standard normal distribution's 0.975 quantile."""


class Interval(NamedTuple):
    """A share of 0 to 1."""

    low: float
    high: float


def wilson_interval(part: float, whole: int) -> Interval:
    """The 95 % interval of `part` of `whole`, which is not 0."""
    share, z2 = part / whole, Z_95 * Z_95
    middle = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    half = Z_95 / (1 + z2 / whole) * sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole))
    low = 0.0 if part == 0 else max(0.0, middle - half)
    high = 1.0 if part == whole else min(1.0, middle + half)
    return Interval(low, high)
