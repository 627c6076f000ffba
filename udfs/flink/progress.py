"""Counts records, outputs and processing times, and reports them to Flink's accumulators and metrics.

A call into the JVM costs about 1 us, so counts are reported every FLUSH_EVERY_RECORDS records, or once a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from udfs.flink.accumulators import Accumulators
from udfs.flink.metrics_reporter import FlinkMetrics
from udfs.metrics.catalogue import METRICS
from udfs.metrics.counters import ControlOutcome
from udfs.metrics.deltas import DeltaReporter
from udfs.metrics.histogram import bucket_of
from udfs.metrics.names import MetricSettings
from udfs.records.codes import UNREADABLE
from udfs.records.outputs import Action, Destination
from udfs.scoring.scorer import Scorer
from udfs.stores.record_source import RemoteSource

ACCUMULATORS = ("records", "decisions", "alerts", "flags", "dead-letters", "degraded")
ACCUMULATOR_PREFIX = "fraud."
LATENCY_PREFIX = "fraud.latency."
UNKNOWN_CODE_PREFIX = "fraud.unknown-code."
FLUSH_EVERY_RECORDS = 512
OBSERVATIONS_A_FLUSH = 64


Series = tuple[str, str | None]
"""Name of a metric and its label."""


class Progress:
    """Counts records, outputs and the scorer's time per record; `flush` reports the increments since the last report."""

    def __init__(
        self, runtime_context: Any, scorer: Scorer, clock_ms: Callable[[], int], metrics: MetricSettings
    ) -> None:
        self._accumulators = Accumulators(runtime_context, tuple(ACCUMULATOR_PREFIX + name for name in ACCUMULATORS))
        self._metrics = FlinkMetrics(runtime_context, METRICS, metrics)
        self._scorer = scorer
        self._clock_ms = clock_ms
        self._outputs: dict[tuple[Destination, Action | None], int] = {}
        self._records = 0
        self._buckets: dict[int, int] = {}
        self._nanoseconds: list[int] = []
        self._lags_ms: list[int] = []
        self._transactions = 0
        self._control_versions: dict[str, int] = {}
        self._scorer_counts: DeltaReporter[Series] = DeltaReporter(self._add_series)
        self._degraded: DeltaReporter[str] = DeltaReporter(self._accumulators.add)
        self._unknown_codes: DeltaReporter[str] = DeltaReporter(self._add_unknown_code)
        self.flush()

    def count(
        self,
        records: int,
        outputs: Mapping[tuple[Destination, Action | None], int],
        nanoseconds: int,
        arrived_at_ms: Sequence[int],
    ) -> None:
        """Count a batch: its records, their outputs by destination and action, and the scorer's time for it in
        nanoseconds, of which each record counts as an equal share.

        `arrived_at_ms`: arrivals of some of them, in epoch milliseconds, for the arrival lag.
        """
        counts = self._outputs
        for series, count in outputs.items():
            counts[series] = counts.get(series, 0) + count
        if arrived_at_ms:
            now_ms = self._clock_ms()
            self._lags_ms += [now_ms - arrived_ms for arrived_ms in arrived_at_ms]
        self._records += records
        share = nanoseconds // records
        bucket = bucket_of(share)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + records
        self._nanoseconds.append(share)
        if self._records >= FLUSH_EVERY_RECORDS:
            self.flush()

    def control(self, outcome: ControlOutcome) -> None:
        """Count the outcome of a control element; reported immediately."""
        self._metrics.add("control_elements", 1, outcome)
        self.flush()

    def unauthorised(self) -> None:
        """Count a control element that is not signed or approved as the job demands; it is refused as well."""
        self._metrics.add("control_unauthorised", 1)

    def expired(self) -> None:
        """Count an emergency publication that ran out; reported immediately."""
        self._metrics.add("control_expired", 1)
        self.flush()

    def flush(self) -> None:
        """Report all counts since the last report. Must be called once a second."""
        self._report_outputs(self._records)
        self._records = 0
        self._report_times()
        self._report_scorer()

    def _report_outputs(self, records: int) -> None:
        metrics = self._metrics
        if records:
            self._accumulators.add(f"{ACCUMULATOR_PREFIX}records", records)
            metrics.add("records", records)
        for (destination, action), count in self._outputs.items():
            self._accumulators.add(ACCUMULATOR_PREFIX + destination, count)
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

    def _report_times(self) -> None:
        for bucket, count in self._buckets.items():
            self._accumulators.add(f"{LATENCY_PREFIX}{bucket}", count)
        self._buckets.clear()
        if self._nanoseconds:
            self._metrics.observe("score_time_us", [round(time / 1_000) for time in _sample(self._nanoseconds)])
            self._nanoseconds.clear()
        if self._lags_ms:
            self._metrics.observe("arrival_lag_ms", _sample(self._lags_ms))
            self._lags_ms.clear()

    def _report_scorer(self) -> None:
        """Report the increments of the scorer's own counters."""
        scorer, counters = self._scorer, self._scorer.counters
        self._degraded.report(f"{ACCUMULATOR_PREFIX}degraded", counters.enrichment.get("degraded", 0))
        self._unknown_codes.report_all(counters.unknown_codes.items())
        self._scorer_counts.report_all(self._totals())
        self._metrics.set("users_cached", scorer.engine.users.cached)
        if counters.newest_event_ms:
            self._metrics.set("event_time_lag_ms", self._clock_ms() - counters.newest_event_ms)
        self._control_versions = dict.fromkeys(self._control_versions, 0) | {
            kind: version for kind, version in scorer.control_versions.items() if "/" not in kind
        }
        for kind, version in self._control_versions.items():
            self._metrics.set("version", version, kind.replace("-", "_"))  # as Flink's Prometheus reporter spells it

    def _totals(self) -> Iterator[tuple[Series, int]]:
        """The scorer's counts since it was opened, by series."""
        counters, engine = self._scorer.counters, self._scorer.engine
        yield ("transactions", None), self._transactions
        yield ("late", None), counters.late
        yield ("users_erased", None), counters.erased
        yield ("enrichment", "ok"), self._transactions - sum(counters.enrichment.values())
        yield ("state_misses", None), engine.users.misses
        yield ("state_compactions", None), engine.users.compactions
        for name, counts in (
            ("enrichment", counters.enrichment),
            ("dead_letters", counters.dead_letters),
            ("tags", counters.tags),
            ("hits", counters.rule_hits),
            ("shadow_hits", counters.shadow_hits),
            ("shadow_differs", counters.shadow_differs),
            ("shadow_errors", counters.shadow_errors),
        ):
            for label, count in counts.items():
                yield (name, label), count
        if isinstance(engine.source, RemoteSource):
            lookups = engine.source.counters
            yield ("enrichment_hits", None), lookups.hits
            yield ("enrichment_misses", None), lookups.misses
            yield ("enrichment_failures", None), lookups.failures

    def _add_series(self, series: Series, increment: int) -> None:
        name, label = series
        self._metrics.add(name, increment, label)

    def _add_unknown_code(self, code: str, increment: int) -> None:
        """Metrics count by field; accumulators by field and text, whose number is bounded (udfs.records.codes)."""
        field, _, text = code.partition("=")
        self._accumulators.add(UNKNOWN_CODE_PREFIX + code, increment)
        self._metrics.add("dropped_fields" if text == UNREADABLE else "unknown_codes", increment, field)


def _sample(values: list[int]) -> list[int]:
    """Every n-th value, about OBSERVATIONS_A_FLUSH in total."""
    return values[:: max(1, len(values) // OBSERVATIONS_A_FLUSH)]
