"""Resident memory of a group of processes over time."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

MIB = 1 << 20
WARM_UP_SECONDS = 300
"""Seconds until the JVM's compiler and heap and the scorer's caches of active users have reached a steady size."""
SETTLED_SECONDS = 300
"""Seconds after the warm-up without which no growth is told."""


class ProcessMemory(NamedTuple):
    """Memory of a process group from start to kill: duration, peak, and mean and growth after the warm-up (None if too
    short)."""

    seconds: float
    peak_mib: float
    growth_mib_per_minute: float | None
    mean_mib: float | None


def resident_bytes(group: int) -> int:
    """Resident memory of all processes of a process group, in bytes."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # the process has ended
            continue
        if int(fields[2]) == group:
            total += int(fields[21]) * page
    return total


class MemoryMonitor:
    """Samples the memory of a process group every second in a daemon thread, from creation to `end`."""

    def __init__(self, group: int) -> None:
        self._group = group
        self._samples: list[tuple[float, int]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def end(self) -> ProcessMemory:
        """Stops sampling and summarises; call once, before the group ends."""
        self._stopped.set()
        self._thread.join()
        return summarise(self._samples)

    def _sample(self) -> None:
        start = time.monotonic()
        while not self._stopped.wait(1):
            self._samples.append((time.monotonic() - start, resident_bytes(self._group)))


def summarise(samples: list[tuple[float, int]]) -> ProcessMemory:
    """Summarises samples of (seconds since the start, bytes); growth is the slope of a least-squares line."""
    if not samples:
        return ProcessMemory(0.0, 0.0, None, None)
    peak = max(size for _, size in samples) / MIB
    settled = [(at / 60, size / MIB) for at, size in samples if at >= WARM_UP_SECONDS]
    growth = mean_size = None
    if len(settled) > 1 and samples[-1][0] >= WARM_UP_SECONDS + SETTLED_SECONDS:
        mean_at = sum(at for at, _ in settled) / len(settled)
        mean_size = sum(size for _, size in settled) / len(settled)
        spread = sum((at - mean_at) ** 2 for at, _ in settled)
        growth = sum((at - mean_at) * (size - mean_size) for at, size in settled) / spread
    return ProcessMemory(samples[-1][0], peak, growth, mean_size)
