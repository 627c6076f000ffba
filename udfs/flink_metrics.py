"""Writes the operator's metrics to Flink: Java objects, changed from the operator's thread alone.

Gauges hold their value in Java. A gauge that calls back into Python would run on the reporter's thread with the
interpreter state of the operator's, while that may be in the middle of a record.
"""

from __future__ import annotations

from typing import Any

from udfs.metrics import BY_NAME, GROUP, METRICS, Metric

HISTOGRAM_OBSERVATIONS = 2_048


class FlinkMetrics:
    """Each metric is registered by its name when it gets its first value; those without a label at once, with 0."""

    def __init__(self, runtime_context: Any, metrics: tuple[Metric, ...] = METRICS) -> None:
        from pemja import findClass

        self._group = runtime_context.get_metrics_group().add_group(GROUP)
        self._histogram_class = findClass("org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram")
        self._counters: dict[tuple[str, str | None], Any] = {}
        self._gauges: dict[tuple[str, str | None], Any] = {}
        self._histograms: dict[str, Any] = {}
        for metric in metrics:
            if metric.kind == "counter" and metric.label is None:
                self.add(metric.name, 0)

    def add(self, name: str, count: int, label: str | None = None) -> None:
        """Count so many more."""
        counter = self._counters.get((name, label))
        if counter is None:
            counter = self._counters[name, label] = self._place(name, label).counter(name)
        counter.inc(count)

    def set(self, name: str, value: int, label: str | None = None) -> None:
        """Set a gauge."""
        gauge = self._gauges.get((name, label))
        if gauge is None:  # Flink's "distribution" for Python is a gauge of the last value, kept in Java
            gauge = self._gauges[name, label] = self._place(name, label).distribution(name)
        gauge.update(value)

    def observe(self, name: str, values: list[int]) -> None:
        """Add observations to a histogram."""
        histogram = self._histograms.get(name)
        if histogram is None:
            histogram = self._histogram_class(HISTOGRAM_OBSERVATIONS)
            self._histograms[name] = self._group._metrics.histogram(name, histogram)
        for value in values:
            histogram.update(value)

    def _place(self, name: str, label: str | None) -> Any:
        if label is None:
            return self._group
        return self._group.add_group(BY_NAME[name].label, label)
