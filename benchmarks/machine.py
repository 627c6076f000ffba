"""What a measurement ran on, without names and dates."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.processes import KAFKA


def machine() -> dict[str, Any]:
    """Processor, cores, versions, and how fast an empty loop turns just now."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "flink": version("apache-flink"),
        "kafka": _kafka_version(),
        "empty_loop_nanoseconds": round(loop_nanoseconds(), 1),
        "memory_copy_gigabytes_per_second": round(memory_copy_rate(), 1),
    }


def in_words(found: dict[str, Any]) -> str:
    """One line of it."""
    return (
        f"{found['processor']}, {found['cores']} cores, Python {found['python']}, Flink {found['flink']}, "
        f"Kafka {found['kafka']}; {found['empty_loop_nanoseconds']:.0f} ns a turn of an empty Python loop, "
        f"{found['memory_copy_gigabytes_per_second']:.1f} GB/s copying in memory"
    )


def loop_nanoseconds() -> float:
    """A turn of an empty Python loop: how fast this machine is right now, to compare runs by."""
    turns = 5_000_000
    start = perf_counter()
    for _ in range(turns):
        pass
    return (perf_counter() - start) / turns * 1e9


def memory_copy_rate() -> float:
    """Gigabytes a second, read and written: what a neighbour on the same host may halve, and the scorer's speed with it."""
    source = bytes(128 << 20)
    bytearray(source)
    rounds = 4
    start = perf_counter()
    for _ in range(rounds):
        bytearray(source)
    return 2 * rounds * len(source) / (perf_counter() - start) / 1e9


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _kafka_version() -> str:
    jars = sorted((KAFKA.parents[2] / ".cache" / "kafka-broker").glob("kafka_2*.jar"))
    return jars[-1].stem.rpartition("-")[2] if jars else "not there"
