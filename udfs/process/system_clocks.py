"""The system's clocks, injected by Flink functions and the command line."""

from __future__ import annotations

from time import monotonic_ns, time_ns

from udfs.stores.clocks import Clocks


def _monotonic_ms() -> int:
    return monotonic_ns() // 1_000_000


def _wall_ms() -> int:
    return time_ns() // 1_000_000


SYSTEM_CLOCKS = Clocks(_monotonic_ms, _wall_ms)
