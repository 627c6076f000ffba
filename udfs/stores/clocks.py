"""The two clocks that stores need."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Clocks(NamedTuple):
    """Milliseconds. Ages and time-outs go by `monotonic_ms`, which no adjustment of the time of day can move; `wall_ms`
    (since the epoch) is for expiry dates that other machines read too."""

    monotonic_ms: Callable[[], int]
    wall_ms: Callable[[], int]
