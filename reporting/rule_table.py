"""Trigger rate, detection rate and precision of each rule."""

from __future__ import annotations

import msgspec
import numpy as np

from reporting.decisions import Decisions
from reporting.truth import Outcomes


class RuleRow(msgspec.Struct, frozen=True):
    """`trigger_rate`: share of all transactions. `detection_rate`: share of known frauds. `precision`: share of fraud
    among hits with known truth. Ratios with denominator 0 are None.
    """

    rule_id: str
    reason: str  # its first reason text in this run; empty without one
    hits: int
    trigger_rate: float | None
    fraud_hits: int | None
    detection_rate: float | None
    precision: float | None


def rule_rows(decisions: Decisions, outcomes: Outcomes | None, rule_ids: tuple[str, ...] = ()) -> tuple[RuleRow, ...]:
    """One row for every rule that hit and every other rule of `rule_ids`, most fraud hits first."""
    total, width = len(decisions.key), len(decisions.rule_ids)
    row, rule = decisions.hit_row, decisions.hit_rule
    hits = np.bincount(rule, minlength=width).tolist()
    silent = [rule_id for rule_id in rule_ids if rule_id not in set(decisions.rule_ids)]
    fraud_hits, known_hits, frauds = [0] * width, [0] * width, 0
    if outcomes is not None:
        frauds = int(outcomes.is_fraud.sum())
        fraud_hits = np.bincount(rule[outcomes.is_fraud[row]], minlength=width).tolist()
        known_hits = np.bincount(rule[outcomes.known[row]], minlength=width).tolist()
    rows = [
        RuleRow(
            rule_id,
            decisions.rule_reasons.get(rule_id, ""),
            hit,
            _ratio(hit, total),
            fraud_hit if outcomes is not None else None,
            _ratio(fraud_hit, frauds),
            _ratio(fraud_hit, known_hit),
        )
        for rule_id, hit, fraud_hit, known_hit in zip(
            (*decisions.rule_ids, *silent),
            (*hits, *[0] * len(silent)),
            (*fraud_hits, *[0] * len(silent)),
            (*known_hits, *[0] * len(silent)),
            strict=True,
        )
    ]
    return tuple(sorted(rows, key=lambda item: (-(item.fraud_hits or 0), -item.hits, item.rule_id)))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
