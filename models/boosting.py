"""Gradient-boosted trees on labelled transactions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from models.frame import finite
from models.settings import Progress, TrainSettings, no_progress

STAGE = "growing trees"


def fit_boosting(
    features: npt.NDArray[np.float32],
    labels: npt.NDArray[np.bool_],
    settings: TrainSettings,
    progress: Progress = no_progress,
) -> xgb.Booster:
    """Fit on features float32 [N, F] (NaN = not known) and labels bool [N]; repeatable to the bit.

    Rare frauds need a neutral start (base_score 0.5) and fine histograms: XGBoost's defaults lose precision on them.
    Calibration is left to the blend, so no class is weighted up.
    """
    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "base_score": 0.5,
        "max_bin": settings.max_bin,
        "max_depth": settings.depth,
        "eta": settings.learning_rate,
        "colsample_bytree": settings.column_fraction,
        "seed": settings.seed,
        "nthread": 1,  # several threads add up gradients in changing order
    }
    matrix = xgb.QuantileDMatrix(finite(features), label=labels, max_bin=settings.max_bin, nthread=1)
    return xgb.train(parameters, matrix, settings.trees, callbacks=[_Reporter(progress, settings.trees)])


class _Reporter(xgb.callback.TrainingCallback):
    def __init__(self, progress: Progress, trees: int) -> None:
        super().__init__()
        self._progress = progress
        self._trees = trees

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self._progress(STAGE, (epoch + 1) / self._trees)
        return False
