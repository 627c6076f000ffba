"""Writes the operator's metrics to Flink: Java objects, changed from the operator's thread alone.

Gauges hold their value in Java. A gauge that calls back into Python would run on the reporter's thread with the
interpreter state of the operator's, while that may be in the middle of a record.
"""

from __future__ import annotations

from typing import Any

from udfs.metric_places import MetricSettings, place_of
from udfs.metrics import BY_NAME, Metric

HISTOGRAM_OBSERVATIONS = 2_048
QUANTILE = 0.99


class FlinkMetrics:
    """Each metric is registered by its name when it gets its first value; a counter at once, with 0, as far as the
    values of its label are known: an alarm on its growth would not see the first of a series that begins with it."""

    def __init__(self, runtime_context: Any, metrics: tuple[Metric, ...], settings: MetricSettings) -> None:
        from pemja import findClass

        self._root = runtime_context.get_metrics_group()
        self._settings = settings
        self._histogram_class = findClass("org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram")
        self._counters: dict[tuple[str, str | None], Any] = {}
        self._gauges: dict[tuple[str, str | None], Any] = {}
        self._histograms: dict[str, Any] = {}
        for metric in metrics:
            if metric.kind == "counter":
                for label in metric.series:
                    self.add(metric.name, 0, label)

    def add(self, name: str, count: int, label: str | None = None) -> None:
        """Count so many more."""
        counter = self._counters.get((name, label))
        if counter is None:
            group, called = self._place(name, label)
            counter = self._counters[name, label] = group.counter(called)
        counter.inc(count)

    def set(self, name: str, value: int, label: str | None = None) -> None:
        """Set a gauge."""
        gauge = self._gauges.get((name, label))
        if gauge is None:  # Flink's "distribution" for Python is a gauge of the last value, kept in Java
            group, called = self._place(name, label)
            gauge = self._gauges[name, label] = group.distribution(called)
        gauge.update(value)

    def observe(self, name: str, values: list[int]) -> None:
        """Add observations to a histogram."""
        histogram = self._histograms.get(name)
        if histogram is None:
            histogram = self._histogram_class(HISTOGRAM_OBSERVATIONS)
            group, called = self._place(name, None)
            self._histograms[name] = group._metrics.histogram(called, histogram)
        for value in values:
            histogram.update(value)
        if self._settings.forward:
            self.set(f"{name}_p99", round(histogram.getStatistics().getQuantile(QUANTILE)))

    def _place(self, name: str, label: str | None) -> tuple[Any, str]:
        """The group of a series, and its name there."""
        metric = BY_NAME[name]
        place = place_of(metric, self._settings)
        group = self._root.add_group(place.group)
        return group if label is None else group.add_group(metric.label, label), place.name
