"""Gradient-boosted trees on labelled transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from models.frame import finite
from models.settings import Progress, TrainSettings, no_progress
from models.sparse_views import SparseRows

STAGE = "growing trees"
BLOCK_ROWS = 65_536
THREADS = 2
"""As many threads give the same bytes each time (XGBoost 3.2's histograms: measured with 1, 2 and 4); more gain little."""
ROWS_FOR_THREADS = 50_000
"""With fewer, threads wait for each other longer than they work (measured on a busy machine: 10 s instead of 1 s)."""
PATIENCE = 60
LEAST_TREES = 100
NO_GAIN = 5e-4
"""Average precision that is not worth more trees."""

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Boosting:
    """A booster over some of the features: its feature number i is the frame's column `columns[i]`."""

    booster: xgb.Booster
    columns: Rows

    @property
    def trees(self) -> int:
        return int(self.booster.num_boosted_rounds())

    def margins(self, features: Matrix) -> Matrix:
        """Log-odds [N] of features float32 [N, F]."""
        margins: Matrix = self.booster.predict(self._matrix(features), output_margin=True)
        return margins

    def shap(self, features: Matrix) -> Matrix:
        """Exact TreeSHAP values float32 [N, F] (Lundberg, "Consistent feature attribution", 2018)."""
        values = np.zeros(features.shape, np.float32)
        values[:, self.columns] = self.booster.predict(self._matrix(features), pred_contribs=True)[:, :-1]
        return values

    def _matrix(self, features: Matrix) -> xgb.DMatrix:
        return xgb.DMatrix(finite(features[:, self.columns]), nthread=1)


@dataclass(frozen=True)
class LearningRows:
    """What trees learn from: `rows` int64 [n] of features float32 [N, F] with labels bool [N], and `sparse` copies of
    some of them, each of which counts `sparse_weight` of a row."""

    features: Matrix
    labels: npt.NDArray[np.bool_]
    rows: Rows
    sparse: SparseRows | None = None
    sparse_weight: float = 1.0


def fit_boosting(
    learned: LearningRows,
    settings: TrainSettings,
    progress: Progress = no_progress,
    later: LearningRows | None = None,
    directions: Sequence[int] | None = None,
) -> Boosting:
    """Fit on rows with NaN for what is not known; repeatable to the bit. The rows are read block by block.

    Rare frauds need a neutral start (base_score 0.5) and fine histograms: XGBoost's defaults lose precision on them.
    Calibration is left to the blend, so no class is weighted up. A column that never varies here is left out: it could
    never split and would only take the place of others when columns are drawn. With `later` rows, growing stops where
    their average precision has not risen for PATIENCE trees, and only as many trees are kept as come within NO_GAIN of
    the best, LEAST_TREES at least. `directions` [F] hold the margin to rise (1) or fall (-1) with a feature; 0 leaves it.
    """
    threads = THREADS if len(learned.rows) >= ROWS_FOR_THREADS else 1
    parameters: dict[str, Any] = {
        "objective": "binary:logistic",
        "eval_metric": "aucpr",
        "tree_method": "hist",
        "base_score": 0.5,
        "max_bin": settings.max_bin,
        "max_depth": settings.depth,
        "eta": settings.learning_rate,
        "colsample_bytree": settings.column_fraction,
        "subsample": settings.row_fraction,
        "lambda": settings.leaf_penalty,
        "seed": settings.seed,
        "nthread": threads,
    }
    columns = _varying(learned)
    if directions is not None:
        parameters["monotone_constraints"] = tuple(directions[column] for column in columns)
    matrix = xgb.QuantileDMatrix(_Blocks(learned, columns), max_bin=settings.max_bin, nthread=threads)
    callbacks: list[xgb.callback.TrainingCallback] = [_Reporter(progress, settings.trees)]
    if later is None:
        return Boosting(xgb.train(parameters, matrix, settings.trees, callbacks=callbacks), columns)
    seen: dict[str, dict[str, list[float]]] = {}
    judged = xgb.QuantileDMatrix(_Blocks(later, columns), max_bin=settings.max_bin, ref=matrix, nthread=threads)
    booster = xgb.train(
        parameters,
        matrix,
        settings.trees,
        evals=[(judged, "later")],
        evals_result=seen,
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
        callbacks=callbacks,
    )
    reached = np.array(seen["later"]["aucpr"])
    enough = max(int(np.argmax(reached >= reached.max() - NO_GAIN)) + 1, min(LEAST_TREES, len(reached)))
    return Boosting(booster[:enough], columns)


def _varying(learned: LearningRows) -> Rows:
    """Columns with two different values, missing being one; the first column where there is none."""
    first = learned.features[learned.rows[:1]]
    differs = np.zeros(first.shape[1], bool)
    for start in range(0, len(learned.rows), BLOCK_ROWS):
        block = learned.features[learned.rows[start : start + BLOCK_ROWS]]
        differs |= ((block != first) & ~(np.isnan(block) & np.isnan(first))).any(axis=0)
    return np.flatnonzero(differs) if differs.any() else np.array([0])


class _Blocks(xgb.DataIter):
    """Hands the rows to XGBoost block by block, the sparse copies last. State: where the next block starts."""

    def __init__(self, learned: LearningRows, columns: Rows) -> None:
        super().__init__()
        self._learned = learned
        self._columns = columns
        self._start = 0

    def reset(self) -> None:
        self._start = 0

    def next(self, input_data: Callable[..., Any]) -> bool:
        learned, start, rows = self._learned, self._start, len(self._learned.rows)
        if start < rows:
            end = min(start + BLOCK_ROWS, rows)
            chosen = learned.rows[start:end]
            block, weight = learned.features[chosen], 1.0
        else:
            sparse, skipped = learned.sparse, start - rows
            if sparse is None or skipped >= len(sparse):
                return False
            end = min(skipped + BLOCK_ROWS, len(sparse)) + rows
            chosen = sparse.rows[skipped : end - rows]
            block, weight = sparse.features(learned.features, skipped, end - rows), learned.sparse_weight
        input_data(
            data=finite(block[:, self._columns]),
            label=learned.labels[chosen],
            weight=np.full(len(chosen), weight, np.float32),
        )
        self._start = end
        return True


class _Reporter(xgb.callback.TrainingCallback):
    def __init__(self, progress: Progress, trees: int) -> None:
        super().__init__()
        self._progress = progress
        self._trees = trees

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self._progress(STAGE, (epoch + 1) / self._trees)
        return False
