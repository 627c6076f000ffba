"""The handbook's own model, to compare with: its 15 features and XGBoost, tuned on earlier weeks.

Features after chapter 3 ("Baseline feature transformation"), written anew from their definitions: windows are
(t - w, t], a terminal's end 7 days earlier, because its frauds are known by then. Tuning after chapter 5 ("Model
selection"): the same grid of XGBoost, by mean average precision over four earlier weeks.
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
    """What the grid is over, in the handbook's order."""

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
    """Counts and sums over windows of one entity's rows, for all rows at once."""

    def __init__(self, entities: npt.NDArray[Any], times_ms: Rows, amounts: Values) -> None:
        _, numbers = np.unique(entities, return_inverse=True)
        # One rising axis for all entities, further apart than any window is long.
        apart = int(np.ptp(times_ms)) + (DELAY_DAYS + max(WINDOW_DAYS) + 1) * DAY_MS
        places = numbers.astype(np.int64) * apart + (times_ms - times_ms.min())
        self._order = np.argsort(places, kind="stable")
        self._places = places[self._order]
        self._sums = np.concatenate(([0.0], np.cumsum(amounts[self._order])))

    def ended(self, days_ago: int, days: int) -> tuple[Values, Values]:
        """Counts and sums over (t - days_ago - days, t - days_ago]; of one moment's rows only those up to this one."""
        places = self._places
        end = (
            np.searchsorted(places, places - days_ago * DAY_MS, side="right")
            if days_ago
            else np.arange(1, len(places) + 1)
        )
        start = np.searchsorted(places, places - (days_ago + days) * DAY_MS, side="right")
        counts, sums = np.empty(len(places)), np.empty(len(places))
        counts[self._order] = end - start
        sums[self._order] = self._sums[end] - self._sums[start]
        return counts, sums


def tune(features: npt.NDArray[np.float32], columns: Columns, train_day: int) -> Settings:
    """The best of the grid on the four weeks that end with the train week, whose labels are known at the test."""
    folds = [split(columns, train_day - DELAY_DAYS - TRAIN_DAYS - 7 * number) for number in range(VALIDATION_FOLDS)]
    folds = [(train, test) for train, test in folds if columns.labels[train].any() and columns.labels[test].any()]
    if not folds:
        return Settings(50, 0.3, 3)
    scores = {}
    for trees, rate, depth in GRID:
        settings = Settings(trees, rate, depth)
        reached = []
        for train, test in folds:
            probabilities = predict(fit(features, columns, train, settings), features[test])
            reached.append(average_precision(columns.labels[test], probabilities))
        scores[settings] = float(np.mean(reached))
    return max(scores, key=lambda settings: scores[settings])


def fit(features: npt.NDArray[np.float32], columns: Columns, rows: Rows, settings: Settings) -> xgb.Booster:
    """XGBoost as the handbook's version fitted it, from even odds and in effect on exact splits (4,096 bins)."""
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
    """Probabilities [n]."""
    probabilities: npt.NDArray[np.float32] = booster.predict(xgb.DMatrix(features, nthread=1))
    return probabilities
