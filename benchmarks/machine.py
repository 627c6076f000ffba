"""Description of the machine a benchmark ran on, without host names and dates."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.processes import KAFKA


def machine() -> dict[str, Any]:
    """Processor, cores, versions, and the current speed of an empty loop and of copying memory."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "flink": version("apache-flink"),
        "kafka": _kafka_version(),
        "empty_loop_nanoseconds": round(loop_nanoseconds(), 1),
        "memory_copy_gigabytes_per_second": round(memory_copy_rate(), 1),
    }


def describe_machine(found: dict[str, Any]) -> str:
    """The machine as one line of text."""
    return (
        f"{found['processor']}, {found['cores']} cores, Python {found['python']}, Flink {found['flink']}, "
        f"Kafka {found['kafka']}; {found['empty_loop_nanoseconds']:.0f} ns per iteration of an empty Python loop, "
        f"{found['memory_copy_gigabytes_per_second']:.1f} GB/s copying in memory"
    )


def loop_nanoseconds() -> float:
    """Nanoseconds per iteration of an empty Python loop: the machine's current speed, to compare runs."""
    turns = 5_000_000
    start = perf_counter()
    for _ in range(turns):
        pass
    return (perf_counter() - start) / turns * 1e9


def memory_copy_rate() -> float:
    """GB/s of memory read and written; other tenants of a shared host reduce it, and with it the scorer's speed."""
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
    return jars[-1].stem.rpartition("-")[2] if jars else "not installed"
