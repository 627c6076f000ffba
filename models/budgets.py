"""Alert thresholds for a budget of users that analysts can check per day."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.metrics import DAY_MS, at_threshold
from udfs.core._native import risk_score

Vector = npt.NDArray[Any]


class BudgetThreshold(msgspec.Struct, frozen=True):
    """Alerts on probabilities above `threshold` (risk scores above `risk_score_above`) give `users_a_day` on average.

    That is less than the budget only if there are not more users per day.
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
    """The lowest threshold within the budget, on average over the UTC days of [N] transactions."""
    days, day_numbers = np.unique(timestamps_ms // DAY_MS, return_inverse=True)
    _, user_numbers = np.unique(user_ids, return_inverse=True)
    user_days = day_numbers.astype(np.int64) * (int(user_numbers.max(initial=0)) + 1) + user_numbers
    _, positions = np.unique(user_days, return_inverse=True)
    highest = np.full(int(positions.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(highest, positions, probabilities.astype(np.float64))
    ranked = np.sort(highest)[::-1]
    allowed = budget * len(days)
    threshold = float(ranked[allowed]) if allowed < len(ranked) else 0.0
    metrics = at_threshold(labels, probabilities.astype(np.float64), threshold)
    return BudgetThreshold(
        budget,
        threshold,
        risk_score(threshold),
        float((ranked > threshold).sum() / max(1, len(days))),
        metrics.precision,
        metrics.recall,
        metrics.false_positive_rate,
    )
