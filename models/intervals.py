"""Bootstrap intervals of metrics, with customers as the resampling unit.

The transactions of a customer are correlated (one stolen card, many frauds) and are resampled together; resampling single
transactions would give intervals that are too narrow (Davison and Hinkley, "Bootstrap methods", 1997, section 3.8).
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.metrics import DAY_MS

DRAWS = 200
COVERAGE = 0.95
Vector = npt.NDArray[Any]
Weights = npt.NDArray[np.float64]


class Interval(msgspec.Struct, frozen=True):
    """Central 95 % interval of a figure over the draws; NaN if it is undefined in a draw."""

    low: float
    high: float


class CustomerBootstrap:
    """Labels bool [N], scores [N], user ids [N] and times [N], prepared for repeated resampling of customers."""

    def __init__(self, labels: Vector, scores: Vector, user_ids: Vector, timestamps_ms: Vector) -> None:
        order = np.argsort(-scores, kind="stable")
        users, self._users = np.unique(user_ids, return_inverse=True)
        self._count = len(users)
        self._labels = labels[order].astype(np.float64)
        self._scores = scores[order]
        self._sorted_users = self._users[order]
        self._last_of_ties = np.append(np.flatnonzero(np.diff(self._scores)), len(order) - 1)
        self._days = list(_days(labels, scores, self._users, timestamps_ms))

    def intervals(
        self, thresholds: tuple[float, ...], k: int, seed: int = 0, draws: int = DRAWS
    ) -> dict[str, Interval]:
        """Intervals of `auc`, `average_precision`, `card_precision`, and `precision T` and `recall T` per threshold T."""
        random = np.random.default_rng(seed)
        figures: dict[str, list[float]] = {}
        for _ in range(draws):
            weights = np.bincount(random.integers(0, self._count, self._count), minlength=self._count).astype(float)
            for name, value in self._figures(weights, thresholds).items():
                figures.setdefault(name, []).append(value)
            figures.setdefault("card_precision", []).append(card_precision(self._days, weights, k))
        tail = (1.0 - COVERAGE) / 2.0
        return {
            name: Interval(*np.quantile(values, [tail, 1.0 - tail]).tolist()) if np.isfinite(values).all()
            else Interval(np.nan, np.nan)
            for name, values in figures.items()
        }  # fmt: skip

    def _figures(self, weights: Weights, thresholds: tuple[float, ...]) -> dict[str, float]:
        by_row = weights[self._sorted_users]
        alerts = np.cumsum(by_row)[self._last_of_ties]
        caught = np.cumsum(by_row * self._labels)[self._last_of_ties]
        frauds, others = caught[-1], alerts[-1] - caught[-1]
        if not frauds or not others:
            return {"auc": np.nan, "average_precision": np.nan}
        false = alerts - caught
        new = np.diff(caught, prepend=0.0)
        precision = np.divide(caught, alerts, out=np.zeros_like(caught), where=alerts > 0)
        found = {
            "auc": float((np.diff(false, prepend=0.0) * (caught - new / 2.0)).sum() / (frauds * others)),
            "average_precision": float((new / frauds * precision).sum()),
        }
        levels = -self._scores[self._last_of_ties]
        for threshold in thresholds:
            index = int(np.searchsorted(levels, -threshold, side="left")) - 1
            found[f"precision {threshold}"] = float(precision[index]) if index >= 0 and alerts[index] else np.nan
            found[f"recall {threshold}"] = float(caught[index] / frauds) if index >= 0 else 0.0
        return found


def card_precision(days: list[tuple[Vector, Vector]], weights: Weights, k: int) -> float:
    """As metrics.card_precision_at_k, with customer weights."""
    caught = np.zeros(len(weights), bool)
    precisions = []
    for users, defrauded in days:
        count = np.where(caught[users], 0.0, weights[users])
        room = np.clip(k - (np.cumsum(count) - count), 0.0, count)
        precisions.append(float(room[defrauded].sum()) / k)
        caught[users[defrauded & (room > 0)]] = True
    return float(np.mean(precisions)) if precisions else np.nan


def _days(labels: Vector, scores: Vector, users: Vector, timestamps_ms: Vector) -> Any:
    """Yield each day's customers in descending order of their highest score, and whether they were defrauded."""
    days = timestamps_ms // DAY_MS
    for day in np.unique(days):
        today = days == day
        present, positions = np.unique(users[today], return_inverse=True)
        highest = np.full(len(present), -np.inf)
        np.maximum.at(highest, positions, scores[today])
        defrauded = np.zeros(len(present), bool)
        np.logical_or.at(defrauded, positions, labels[today])
        ranked = np.argsort(-highest, kind="stable")
        yield present[ranked], defrauded[ranked]
