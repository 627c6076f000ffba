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
    recall_at_false_positive_rate,
    roc_auc,
)
from reporting.decisions import Column, Decisions
from reporting.truth import Outcomes
from udfs.outputs import ACTIONS, Action

CARDS_A_DAY = 100
MAX_DAYS_FOR_CARD_PRECISION = 1_000  # every day takes one pass over all transactions
ScoreName = Literal["risk score", "model", "rules"]


class Detection(msgspec.Struct, frozen=True):
    """Alerts = decisions with an action of `from_action` or a stricter one. Ratios without a case are None."""

    from_action: Action
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
    is_fraud = outcomes.is_fraud[outcomes.known]
    taken = decisions.action[outcomes.known]
    number = ACTIONS.index(action)
    alerted = taken >= number
    metrics = at_threshold(is_fraud, taken, number - 1)
    return Detection(
        action,
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
    """For the decision's risk score, the model's probability, and the rules' score."""
    known = outcomes.known
    is_fraud = outcomes.is_fraud[known]
    scores: dict[ScoreName, Column] = {
        "risk score": decisions.risk_score[known],
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


def model_brier_score(decisions: Decisions, outcomes: Outcomes) -> float | None:
    """Mean squared distance of the model's probability and the outcome; None without a known outcome."""
    return defined(brier_score(outcomes.is_fraud[outcomes.known], decisions.probability[outcomes.known]))


def defined(value: float) -> float | None:
    """None for NaN, which the metrics give where there is no case to count."""
    return None if math.isnan(value) else value
