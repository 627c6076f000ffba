"""Catalogue of the scoring job's metrics, with kind, unit, label and meaning. docs/metrics.md is generated from it.

Their names in Flink, Prometheus and CloudWatch are in udfs/metrics/names.py.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from udfs.metrics.counters import ControlOutcome, DeadLetterKind
from udfs.records.codes import COUNTRY_FIELDS
from udfs.records.droppable import DROPPABLE_FIELDS
from udfs.records.outputs import TAGS, Action, EnrichmentStatus

Kind = Literal["counter", "gauge", "histogram"]


class Metric(NamedTuple):
    """One metric. Counters are monotonic and start at 0 with the operator; histograms hold the newest observations.

    `values`: all values of the label if they are known in advance, otherwise empty.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    label: str | None = None
    values: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str | None, ...]:
        """The label value of each series known in advance; (None,) for a metric without a label."""
        return self.values if self.label else (None,)


METRICS = (
    Metric("records", "counter", "records", "read from the source, dead letters included"),
    Metric("transactions", "counter", "transactions", "scored, without duplicates and dead letters"),
    Metric("decisions", "counter", "decisions", "by action", "action", get_args(Action)),
    Metric("alerts", "counter", "alerts", "decisions whose action is not allow"),
    Metric("flags", "counter", "notices", "compliance flags on allowed payments, at most one a user, flag and day"),
    Metric(
        "tags", "counter", "decisions", "low_coverage: action limited to refer because of missing input; "
        "unusual: referred by the anomaly alone; cautious_rules: rule points without a calibrated rule map; "
        "limited_history: more events of the user than are remembered; duplicate_differs: duplicates with other content",
        "tag", (*TAGS, "duplicate_differs"),
    ),
    Metric("duplicates", "counter", "transactions", "already decided; no effect"),
    Metric("late", "counter", "transactions", "more than 24 h behind the user's newest event, scored without windows"),
    Metric(
        "dead_letters", "counter", "records",
        "by reason: bad_record, missing_rate, amount_out_of_range, unexpected_error (see the log), control",
        "reason", get_args(DeadLetterKind),
    ),
    Metric("hits", "counter", "hits", "rule hits by rule id", "rule"),
    Metric("shadow_hits", "counter", "hits", "hits of rules in shadow, by rule set and rule id", "rule"),
    Metric(
        "shadow_differs", "counter", "decisions", "whose action would have been another one, by rule set in shadow", "set"
    ),
    Metric(
        "shadow_errors", "counter", "decisions", "for which a rule set in shadow failed, by set; decided all the same", "set"
    ),
    Metric(
        "unknown_codes", "counter", "transactions", "with an unknown code, by field",
        "field", ("channel", "entry_mode", *COUNTRY_FIELDS),
    ),
    Metric(
        "dropped_fields", "counter", "records", "with an optional field that could not be read and was dropped, by field",
        "field", DROPPABLE_FIELDS,
    ),
    Metric(
        "enrichment", "counter", "transactions", "by status of their look-ups: ok, stale, degraded; "
        "not_configured: no store and no reference files",
        "status", get_args(EnrichmentStatus),
    ),
    Metric("enrichment_hits", "counter", "keys", "look-ups answered by the cache"),
    Metric("enrichment_misses", "counter", "keys", "look-ups read from the store"),
    Metric("enrichment_failures", "counter", "round trips", "failed requests to the store"),
    Metric("state_misses", "counter", "users", "decoded from keyed state because they were not in the user cache"),
    Metric("state_compactions", "counter", "users", "compactions of a user's log: expired entries removed"),
    Metric(
        "control_elements", "counter", "elements", "by outcome: applied, ignored, refused",
        "outcome", get_args(ControlOutcome),
    ),
    Metric(
        "control_unauthorised", "counter", "elements", "refused: not signed or approved as the job demands, or replayed"
    ),
    Metric("control_expired", "counter", "elements", "emergency publications that ran out without an approval"),
    Metric(
        "version", "gauge", "version",
        "in force from the control stream; absent before the first element, 0 after an emergency that replaced none",
        "control",
    ),
    Metric("users_erased", "counter", "users", "forgotten because of an erasure; repeated erasures count again"),
    Metric("users_cached", "gauge", "users", "entries of the cache of decoded users"),
    Metric("event_time_lag_ms", "gauge", "ms", "current time minus the last transaction's event time"),
    Metric(
        "score_time_us", "histogram", "µs",
        "scoring time of a record, state access included; at most 64 samples a second or batch",
    ),
    Metric(
        "arrival_lag_ms", "histogram", "ms",
        "time from a record's arrival in the source to its decision; sampled like `score_time_us`",
    ),
)  # fmt: skip


ALERT_METRICS = (
    Metric("alerts_published", "counter", "alerts", "accepted by SNS"),
    Metric(
        "alerts_refused", "counter", "alerts", "rejected by SNS permanently or too large: written to the dead letters"
    ),
    Metric("alerts_failures", "counter", "calls", "failed or partly failed calls to SNS"),
    Metric("alerts_retried", "counter", "alerts", "alerts sent again after a failed call, counted at each retry"),
    Metric("alerts_waiting", "gauge", "alerts", "held in state until SNS accepts them"),
)
"""Metrics of the operator that publishes alerts to SNS, if the job has one."""

GUARDRAIL_METRICS = (
    Metric("guardrail_trips", "counter", "trips", "rules put back to shadow because a guardrail was crossed", "rule"),
)
"""Metrics of the operator that watches guardrails, if the job has a control stream."""

QUANTILES = (
    Metric("score_time_us_p99", "gauge", "µs", "99th percentile of `score_time_us`; on the Managed Service only"),
    Metric("arrival_lag_ms_p99", "gauge", "ms", "99th percentile of `arrival_lag_ms`; on the Managed Service only"),
)
"""Gauges for CloudWatch, which does not support histograms."""

BY_NAME = {metric.name: metric for metric in (*METRICS, *ALERT_METRICS, *GUARDRAIL_METRICS, *QUANTILES)}
