"""How far the job is and how fast: counts in Flink accumulators, for the client to see while the job runs and after."""

from __future__ import annotations

from typing import Any

from udfs.latency import bucket_of
from udfs.outputs import Output

ACCUMULATORS = ("records", "decisions", "alerts", "dead-letters")
ACCUMULATOR_PREFIX = "fraud."
LATENCY_PREFIX = "fraud.latency."
FLUSH_EVERY_RECORDS = 512  # a call into the JVM costs about a microsecond


class Progress:
    """Counts records, outputs by destination and the scorer's time for a record; `flush` adds them to accumulators."""

    def __init__(self, runtime_context: Any) -> None:
        java_context = runtime_context._runtime_context  # PyFlink has no accumulators of its own
        self._java_context = java_context
        self._latencies: dict[int, int] = {}
        self._latency_accumulators: dict[int, Any] = {}
        self._accumulators = {name: java_context.getLongCounter(ACCUMULATOR_PREFIX + name) for name in ACCUMULATORS}
        self._counts = dict.fromkeys(ACCUMULATORS, 0)
        self._unflushed = 0

    def count(self, outputs: list[Output], nanoseconds: int) -> None:
        """One record, what came of it, and how long that took."""
        bucket = bucket_of(nanoseconds)
        self._latencies[bucket] = self._latencies.get(bucket, 0) + 1
        counts = self._counts
        for output in outputs:
            counts[output.destination] += 1
        self._unflushed += 1
        if self._unflushed == FLUSH_EVERY_RECORDS:
            self.flush()

    def flush(self) -> None:
        self._counts["records"] = self._unflushed
        for name, count in self._counts.items():
            if count:
                self._accumulators[name].add(count)
                self._counts[name] = 0
        self._unflushed = 0
        for bucket, count in self._latencies.items():
            accumulator = self._latency_accumulators.get(bucket)
            if accumulator is None:
                accumulator = self._java_context.getLongCounter(f"{LATENCY_PREFIX}{bucket}")
                self._latency_accumulators[bucket] = accumulator
            accumulator.add(count)
        self._latencies.clear()
