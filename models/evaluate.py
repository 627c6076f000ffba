"""Evaluates a bundle's scores on a labelled slice, for the manifest."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.metrics import (
    ReliabilityBin,
    ThresholdMetrics,
    at_threshold,
    average_precision,
    brier_score,
    card_precision_at_k,
    caught_above,
    caught_from,
    expected_calibration_error,
    recall_at_false_positive_rate,
    reliability,
    roc_auc,
    scores_at_false_positive_rates,
)

THRESHOLDS = (0.5, 0.7, 0.9)
FALSE_POSITIVE_RATES = (0.01, 0.03)
CHECKED_USERS_A_DAY = 100
RELIABILITY_EDGES = (0.0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)
SCORE_NAMES = ("ensemble", "xgboost", "autoencoder")  # the columns of a prediction
UNNAMED_PATTERN = "unnamed"


class RankingMetrics(msgspec.Struct, frozen=True):
    """Ranking quality of one score; the recalls are by maximum false-positive rate."""

    auc: float
    average_precision: float
    recall_at_false_positive_rate: dict[str, float]


class PatternMetrics(msgspec.Struct, frozen=True):
    """Recall of one fraud pattern: above a probability, and by score at a maximum false-positive rate."""

    frauds: int
    recall_above: dict[str, float]
    recall_at_false_positive_rate: dict[str, dict[str, float]]


class Evaluation(msgspec.Struct, frozen=True):
    """All metrics of one slice; amounts in major units of the base currency."""

    rows: int
    frauds: int
    first_ms: int
    last_ms: int
    brier_score: float
    expected_calibration_error: float
    card_precision_at_100: float
    scores: dict[str, RankingMetrics]
    thresholds: list[ThresholdMetrics]
    fraud_amount: float
    fraud_amount_caught_above: dict[str, float]
    patterns: dict[str, PatternMetrics]
    reliability: list[ReliabilityBin]


def evaluate(
    labels: npt.NDArray[np.bool_],
    predictions: npt.NDArray[np.float32],
    timestamps_ms: npt.NDArray[np.int64],
    amounts: npt.NDArray[np.float64],
    user_ids: npt.NDArray[Any],
    patterns: npt.NDArray[np.object_],
) -> Evaluation:
    """Evaluate predictions float32 [N, 3] (probability, margin, anomaly) against labels [N]."""
    probabilities = predictions[:, 0].astype(np.float64)
    fraud_amount = float(amounts[labels].sum())
    bins = reliability(labels, probabilities, RELIABILITY_EDGES)
    return Evaluation(
        rows=len(labels),
        frauds=int(labels.sum()),
        first_ms=int(timestamps_ms.min()),
        last_ms=int(timestamps_ms.max()),
        brier_score=brier_score(labels, probabilities),
        expected_calibration_error=expected_calibration_error(bins),
        card_precision_at_100=card_precision_at_k(labels, probabilities, user_ids, timestamps_ms, CHECKED_USERS_A_DAY),
        scores={name: _ranking(labels, predictions[:, column]) for column, name in enumerate(SCORE_NAMES)},
        thresholds=[at_threshold(labels, probabilities, threshold) for threshold in THRESHOLDS],
        fraud_amount=fraud_amount,
        fraud_amount_caught_above={
            str(threshold): float(amounts[labels & (probabilities > threshold)].sum()) for threshold in THRESHOLDS
        },
        patterns=_by_pattern(labels, predictions, patterns),
        reliability=bins,
    )


def _ranking(labels: npt.NDArray[np.bool_], scores: npt.NDArray[np.float32]) -> RankingMetrics:
    recalls = {str(rate): recall_at_false_positive_rate(labels, scores, rate) for rate in FALSE_POSITIVE_RATES}
    return RankingMetrics(roc_auc(labels, scores), average_precision(labels, scores), recalls)


def _by_pattern(
    labels: npt.NDArray[np.bool_], predictions: npt.NDArray[np.float32], patterns: npt.NDArray[np.object_]
) -> dict[str, PatternMetrics]:
    limits = {
        name: scores_at_false_positive_rates(labels, predictions[:, column], FALSE_POSITIVE_RATES)
        for column, name in enumerate(SCORE_NAMES)
    }
    names = np.array([pattern or UNNAMED_PATTERN for pattern in patterns[labels].tolist()])
    frauds = predictions[labels]
    result = {}
    for pattern in np.unique(names).tolist():
        scores = frauds[names == pattern]
        result[pattern] = PatternMetrics(
            frauds=len(scores),
            recall_above=caught_above(scores[:, 0], THRESHOLDS),
            recall_at_false_positive_rate={
                name: caught_from(scores[:, column], limits[name]) for column, name in enumerate(SCORE_NAMES)
            },
        )
    return result
