"""The two models of an ensemble, fitted on the same rows: trees on all of them, the autoencoder on the legitimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.autoencoder import STAGE as AUTOENCODER_STAGE
from models.autoencoder import Autoencoder, fit_autoencoder
from models.blend import BlendFit, fit_blend
from models.boosting import STAGE as BOOSTING_STAGE
from models.boosting import Boosting, fit_boosting
from models.export import run_scoring_graph, scoring_graph
from models.frame import TrainingFrame
from models.settings import Progress, TrainSettings
from models.trees import Forest, read_forest
from udfs.bundle import SUMMARY_COLUMNS, BlendWeights

_TREES_ALONE = BlendWeights(1.0, 0.0, 0.0)
_LEAST_DEVIATION = 1e-6
_SHARES = {BOOSTING_STAGE: (0.0, 0.7), AUTOENCODER_STAGE: (0.7, 0.3)}  # where a stage starts, how long it is
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fitted:
    """Both models, and how far the squared errors of legitimate transactions usually are: float64 [F] each."""

    boosting: Boosting
    forest: Forest
    autoencoder: Autoencoder
    error_means: npt.NDArray[np.float64]
    error_deviations: npt.NDArray[np.float64]

    def graph(self, blend: BlendWeights = _TREES_ALONE) -> bytes:
        """The scoring graph with a blend; without one the probability is that of the trees alone."""
        return scoring_graph(self.forest, self.autoencoder, blend)


def fit_models(frame: TrainingFrame, rows: Rows, settings: TrainSettings, progress: Progress) -> Fitted:
    """Fit both models on rows of the frame; repeatable to the bit."""

    def scaled(stage: str, fraction: float) -> None:
        start, length = _SHARES[stage]
        progress(stage, start + length * fraction)

    labels = frame.labels[rows]
    boosting = fit_boosting(frame.features[rows], labels, settings, scaled)
    forest = read_forest(boosting.booster, boosting.columns)
    features = frame.features[_sample(rows[~labels], settings.autoencoder_rows, settings.seed)]
    autoencoder = fit_autoencoder(features, settings, scaled)
    squared = run_scoring_graph(scoring_graph(forest, autoencoder, _TREES_ALONE), features)[:, SUMMARY_COLUMNS:]
    means = squared.mean(axis=0, dtype=np.float64)
    deviations = np.maximum(squared.std(axis=0, dtype=np.float64), _LEAST_DEVIATION)
    return Fitted(boosting, forest, autoencoder, means, deviations)


def blend_on(frame: TrainingFrame, rows: Rows, fitted: Fitted, penalty: float) -> BlendFit:
    """Learn the blend on rows that the models were not fitted on."""
    outputs = run_scoring_graph(fitted.graph(), frame.features[rows])
    return fit_blend(outputs[:, 1], outputs[:, 2], frame.labels[rows], penalty)


def _sample(rows: Rows, size: int, seed: int) -> Rows:
    if len(rows) <= size:
        return rows
    return rows[np.sort(np.random.default_rng(seed).choice(len(rows), size, replace=False))]
