"""Where among Flink's metrics each of ours stands, and so what it is called outside.

elsewhere        group fraud              flink_taskmanager_job_task_operator_fraud_<name>
                 with a label             flink_taskmanager_job_task_operator_fraud_<label>_<name>{<label>="..."}
Managed Service  group kinesisanalytics   CloudWatch: AWS/KinesisAnalytics, fraud_<name>, dimensions Application, <label>
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from udfs.metrics import Metric

GROUP = "fraud"
FORWARDED_GROUP = "kinesisanalytics"
FORWARDED_PREFIX = "fraud_"
"""In CloudWatch our names stand among Flink's own, with the same dimensions."""
FORWARDED = frozenset(
    {
        "records", "transactions", "decisions", "alerts", "duplicates", "late", "dead_letters", "enrichment",
        "enrichment_failures", "control_elements", "event_time_lag_ms", "score_time_us_p99", "arrival_lag_ms_p99",
        "alerts_published", "alerts_refused", "alerts_failures", "alerts_waiting",
    }
)  # fmt: skip
"""What says how the job is. CloudWatch asks a price for each series: so neither what rules hit, which may be any number,
nor what explains the job's speed, which Flink's own dashboard shows as well."""
FLINK_PREFIX = "flink_taskmanager_job_task_operator_"
"""Of the Prometheus reporter."""
PROMETHEUS_PREFIX = f"{FLINK_PREFIX}{GROUP}_"


class MetricSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`forward`: those of FORWARDED stand where AWS' Managed Service for Apache Flink finds them, to take them to
    CloudWatch; the others stand where they always do."""

    forward: bool = False


EVERYWHERE = MetricSettings()


class Place(NamedTuple):
    """A group of Flink's metrics, and the name in it."""

    group: str
    name: str


def place_of(metric: Metric, settings: MetricSettings) -> Place:
    """Where the metric is registered; the label, if it has one, is a key-value group inside."""
    if settings.forward and metric.name in FORWARDED:
        return Place(FORWARDED_GROUP, FORWARDED_PREFIX + metric.name)
    return Place(GROUP, metric.name)


def prometheus_name(metric: Metric, settings: MetricSettings = EVERYWHERE) -> str:
    """What Flink's Prometheus reporter calls the metric."""
    place = place_of(metric, settings)
    return f"{FLINK_PREFIX}{place.group}_{f'{metric.label}_' if metric.label else ''}{place.name}"
