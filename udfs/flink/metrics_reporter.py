"""Writes an operator's metrics to Flink, from the operator's thread only.

Gauges hold their values in Java. A gauge with a Python callback would run on the reporter's thread in the operator's
interpreter state, possibly while the operator processes a record.
"""

from __future__ import annotations

from typing import Any

from udfs.flink.internals import quantile_of, register_histogram
from udfs.metrics.catalogue import BY_NAME, Metric
from udfs.metrics.names import MetricSettings, registered_name

HISTOGRAM_OBSERVATIONS = 2_048
QUANTILE = 0.99


class FlinkMetrics:
    """Metrics are registered with their first value. Counters whose label values are known are registered at once, with
    0: an alarm on a counter's increase would miss a first value above 0."""

    def __init__(self, runtime_context: Any, metrics: tuple[Metric, ...], settings: MetricSettings) -> None:
        self._root = runtime_context.get_metrics_group()
        self._settings = settings
        self._counters: dict[tuple[str, str | None], Any] = {}
        self._gauges: dict[tuple[str, str | None], Any] = {}
        self._histograms: dict[str, Any] = {}
        for metric in metrics:
            if metric.kind == "counter":
                for label in metric.series:
                    self.add(metric.name, 0, label)

    def add(self, name: str, count: int, label: str | None = None) -> None:
        """Increment a counter by `count`."""
        counter = self._counters.get((name, label))
        if counter is None:
            group, registered = self._group_and_name(name, label)
            counter = self._counters[name, label] = group.counter(registered)
        counter.inc(count)

    def set(self, name: str, value: int, label: str | None = None) -> None:
        """Set a gauge."""
        gauge = self._gauges.get((name, label))
        if gauge is None:  # PyFlink's "distribution" is a gauge of the last value, held in Java
            group, registered = self._group_and_name(name, label)
            gauge = self._gauges[name, label] = group.distribution(registered)
        gauge.update(value)

    def observe(self, name: str, values: list[int]) -> None:
        """Add observations to a histogram."""
        histogram = self._histograms.get(name)
        if histogram is None:
            group, registered = self._group_and_name(name, None)
            histogram = self._histograms[name] = register_histogram(group, registered, HISTOGRAM_OBSERVATIONS)
        for value in values:
            histogram.update(value)
        if self._settings.forward:
            self.set(f"{name}_p99", round(quantile_of(histogram, QUANTILE)))

    def _group_and_name(self, name: str, label: str | None) -> tuple[Any, str]:
        """The metric group of a series, and its name in it."""
        metric = BY_NAME[name]
        registered = registered_name(metric, self._settings)
        group = self._root.add_group(registered.group)
        return group if label is None else group.add_group(metric.label, label), registered.name
