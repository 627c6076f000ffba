"""The API's own metrics, for Prometheus."""

from __future__ import annotations

import math
from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

LATENCY_BUCKETS_SECONDS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 30.0)


class ApiMetrics:
    """Counters and gauges of one process; thread-safe. Labels hold routes and words of the code, never ids."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "fraud_api_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "fraud_api_request_seconds", "Time from the head of a request to the end of its answer.", ("route",),
            buckets=LATENCY_BUCKETS_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.fallbacks = Counter(
            "fraud_api_fallbacks", "Payments answered by the fallback, as their decision came too late.", ("fallback",),
            registry=self.registry,
        )  # fmt: skip
        self.late_answers = Counter(
            "fraud_api_late_answers", "Decisions that came after their fallback.", registry=self.registry
        )
        self.store_written = Counter(
            "fraud_store_written_records", "Records written to the store.", registry=self.registry
        )
        self.store_failures = Counter(
            "fraud_store_write_failures", "Batches that the store did not take; they are written again.",
            registry=self.registry,
        )  # fmt: skip
        self.store_lag_records = Gauge(
            "fraud_store_lag_records",
            "Records that were answered and are not in the store yet; NaN while that is not known.",
            registry=self.registry,
        )
        self.reply_lag_seconds = Gauge(
            "fraud_api_reply_lag_seconds",
            "How far the job's replies are behind requests; NaN without a job that replies.",
            registry=self.registry,
        )
        self.in_flight = Gauge("fraud_api_in_flight", "Requests that are being answered.", registry=self.registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request has been answered. `route`: the template of its path."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def set_lags(self, store_records: int | None, reply_seconds: float | None) -> None:
        """None: not known. An unknown lag must not look like none."""
        self.store_lag_records.set(math.nan if store_records is None else store_records)
        self.reply_lag_seconds.set(math.nan if reply_seconds is None else reply_seconds)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def written(self) -> int:
        """Records written to the store by this process's intake."""
        return round(_value_of(self.store_written))

    def fallback_count(self) -> int:
        """Payments answered by a fallback."""
        return round(_value_of(self.fallbacks))

    def answer_counts(self, routes: Collection[str]) -> tuple[int, ...]:
        """Requests of these routes answered within each of LATENCY_BUCKETS_SECONDS, and in all."""
        bounds = [float(bound) for bound in LATENCY_BUCKETS_SECONDS] + [math.inf]
        counts = dict.fromkeys(bounds, 0)
        for sample in next(iter(self._seconds.collect())).samples:
            if sample.name.endswith("_bucket") and sample.labels["route"] in routes:
                counts[float(sample.labels["le"])] += round(sample.value)
        return tuple(counts.values())


def _value_of(counter: Counter) -> float:
    """The sum over all labels."""
    return sum(sample.value for sample in next(iter(counter.collect())).samples if sample.name.endswith("_total"))
