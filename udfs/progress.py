"""How far the job is and how fast, counted once a record and told twice: to Flink's accumulators, which the client sees
while the job runs and after, and to Flink's metrics.

A call into the JVM costs about a microsecond, so counts are kept here and told every so many records, or once a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from udfs.flink_metrics import FlinkMetrics
from udfs.latency import bucket_of
from udfs.metric_places import MetricSettings
from udfs.metrics import METRICS
from udfs.outputs import Output
from udfs.scorer import Scorer
from udfs.stores.cache import CachedEnrichment
from udfs.tally import ControlOutcome

ACCUMULATORS = ("records", "decisions", "alerts", "flags", "dead-letters", "degraded")
ACCUMULATOR_PREFIX = "fraud."
LATENCY_PREFIX = "fraud.latency."
UNKNOWN_CODE_PREFIX = "fraud.unknown-code."
FLUSH_EVERY_RECORDS = 512
OBSERVATIONS_A_FLUSH = 64


class Progress:
    """Counts records, outputs and the scorer's time for a record; `flush` tells what has come since the last time."""

    def __init__(
        self, runtime_context: Any, scorer: Scorer, clock_ms: Callable[[], int], metrics: MetricSettings
    ) -> None:
        java_context = runtime_context._runtime_context  # PyFlink has no accumulators of its own
        self._java_context = java_context
        self._accumulators = {name: java_context.getLongCounter(ACCUMULATOR_PREFIX + name) for name in ACCUMULATORS}
        self._latency_accumulators: dict[int, Any] = {}
        self._metrics = FlinkMetrics(runtime_context, METRICS, metrics)
        self._scorer = scorer
        self._clock_ms = clock_ms
        self._outputs: dict[tuple[str, str | None], int] = {}
        self._nanoseconds: list[int] = []
        self._lags_ms: list[int] = []
        self._told: dict[tuple[str, str | None], int] = {}
        self._transactions = 0
        self.flush()

    def count(self, outputs: list[Output], nanoseconds: int, arrived_at_ms: int | None) -> None:
        """One record, what came of it, and how long that took."""
        counts = self._outputs
        for output in outputs:
            what = output.destination, output.action
            counts[what] = counts.get(what, 0) + 1
        if arrived_at_ms is not None:
            self._lags_ms.append(self._clock_ms() - arrived_at_ms)
        durations = self._nanoseconds
        durations.append(nanoseconds)
        if len(durations) == FLUSH_EVERY_RECORDS:
            self._tell()

    def control(self, outcome: ControlOutcome) -> None:
        """What became of a control element. Told at once: there are few."""
        self._metrics.add("control_elements", 1, outcome)
        self.flush()

    def flush(self) -> None:
        """Tell all that has been counted. To be called once a second."""
        self._tell()

    def _tell(self) -> None:
        records = len(self._nanoseconds)
        self._tell_outputs(records)
        self._tell_times()
        self._tell_scorer()

    def _tell_outputs(self, records: int) -> None:
        metrics, accumulators = self._metrics, self._accumulators
        if records:
            accumulators["records"].add(records)
            metrics.add("records", records)
        for (destination, action), count in self._outputs.items():
            accumulators[destination].add(count)
            if destination == "alerts":
                metrics.add("alerts", count)
            elif destination == "flags":
                metrics.add("flags", count)
            elif destination == "decisions" and action is None:
                metrics.add("duplicates", count)
            elif destination == "decisions":
                self._transactions += count
                metrics.add("decisions", count, action)
        self._outputs.clear()

    def _tell_times(self) -> None:
        buckets: dict[int, int] = {}
        for nanoseconds in self._nanoseconds:
            bucket = bucket_of(nanoseconds)
            buckets[bucket] = buckets.get(bucket, 0) + 1
        for bucket, count in buckets.items():
            accumulator = self._latency_accumulators.get(bucket)
            if accumulator is None:
                accumulator = self._java_context.getLongCounter(f"{LATENCY_PREFIX}{bucket}")
                self._latency_accumulators[bucket] = accumulator
            accumulator.add(count)
        if buckets:
            self._metrics.observe("score_time_us", [round(time / 1_000) for time in _sample(self._nanoseconds)])
            self._nanoseconds.clear()
        if self._lags_ms:
            self._metrics.observe("arrival_lag_ms", _sample(self._lags_ms))
            self._lags_ms.clear()

    def _tell_scorer(self) -> None:
        """What the scorer and its parts count themselves, as far as it has grown."""
        scorer, tally = self._scorer, self._scorer.tally
        states, enrichment = scorer.engine.states, scorer.engine.enrichment
        degraded = tally.enrichment.get("degraded", 0) - self._told.get(("enrichment", "degraded"), 0)
        if degraded:
            self._accumulators["degraded"].add(degraded)
        self._tell_unknown_codes(tally.unknown_codes)
        troubled = sum(tally.enrichment.values())
        totals: list[tuple[str, str | None, int]] = [
            ("transactions", None, self._transactions),
            ("late", None, tally.late),
            ("enrichment", "ok", self._transactions - troubled),
            ("state_misses", None, states.misses),
            ("state_compactions", None, states.compactions),
            *(("enrichment", status, count) for status, count in tally.enrichment.items()),
            *(("dead_letters", kind, count) for kind, count in tally.dead_letters.items()),
            *(("tags", tag, count) for tag, count in tally.tags.items()),
            *(("hits", rule, count) for rule, count in tally.rule_hits.items()),
        ]
        if isinstance(enrichment, CachedEnrichment):
            counters = enrichment.counters
            totals += (
                ("enrichment_hits", None, counters.hits),
                ("enrichment_misses", None, counters.misses),
                ("enrichment_failures", None, counters.failures),
            )
        self._grow(totals)
        self._metrics.set("users_cached", states.cached)
        if tally.newest_event_ms:
            self._metrics.set("event_time_lag_ms", self._clock_ms() - tally.newest_event_ms)
        for kind, version in scorer.control_versions.items():
            self._metrics.set("version", version, kind.replace("-", "_"))  # as Prometheus would spell it

    def _tell_unknown_codes(self, counts: dict[str, int]) -> None:
        """By field to the metrics, each text to the accumulators: there are not many different ones (udfs.codes)."""
        told = self._told
        for name, total in counts.items():
            more = total - told.get(("unknown_codes", name), 0)
            if more:
                self._java_context.getLongCounter(UNKNOWN_CODE_PREFIX + name).add(more)
                self._metrics.add("unknown_codes", more, name.partition("=")[0])
                told["unknown_codes", name] = total

    def _grow(self, totals: Iterable[tuple[str, str | None, int]]) -> None:
        told = self._told
        for name, label, total in totals:
            more = total - told.get((name, label), 0)
            if more:
                self._metrics.add(name, more, label)
                told[name, label] = total


def _sample(values: list[int]) -> list[int]:
    """Every n-th value, so that there are not too many."""
    return values[:: max(1, len(values) // OBSERVATIONS_A_FLUSH)]
