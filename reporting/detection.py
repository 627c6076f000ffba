"""How well the alerts and the scores tell fraud from the rest, over the transactions whose truth is known."""

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
from udfs.outputs import ACTIONS, Action

CARDS_A_DAY = 100
MAX_DAYS_FOR_CARD_PRECISION = 1_000  # every day takes one pass over all transactions
SCORE_LIMIT = 0.5
CALIBRATION_EDGES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
ScoreName = Literal["risk score", "model", "rules"]


class Detection(msgspec.Struct, frozen=True):
    """Alerts = decisions that `alert` describes: an action or a stricter one, or a score above a limit. Ratios without a
    case are None."""

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
    """How well a score alone orders the transactions, without regard to thresholds. None = not defined here."""

    score: ScoreName
    auc: float | None
    average_precision: float | None
    recall_at_1_percent_fpr: float | None
    recall_at_3_percent_fpr: float | None
    card_precision_100: float | None


def detection_from(action: Action, decisions: Decisions, outcomes: Outcomes) -> Detection:
    """Count and rate the decisions of an action and all stricter ones as alerts."""
    return _detection(action, decisions.action, ACTIONS.index(action) - 1, outcomes)


def detection_by_score(score: ScoreName, decisions: Decisions, outcomes: Outcomes) -> Detection:
    """Count and rate the decisions whose risk score is above 500, or their model's probability above 0.5, as alerts."""
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
    """For the decision's risk score (unrounded), the model's probability, and the rules' score."""
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
            defined(card_precision_at_k(is_fraud, score, users, times_ms, CARDS_A_DAY)) if by_cards else None,
        )
        for name, score in scores.items()
    )


def best_card_precision(decisions: Decisions, outcomes: Outcomes) -> float | None:
    """The card precision of whoever knew the truth: with fewer than 100 defrauded users a day it stays below 1."""
    known = outcomes.known
    is_fraud, users, times_ms = outcomes.is_fraud[known], decisions.user[known], decisions.time_ms[known]
    if not is_fraud.any() or not card_precision_applies(users, times_ms):
        return None
    return card_precision_at_k(is_fraud, is_fraud.astype(np.float64), users, times_ms, CARDS_A_DAY)


def card_precision_applies(users: Column, times_ms: Column) -> bool:
    """Is there, on the median day, more than a list of 100 users to choose from?"""
    days, day_of = np.unique(times_ms // DAY_MS, return_inverse=True)
    if not 0 < len(days) <= MAX_DAYS_FOR_CARD_PRECISION:
        return False
    pairs = np.unique(np.stack((day_of, users)), axis=1)
    return bool(np.median(np.bincount(pairs[0])) > CARDS_A_DAY)


def brier(probabilities: Column, outcomes: Outcomes) -> float | None:
    """Mean squared distance of a probability and the outcome; None without a known outcome."""
    return defined(brier_score(outcomes.is_fraud[outcomes.known], probabilities[outcomes.known]))


def calibration_error(probabilities: Column, outcomes: Outcomes) -> float | None:
    """Mean distance of predicted and observed share of fraud, in bins of the probability; None without an outcome."""
    bins = reliability(outcomes.is_fraud[outcomes.known], probabilities[outcomes.known], CALIBRATION_EDGES)
    return defined(expected_calibration_error(bins))


def defined(value: float) -> float | None:
    """None for NaN, which the metrics give where there is no case to count."""
    return None if math.isnan(value) else value
