"""Thresholds by how much an analyst can do: so many users to look into a day."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.metrics import DAY_MS, at_threshold
from udfs.decision import model_score

Vector = npt.NDArray[Any]


class BudgetThreshold(msgspec.Struct, frozen=True):
    """Alerting on probabilities above `threshold` (scores above `risk_score_above`) gives `users_a_day` users on average.

    Where that is less than the budget, there are no more users a day.
    """

    budget_users_a_day: int
    threshold: float
    risk_score_above: int
    users_a_day: float
    precision: float
    recall: float
    false_positive_rate: float


def budget_threshold(
    labels: npt.NDArray[np.bool_], probabilities: Vector, user_ids: Vector, timestamps_ms: Vector, budget: int
) -> BudgetThreshold:
    """The lowest threshold that stays within the budget, as the mean over the UTC days of [N] transactions."""
    days, day_numbers = np.unique(timestamps_ms // DAY_MS, return_inverse=True)
    _, user_numbers = np.unique(user_ids, return_inverse=True)
    user_days = day_numbers.astype(np.int64) * (int(user_numbers.max(initial=0)) + 1) + user_numbers
    _, places = np.unique(user_days, return_inverse=True)
    highest = np.full(int(places.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(highest, places, probabilities.astype(np.float64))
    ranked = np.sort(highest)[::-1]
    allowed = budget * len(days)
    threshold = float(ranked[allowed]) if allowed < len(ranked) else 0.0
    metrics = at_threshold(labels, probabilities.astype(np.float64), threshold)
    return BudgetThreshold(
        budget,
        threshold,
        model_score(threshold),
        float((ranked > threshold).sum() / max(1, len(days))),
        metrics.precision,
        metrics.recall,
        metrics.false_positive_rate,
    )
