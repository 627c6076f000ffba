"""Metrics of scores. Labels are bool [N] (true: fraud), scores [N] (high: suspicious); NaN means undefined."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

DAY_MS = 86_400_000
_UNDEFINED = math.nan
_ROUNDING = 1e-9  # 0.29 * 100 is a little less than 29

Labels = npt.NDArray[np.bool_]
Scores = npt.NDArray[Any]


class ThresholdMetrics(msgspec.Struct, frozen=True):
    """Metrics of alerts on all scores above `threshold`; undefined ratios are NaN."""

    threshold: float
    alerts: int
    precision: float
    recall: float
    f1: float
    false_positive_rate: float


class ReliabilityBin(msgspec.Struct, frozen=True):
    """The `rows` with a probability in [lower, upper): mean prediction and observed share of fraud."""

    lower: float
    upper: float
    rows: int
    predicted: float
    observed: float


def roc_auc(labels: Labels, scores: Scores) -> float:
    """Probability that a fraud scores above a legitimate transaction, ties counting half (Mann-Whitney)."""
    frauds = int(labels.sum())
    others = len(labels) - frauds
    if not frauds or not others:
        return _UNDEFINED
    return float((rankdata(scores)[labels].sum() - frauds * (frauds + 1) / 2) / (frauds * others))


def average_precision(labels: Labels, scores: Scores) -> float:
    """Mean precision over the frauds, each at the threshold of its score; without interpolation, ties grouped."""
    caught, alerts = _counts_by_threshold(labels, scores)
    if not len(caught) or not caught[-1]:
        return _UNDEFINED
    return float((np.diff(caught, prepend=0) / caught[-1] * (caught / alerts)).sum())


def at_threshold(labels: Labels, scores: Scores, threshold: float) -> ThresholdMetrics:
    """Precision, recall, F1 and false-positive rate of alerts on scores above (not at) the threshold."""
    alerted = scores > threshold
    alerts, frauds = int(alerted.sum()), int(labels.sum())
    caught = int((alerted & labels).sum())
    return ThresholdMetrics(
        threshold,
        alerts,
        _ratio(caught, alerts),
        _ratio(caught, frauds),
        _ratio(2 * caught, alerts + frauds),
        _ratio(alerts - caught, len(labels) - frauds),
    )


def threshold_at_false_positive_rate(labels: Labels, scores: Scores, rate: float) -> float:
    """The lowest threshold with alerts at or above it within the false-positive rate; infinity if there is none."""
    caught, alerts = _counts_by_threshold(labels, scores)
    legitimate = len(labels) - int(labels.sum())
    within = int(np.searchsorted(alerts - caught, rate * legitimate + _ROUNDING, side="right"))
    return float(np.unique(scores)[::-1][within - 1]) if within else math.inf


def recall_at_false_positive_rate(labels: Labels, scores: Scores, rate: float) -> float:
    """The highest recall of a threshold whose false-positive rate is at most `rate`."""
    if not labels.any() or labels.all():
        return _UNDEFINED
    return float((scores[labels] >= threshold_at_false_positive_rate(labels, scores, rate)).mean())


def scores_at_false_positive_rates(labels: Labels, scores: Scores, rates: tuple[float, ...]) -> dict[str, float]:
    """`threshold_at_false_positive_rate` for each rate, by its text."""
    return {str(rate): threshold_at_false_positive_rate(labels, scores, rate) for rate in rates}


def caught_above(fraud_scores: Scores, thresholds: tuple[float, ...]) -> dict[str, float]:
    """For each threshold, by its text, the share of the frauds that score above (not at) it."""
    return {str(threshold): float((fraud_scores > threshold).mean()) for threshold in thresholds}


def caught_from(fraud_scores: Scores, lowest_scores: dict[str, float]) -> dict[str, float]:
    """For each name, the share of the frauds that score at or above its lowest score."""
    return {name: float((fraud_scores >= lowest).mean()) for name, lowest in lowest_scores.items()}


def brier_score(labels: Labels, probabilities: Scores) -> float:
    """Mean squared difference of probability and outcome (Brier, 1950); 0 is perfect."""
    return float(np.mean((probabilities.astype(np.float64) - labels) ** 2)) if len(labels) else _UNDEFINED


def reliability(labels: Labels, probabilities: Scores, edges: tuple[float, ...]) -> list[ReliabilityBin]:
    """Reliability bins between `edges`, without empty ones; the last bin includes its upper edge."""
    numbers = np.clip(np.searchsorted(edges, probabilities, side="right") - 1, 0, len(edges) - 2)
    bins = []
    for number in np.unique(numbers).tolist():
        inside = numbers == number
        predicted = float(probabilities[inside].mean(dtype=np.float64))
        observed = float(labels[inside].mean())
        bins.append(ReliabilityBin(edges[number], edges[number + 1], int(inside.sum()), predicted, observed))
    return bins


def expected_calibration_error(bins: list[ReliabilityBin]) -> float:
    """Mean absolute difference of predicted and observed, weighted by rows (Naeini and others, 2015)."""
    rows = sum(part.rows for part in bins)
    return sum(part.rows * abs(part.predicted - part.observed) for part in bins) / rows if rows else _UNDEFINED


def card_precision_at_k(
    labels: Labels,
    scores: Scores,
    user_ids: npt.NDArray[Any],
    timestamps_ms: npt.NDArray[np.int64],
    k: int,
    forget_caught: bool = True,
) -> float:
    """Share of defrauded users among the k with the highest scores of a day, averaged over UTC days.

    A user's score is the maximum of the day, ties in order of the ids. With `forget_caught` a user caught on one day is
    excluded from later days. Always divided by k (Dal Pozzolo, "Adaptive machine learning for credit card fraud
    detection", 2015; computed as in the handbook "Reproducible machine learning for credit card fraud detection").
    """
    days = timestamps_ms // DAY_MS
    caught: set[Any] = set()
    precisions = []
    for day in np.unique(days):
        today = days == day
        users, positions = np.unique(user_ids[today], return_inverse=True)
        highest = np.full(len(users), -np.inf)
        np.maximum.at(highest, positions, scores[today])
        defrauded = np.zeros(len(users), bool)
        np.logical_or.at(defrauded, positions, labels[today])
        ranked = [i for i in np.argsort(-highest, kind="stable").tolist() if users[i] not in caught][:k]
        hits = [users[i] for i in ranked if defrauded[i]]
        precisions.append(len(hits) / k)
        if forget_caught:
            caught.update(hits)
    return float(np.mean(precisions)) if precisions else _UNDEFINED


def _counts_by_threshold(labels: Labels, scores: Scores) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Cumulative frauds and rows at or above each distinct score, in descending order of the score."""
    _, positions = np.unique(scores, return_inverse=True)
    frauds = np.bincount(positions, weights=labels).astype(np.int64)[::-1]
    return np.cumsum(frauds), np.cumsum(np.bincount(positions)[::-1])


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else _UNDEFINED
