"""Tells times that were read with one year although the rows go over New Year."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

DAY_MS: Final = 86_400_000
_HALF_A_YEAR_MS: Final = 183 * DAY_MS
_MOST_JUMPS: Final = 0.05
_ALWAYS_ALLOWED: Final = 1


def crosses_new_year(times: npt.NDArray[np.int64]) -> bool:
    """Whether times of one year, in the order of their rows, run on and then jump by more than half a year against their
    direction: from December back to January, or, in a table with the latest row first, the other way."""
    steps = np.diff(times)
    steps = steps[steps != 0]
    if not len(steps):
        return False
    for direction in (1, -1):
        against = steps * direction < 0
        jumps = int(np.sum(steps * direction < -_HALF_A_YEAR_MS))
        others = int(np.sum(against)) - jumps
        few = jumps <= max(_ALWAYS_ALLOWED, _MOST_JUMPS * len(steps))
        runs_so = direction > 0 or len(steps) - int(np.sum(against)) > jumps
        if jumps and few and runs_so and others <= _MOST_JUMPS * len(steps):
            return True
    return False
