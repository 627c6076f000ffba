"""Baseline: the handbook's 15 features and XGBoost, tuned on earlier weeks.

Features follow chapter 3 ("Baseline feature transformation"), implemented from their definitions: windows are
(t - w, t]; those of terminals end 7 days earlier, when frauds are known. Tuning follows chapter 5 ("Model selection"):
the same grid of XGBoost, by mean average precision over four earlier weeks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from benchmarks.handbook_protocol import DELAY_DAYS, TRAIN_DAYS, Columns, split
from models.metrics import DAY_MS, average_precision

HOUR_MS = DAY_MS // 24
WINDOW_DAYS = (1, 7, 30)
FEATURES = (
    "amount", "is_weekend", "is_night",
    *(f"customer_{kind}_{days}d" for days in WINDOW_DAYS for kind in ("count", "mean")),
    *(f"terminal_{kind}_{days}d" for days in WINDOW_DAYS for kind in ("count", "risk")),
)  # fmt: skip
GRID = tuple((trees, rate, depth) for depth in (3, 6, 9) for trees in (25, 50, 100) for rate in (0.1, 0.3))
VALIDATION_FOLDS = 4
BINS = 4096
Values = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


class Settings(NamedTuple):
    """Hyperparameters of the grid, in the handbook's order."""

    trees: int
    learning_rate: float
    depth: int


def baseline_features(columns: Columns) -> npt.NDArray[np.float32]:
    """The 15 features, float32 [N, 15], in the order of FEATURES."""
    times_ms, amounts = columns.timestamps_ms, columns.amounts
    values: list[npt.NDArray[Any]] = [
        amounts,
        (times_ms // DAY_MS + 3) % 7 >= 5,  # 1970-01-01 was a Thursday
        times_ms % DAY_MS // HOUR_MS <= 6,
    ]
    customers = _Sums(columns.user_ids, times_ms, amounts)
    for days in WINDOW_DAYS:
        counts, totals = customers.ended(0, days)
        values += [counts, totals / counts]
    terminals = _Sums(columns.terminal_ids, times_ms, columns.labels.astype(np.float64))
    for days in WINDOW_DAYS:
        counts, frauds = terminals.ended(DELAY_DAYS, days)
        values += [counts, np.divide(frauds, counts, out=np.zeros_like(frauds), where=counts > 0)]
    return np.column_stack(values).astype(np.float32)


class _Sums:
    """Counts and sums over windows of the same entity's rows, vectorised over all rows."""

    def __init__(self, entities: npt.NDArray[Any], times_ms: Rows, amounts: Values) -> None:
        _, numbers = np.unique(entities, return_inverse=True)
        # One time axis for all entities, spaced further apart than any window.
        spacing = int(np.ptp(times_ms)) + (DELAY_DAYS + max(WINDOW_DAYS) + 1) * DAY_MS
        positions = numbers.astype(np.int64) * spacing + (times_ms - times_ms.min())
        self._order = np.argsort(positions, kind="stable")
        self._positions = positions[self._order]
        self._sums = np.concatenate(([0.0], np.cumsum(amounts[self._order])))

    def ended(self, days_ago: int, days: int) -> tuple[Values, Values]:
        """Counts and sums over (t - days_ago - days, t - days_ago]; of rows with equal times only those up to this one."""
        positions = self._positions
        end = (
            np.searchsorted(positions, positions - days_ago * DAY_MS, side="right")
            if days_ago
            else np.arange(1, len(positions) + 1)
        )
        start = np.searchsorted(positions, positions - (days_ago + days) * DAY_MS, side="right")
        counts, sums = np.empty(len(positions)), np.empty(len(positions))
        counts[self._order] = end - start
        sums[self._order] = self._sums[end] - self._sums[start]
        return counts, sums


def tune(features: npt.NDArray[np.float32], columns: Columns, train_day: int) -> Settings:
    """The grid's best settings on up to four validation weeks; the last test week is the train week."""
    folds = [split(columns, train_day - DELAY_DAYS - TRAIN_DAYS - 7 * number) for number in range(VALIDATION_FOLDS)]
    folds = [(train, test) for train, test in folds if columns.labels[train].any() and columns.labels[test].any()]
    if not folds:
        return Settings(50, 0.3, 3)
    scores = {}
    for trees, rate, depth in GRID:
        settings = Settings(trees, rate, depth)
        precisions = []
        for train, test in folds:
            probabilities = predict(fit(features, columns, train, settings), features[test])
            precisions.append(average_precision(columns.labels[test], probabilities))
        scores[settings] = float(np.mean(precisions))
    return max(scores, key=lambda settings: scores[settings])


def fit(features: npt.NDArray[np.float32], columns: Columns, rows: Rows, settings: Settings) -> xgb.Booster:
    """XGBoost as in the handbook: base score 0.5, and 4,096 bins, which are in effect exact splits."""
    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_bin": BINS,
        "base_score": 0.5,
        "max_depth": settings.depth,
        "eta": settings.learning_rate,
        "nthread": 1,
    }
    matrix = xgb.QuantileDMatrix(features[rows], label=columns.labels[rows], max_bin=BINS, nthread=1)
    return xgb.train(parameters, matrix, settings.trees)


def predict(booster: xgb.Booster, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Probabilities, float32 [n]."""
    probabilities: npt.NDArray[np.float32] = booster.predict(xgb.DMatrix(features, nthread=1))
    return probabilities
