"""What the shipped bundle is made from: its place, and the size of the simulated history."""

from __future__ import annotations

from pathlib import Path

DEFAULT_BUNDLE = Path(__file__).parent / "bundles" / "default"
DEFAULT_STATISTICS = Path(__file__).parent / "bundles" / "default_statistics.json"
USERS = 4_000
DAYS = 63
SEED = 2026
START_MS = 1_761_782_400_000  # 2025-10-30: nine weeks that end when the demo begins
