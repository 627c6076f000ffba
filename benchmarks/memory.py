"""Resident memory of a group of processes over time."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

MIB = 1 << 20
SETTLED_SECONDS = 45
"""After so long the JVM's compiler, its heap and the scorer's caches of active users have found their size."""


class Life(NamedTuple):
    """One life of the group, from start to kill: seconds, peak, and growth after it had settled (None: too short)."""

    seconds: float
    peak_mib: float
    growth_mib_per_minute: float | None


def resident_bytes(group: int) -> int:
    """Of all processes of a process group."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[2]) == group:
            total += int(fields[21]) * page
    return total


class Watch:
    """Looks at a group every second until it is told the group's end."""

    def __init__(self, group: int) -> None:
        self._group = group
        self._samples: list[tuple[float, int]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> Life:
        """To be called before the group ends."""
        self._over.set()
        self._thread.join()
        return life(self._samples)

    def _look(self) -> None:
        start = time.monotonic()
        while not self._over.wait(1):
            self._samples.append((time.monotonic() - start, resident_bytes(self._group)))


def life(samples: list[tuple[float, int]]) -> Life:
    """From samples of (seconds since the start, bytes); growth is the slope of the least squares' line."""
    if not samples:
        return Life(0.0, 0.0, None)
    peak = max(size for _, size in samples) / MIB
    settled = [(at / 60, size / MIB) for at, size in samples if at >= SETTLED_SECONDS]
    growth = None
    if len(settled) >= 20:
        mean_at = sum(at for at, _ in settled) / len(settled)
        mean_size = sum(size for _, size in settled) / len(settled)
        spread = sum((at - mean_at) ** 2 for at, _ in settled)
        growth = sum((at - mean_at) * (size - mean_size) for at, size in settled) / spread
    return Life(samples[-1][0], peak, growth)
