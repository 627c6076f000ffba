"""Metric groups and names in Flink, and the resulting names in Prometheus and CloudWatch.

elsewhere        group fraud              flink_taskmanager_job_task_operator_fraud_<name>
                 with a label             flink_taskmanager_job_task_operator_fraud_<label>_<name>{<label>="..."}
Managed Service  group kinesisanalytics   CloudWatch: AWS/KinesisAnalytics, fraud_<name>, dimensions Application, <label>
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from udfs.metrics.catalogue import Metric

GROUP = "fraud"
FORWARDED_GROUP = "kinesisanalytics"
FORWARDED_PREFIX = "fraud_"
"""Prefix in CloudWatch, where Flink's own metrics have the same namespace and dimensions."""
FORWARDED = frozenset(
    {
        "records", "transactions", "decisions", "alerts", "duplicates", "late", "dead_letters", "enrichment",
        "enrichment_failures", "control_elements", "event_time_lag_ms", "score_time_us_p99", "arrival_lag_ms_p99",
        "alerts_published", "alerts_refused", "alerts_failures", "alerts_waiting",
    }
)  # fmt: skip
"""Metrics forwarded to CloudWatch, which charges by series: those of the job's health, without metrics by rule (unbounded)
and performance details (on Flink's dashboard)."""
FLINK_PREFIX = "flink_taskmanager_job_task_operator_"
"""Prefix of Flink's Prometheus reporter."""
PROMETHEUS_PREFIX = f"{FLINK_PREFIX}{GROUP}_"


class MetricSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`forward`: register FORWARDED in the group that Amazon Managed Service for Apache Flink sends to CloudWatch."""

    forward: bool = False


EVERYWHERE = MetricSettings()


class RegisteredName(NamedTuple):
    """A metric group of Flink, and the metric's name in it."""

    group: str
    name: str


def registered_name(metric: Metric, settings: MetricSettings) -> RegisteredName:
    """Group and name of the metric; a label is a key-value group inside the group."""
    if settings.forward and metric.name in FORWARDED:
        return RegisteredName(FORWARDED_GROUP, FORWARDED_PREFIX + metric.name)
    return RegisteredName(GROUP, metric.name)


def prometheus_name(metric: Metric, settings: MetricSettings = EVERYWHERE) -> str:
    """The metric's name in Flink's Prometheus reporter."""
    registered = registered_name(metric, settings)
    return f"{FLINK_PREFIX}{registered.group}_{f'{metric.label}_' if metric.label else ''}{registered.name}"
