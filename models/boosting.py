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
"""The result does not depend on the number of threads (XGBoost 3.2's histograms, tested with 1, 2 and 4)."""
ROWS_FOR_THREADS = 50_000
"""With fewer rows, synchronisation costs more than threads gain (measured on a busy machine: 10 s instead of 1 s)."""
EARLY_STOPPING_ROUNDS = 60
LEAST_TREES = 100
NO_GAIN = 5e-4
"""Difference to the best average precision that is not worth more trees."""

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Boosting:
    """A booster over some of the features: its feature i is column `columns[i]` of the frame."""

    booster: xgb.Booster
    columns: Rows

    @property
    def trees(self) -> int:
        """Number of trees."""
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
    """Training rows: `rows` int64 [n] of features float32 [N, F] with labels bool [N].

    `sparse` are copies of some of them with dropped features, each with the weight `sparse_weight`.
    """

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
    """Fit trees on rows with NaN for unknown features; deterministic to the bit. Rows are read block by block.

    Rare frauds need a neutral base_score of 0.5 and fine histograms: XGBoost's defaults lose precision on them. The blend
    calibrates, so classes are not weighted. Constant columns are left out, since they would take slots in column
    sampling. With `later` rows, training stops when their average precision has not improved for EARLY_STOPPING_ROUNDS
    trees, and keeps the smallest number of trees within NO_GAIN of the best, at least LEAST_TREES. `directions` [F] are
    monotone constraints: 1 increasing, -1 decreasing, 0 none.
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
    evaluated = xgb.QuantileDMatrix(_Blocks(later, columns), max_bin=settings.max_bin, ref=matrix, nthread=threads)
    booster = xgb.train(
        parameters,
        matrix,
        settings.trees,
        evals=[(evaluated, "later")],
        evals_result=seen,
        early_stopping_rounds=EARLY_STOPPING_ROUNDS,
        verbose_eval=False,
        callbacks=callbacks,
    )
    reached = np.array(seen["later"]["aucpr"])
    enough = max(int(np.argmax(reached >= reached.max() - NO_GAIN)) + 1, min(LEAST_TREES, len(reached)))
    return Boosting(booster[:enough], columns)


def _varying(learned: LearningRows) -> Rows:
    """Columns with at least two different values, counting NaN as one; the first column if there is none."""
    first = learned.features[learned.rows[:1]]
    differs = np.zeros(first.shape[1], bool)
    for start in range(0, len(learned.rows), BLOCK_ROWS):
        block = learned.features[learned.rows[start : start + BLOCK_ROWS]]
        differs |= ((block != first) & ~(np.isnan(block) & np.isnan(first))).any(axis=0)
    return np.flatnonzero(differs) if differs.any() else np.array([0])


class _Blocks(xgb.DataIter):
    """Passes the rows to XGBoost block by block, the sparse copies last. State: the start of the next block."""

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
