"""Gradient-boosted trees on labelled transactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from models.frame import finite
from models.settings import Progress, TrainSettings, no_progress

STAGE = "growing trees"


@dataclass(frozen=True)
class Boosting:
    """A booster over some of the features: its feature number i is the frame's column `columns[i]`."""

    booster: xgb.Booster
    columns: npt.NDArray[np.int64]

    def margins(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Log-odds [N] of features float32 [N, F]."""
        margins: npt.NDArray[np.float32] = self.booster.predict(self._matrix(features), output_margin=True)
        return margins

    def shap(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Exact TreeSHAP values float32 [N, F] (Lundberg, "Consistent feature attribution", 2018)."""
        values = np.zeros(features.shape, np.float32)
        values[:, self.columns] = self.booster.predict(self._matrix(features), pred_contribs=True)[:, :-1]
        return values

    def _matrix(self, features: npt.NDArray[np.float32]) -> xgb.DMatrix:
        return xgb.DMatrix(finite(features[:, self.columns]), nthread=1)


def fit_boosting(
    features: npt.NDArray[np.float32],
    labels: npt.NDArray[np.bool_],
    settings: TrainSettings,
    progress: Progress = no_progress,
) -> Boosting:
    """Fit on features float32 [N, F] (NaN = not known) and labels bool [N]; repeatable to the bit.

    Rare frauds need a neutral start (base_score 0.5) and fine histograms: XGBoost's defaults lose precision on them.
    Calibration is left to the blend, so no class is weighted up. A column that never varies here is left out: it could
    never split and would only take the place of others when columns are drawn.
    """
    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "base_score": 0.5,
        "max_bin": settings.max_bin,
        "max_depth": settings.depth,
        "eta": settings.learning_rate,
        "colsample_bytree": settings.column_fraction,
        "subsample": settings.row_fraction,
        "lambda": settings.leaf_penalty,
        "seed": settings.seed,
        "nthread": 1,  # several threads add up gradients in changing order
    }
    columns = _varying(features)
    matrix = xgb.QuantileDMatrix(finite(features[:, columns]), label=labels, max_bin=settings.max_bin, nthread=1)
    booster = xgb.train(parameters, matrix, settings.trees, callbacks=[_Reporter(progress, settings.trees)])
    return Boosting(booster, columns)


def _varying(features: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Columns with two different values, missing being one; the first column where there is none."""
    first = features[:1]
    differs = ((features != first) & ~(np.isnan(features) & np.isnan(first))).any(axis=0)
    return np.flatnonzero(differs) if differs.any() else np.array([0])


class _Reporter(xgb.callback.TrainingCallback):
    def __init__(self, progress: Progress, trees: int) -> None:
        super().__init__()
        self._progress = progress
        self._trees = trees

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self._progress(STAGE, (epoch + 1) / self._trees)
        return False
