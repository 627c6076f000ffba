"""The two clocks of the stores."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Clocks(NamedTuple):
    """Clocks in milliseconds.

    `monotonic_ms` is for ages and timeouts; adjustments of the system time do not change it. `wall_ms` (since the epoch)
    is for expiry times that other machines read.
    """

    monotonic_ms: Callable[[], int]
    wall_ms: Callable[[], int]
