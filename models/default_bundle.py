"""What the shipped bundle is made from: its place, and the sizes of the simulated histories.

A bank that starts with it has users without a past and merchants with few payments. A bundle that has seen one large,
settled bank alone takes that for suspicious: its alerts on new data were twice its budget. So a second, smaller bank
begins in the middle of the first one's history, and is still new in the days that calibrate.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

DEFAULT_BUNDLE = Path(__file__).parent / "bundles" / "default"
DEFAULT_STATISTICS = Path(__file__).parent / "bundles" / "default_statistics.json"


class Bank(NamedTuple):
    """One simulated history."""

    users: int
    days: int
    seed: int
    start_ms: int


BANKS = (
    Bank(users=4_000, days=63, seed=2026, start_ms=1_761_782_400_000),  # 2025-10-30: nine weeks until the demo begins
    Bank(users=1_500, days=33, seed=31, start_ms=1_764_374_400_000),  # 2025-11-29
)
