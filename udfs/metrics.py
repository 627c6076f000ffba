"""The metrics of the scoring operator: every name with its meaning and unit. docs/metrics.md is made of this list.

Where in Flink's metrics they stand, and so what Prometheus and CloudWatch call them: udfs/metric_places.py.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from udfs.outputs import TAGS, Action, EnrichmentStatus
from udfs.tally import ControlOutcome, DeadLetterKind

Kind = Literal["counter", "gauge", "histogram"]


class Metric(NamedTuple):
    """A counter counts from the operator's last start; a histogram gives quantiles of the newest observations.

    `values` are all values of the label, where they are known beforehand.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    label: str | None = None
    values: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str | None, ...]:
        """The label of each series that is known beforehand; None for that of a metric without a label."""
        return self.values if self.label else (None,)


METRICS = (
    Metric("records", "counter", "records", "everything that came from the source, good or bad"),
    Metric("transactions", "counter", "transactions", "scored; without duplicates and dead letters"),
    Metric("decisions", "counter", "decisions", "by what is to be done with the payment", "action", get_args(Action)),
    Metric("alerts", "counter", "alerts", "sent for analysts: any action but allow"),
    Metric("flags", "counter", "notices", "of compliance flags without an action, the first of a user, flag and day"),
    Metric(
        "tags", "counter", "decisions", "low_coverage: too little known for a stricter action than refer by the score; "
        "unusual: referred for being unusual alone; cautious_rules: points that history has not been asked about",
        "tag", TAGS,
    ),
    Metric("duplicates", "counter", "transactions", "had been decided before; nothing happened"),
    Metric("late", "counter", "transactions", "more than 24 h behind the user's newest event, scored without windows"),
    Metric(
        "dead_letters", "counter", "records",
        "refused, by why: bad_record, missing_rate, amount_out_of_range, unexpected_error (see the log), control",
        "reason", get_args(DeadLetterKind),
    ),
    Metric("hits", "counter", "hits", "by the rule that was true", "rule"),
    Metric(
        "unknown_codes", "counter", "transactions", "with a code that features do not know, by the field that holds it",
        "field", ("channel", "entry_mode"),
    ),
    Metric(
        "enrichment", "counter", "transactions", "by how good the look-ups were: ok, stale, degraded",
        "status", get_args(EnrichmentStatus),
    ),
    Metric("enrichment_hits", "counter", "keys", "looked up and answered from memory"),
    Metric("enrichment_misses", "counter", "keys", "looked up and asked of the store"),
    Metric("enrichment_failures", "counter", "round trips", "to the store that failed"),
    Metric("state_misses", "counter", "users", "read from Flink's state, since they were not decoded in memory"),
    Metric("state_compactions", "counter", "users", "whose log of events was rewritten without what has expired"),
    Metric(
        "control_elements", "counter", "elements", "by what became of them: applied, ignored, refused",
        "outcome", get_args(ControlOutcome),
    ),
    Metric("version", "gauge", "version", "in force by the control stream; none before the first", "control"),
    Metric("users_cached", "gauge", "users", "decoded in memory"),
    Metric("event_time_lag_ms", "gauge", "ms", "from the newest record's event time to the clock of this machine"),
    Metric("score_time_us", "histogram", "µs", "of the scorer for a record, state included; at most 64 a second or batch"),
    Metric("arrival_lag_ms", "histogram", "ms", "from a record's arrival in the source to its decision; sampled likewise"),
)  # fmt: skip


ALERT_METRICS = (
    Metric("alerts_published", "counter", "alerts", "accepted by SNS"),
    Metric("alerts_refused", "counter", "alerts", "refused by SNS for good, or too large for it: dead letters"),
    Metric("alerts_failures", "counter", "calls", "to SNS that failed, or were accepted in part only"),
    Metric("alerts_retried", "counter", "alerts", "that such a call left to be sent again, each time"),
    Metric("alerts_waiting", "gauge", "alerts", "in state, not yet accepted by SNS"),
)
"""Of the operator that publishes alerts to SNS, where the job has one."""

QUANTILES = (
    Metric("score_time_us_p99", "gauge", "µs", "99th percentile of `score_time_us`: on the Managed Service only"),
    Metric("arrival_lag_ms_p99", "gauge", "ms", "99th percentile of `arrival_lag_ms`: on the Managed Service only"),
)
"""What CloudWatch gets of histograms, which it does not take."""

BY_NAME = {metric.name: metric for metric in (*METRICS, *ALERT_METRICS, *QUANTILES)}
