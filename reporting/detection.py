"""Detection quality of alerts and scores, over the transactions whose truth is known."""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np

from models.metrics import (
    DAY_MS,
    at_threshold,
    average_precision,
    brier_score,
    card_precision_at_k,
    expected_calibration_error,
    recall_at_false_positive_rate,
    reliability,
    roc_auc,
)
from reporting.decisions import Column, Decisions
from reporting.truth import Outcomes
from udfs.records.outputs import ACTIONS, Action

CARDS_PER_DAY = 100
MAX_DAYS_FOR_CARD_PRECISION = 1_000  # each day is one pass over all transactions
SCORE_LIMIT = 0.5
CALIBRATION_EDGES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
ScoreName = Literal["risk score", "model", "rules"]


class Detection(msgspec.Struct, frozen=True):
    """Confusion counts and ratios, where `alert` says which decisions count as alerts: an action or a stricter one, or a
    score above a limit. A ratio with denominator 0 is None.
    """

    alert: str
    caught: int
    missed: int
    false_alarms: int
    passed: int
    precision: float | None
    recall: float | None
    f1: float | None
    false_positive_rate: float | None


class Ranking(msgspec.Struct, frozen=True):
    """Threshold-independent metrics of one score. None = not defined for this run."""

    score: ScoreName
    auc: float | None
    average_precision: float | None
    recall_at_1_percent_fpr: float | None
    recall_at_3_percent_fpr: float | None
    card_precision_100: float | None


def detection_from(action: Action, decisions: Decisions, outcomes: Outcomes) -> Detection:
    """Detection where decisions with this action or a stricter one count as alerts."""
    return _detection(action, decisions.action, ACTIONS.index(action) - 1, outcomes)


def detection_by_score(score: ScoreName, decisions: Decisions, outcomes: Outcomes) -> Detection:
    """Detection where decisions with a risk score above 500, or a model probability above 0.5, count as alerts."""
    if score == "risk score":
        return _detection("risk score above 500", decisions.risk_score, 1000 * SCORE_LIMIT, outcomes)
    return _detection("model above 500", decisions.probability, SCORE_LIMIT, outcomes)


def _detection(alert: str, scores: Column, threshold: float, outcomes: Outcomes) -> Detection:
    is_fraud = outcomes.is_fraud[outcomes.known]
    taken = scores[outcomes.known]
    alerted = taken > threshold
    metrics = at_threshold(is_fraud, taken, threshold)
    return Detection(
        alert,
        int((alerted & is_fraud).sum()),
        int((~alerted & is_fraud).sum()),
        int((alerted & ~is_fraud).sum()),
        int((~alerted & ~is_fraud).sum()),
        defined(metrics.precision),
        defined(metrics.recall),
        defined(metrics.f1),
        defined(metrics.false_positive_rate),
    )


def rankings(decisions: Decisions, outcomes: Outcomes) -> tuple[Ranking, ...]:
    """Rankings of the risk score (unrounded), the model's probability, and the rules' score."""
    known = outcomes.known
    is_fraud = outcomes.is_fraud[known]
    scores: dict[ScoreName, Column] = {
        "risk score": decisions.risk_probability[known],
        "model": decisions.probability[known],
        "rules": decisions.rule_score[known],
    }
    users, times_ms = decisions.user[known], decisions.time_ms[known]
    by_cards = bool(is_fraud.any()) and card_precision_applies(users, times_ms)
    return tuple(
        Ranking(
            name,
            defined(roc_auc(is_fraud, score)),
            defined(average_precision(is_fraud, score)),
            defined(recall_at_false_positive_rate(is_fraud, score, 0.01)),
            defined(recall_at_false_positive_rate(is_fraud, score, 0.03)),
            defined(card_precision_at_k(is_fraud, score, users, times_ms, CARDS_PER_DAY)) if by_cards else None,
        )
        for name, score in scores.items()
    )


def best_card_precision(decisions: Decisions, outcomes: Outcomes) -> float | None:
    """The upper bound of card precision@100: below 1 with fewer than 100 defrauded users a day."""
    known = outcomes.known
    is_fraud, users, times_ms = outcomes.is_fraud[known], decisions.user[known], decisions.time_ms[known]
    if not is_fraud.any() or not card_precision_applies(users, times_ms):
        return None
    return card_precision_at_k(is_fraud, is_fraud.astype(np.float64), users, times_ms, CARDS_PER_DAY)


def card_precision_applies(users: Column, times_ms: Column) -> bool:
    """Whether the median day has more than CARDS_PER_DAY users, so that card precision measures a choice."""
    days, day_of = np.unique(times_ms // DAY_MS, return_inverse=True)
    if not 0 < len(days) <= MAX_DAYS_FOR_CARD_PRECISION:
        return False
    pairs = np.unique(np.stack((day_of, users)), axis=1)
    return bool(np.median(np.bincount(pairs[0])) > CARDS_PER_DAY)


def brier(probabilities: Column, outcomes: Outcomes) -> float | None:
    """Brier score: mean squared difference of probability and outcome; None without a known outcome."""
    return defined(brier_score(outcomes.is_fraud[outcomes.known], probabilities[outcomes.known]))


def calibration_error(probabilities: Column, outcomes: Outcomes) -> float | None:
    """Expected calibration error over CALIBRATION_EDGES; None without a known outcome."""
    bins = reliability(outcomes.is_fraud[outcomes.known], probabilities[outcomes.known], CALIBRATION_EDGES)
    return defined(expected_calibration_error(bins))


def defined(value: float) -> float | None:
    """The value, or None for NaN, by which the metrics say: not defined."""
    return None if math.isnan(value) else value
