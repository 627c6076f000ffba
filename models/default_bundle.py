"""Path of the shipped bundle, and the simulated histories that it is trained on.

A new deployment has users and merchants without history. A bundle trained only on one large, settled bank treats that as
suspicious: its alerts on new data were twice its budget. A second, smaller bank therefore starts in the middle of the
first one's history and is still new in the calibration days.
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
