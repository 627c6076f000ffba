"""Fits the models of an ensemble: trees and generalist on all training rows, the autoencoder on legitimate ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.autoencoder import ALLOWANCE_ROWS, error_statistics, fit_autoencoder
from models.autoencoder import STAGE as AUTOENCODER_STAGE
from models.blend import BlendFit, fit_blend
from models.boosting import STAGE as BOOSTING_STAGE
from models.boosting import Boosting, LearningRows, fit_boosting
from models.detectors import Detectors, join_detectors, with_signals
from models.feature_facts import group_known
from models.frame import TrainingFrame, sampled
from models.generalist import can_be_unusual, fit_generalist, rows_to_learn
from models.late_copies import late_groups, with_late_copies
from models.scoring_graph import run_summaries, scoring_graph
from models.settings import Progress, TrainSettings
from models.sparse_views import SparseRows, draw_sparse_rows
from models.trees import Forest, read_forest
from models.unseen_weight import DEFAULT_WEIGHT, learn_weight
from udfs.scoring.bundle import BlendWeights

_TREES_ALONE = BlendWeights(1.0, 0.0, 0.0)
_LEAST_DEVIATION = 1e-6
SIGNAL_ROWS = 50_000
_SHARES = {BOOSTING_STAGE: (0.0, 0.7), AUTOENCODER_STAGE: (0.7, 0.3)}  # where a stage starts, how long it is
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fitted:
    """The fitted models, and mean and deviation of the squared errors of legitimate transactions, float64 [F] each."""

    boosting: Boosting
    forest: Forest
    error_means: npt.NDArray[np.float64]
    error_deviations: npt.NDArray[np.float64]
    detectors: Detectors

    def graph(self, blend: BlendWeights = _TREES_ALONE) -> bytes:
        """The scoring graph with a blend; by default the probability is that of the trees alone."""
        return scoring_graph(self.forest, self.detectors, blend)


def fit_models(
    frame: TrainingFrame, rows: Rows, settings: TrainSettings, progress: Progress, later: Rows | None = None
) -> Fitted:
    """Fit the models on rows of the frame and on sparse copies of them; deterministic to the bit.

    `later` rows are used for early stopping, if the settings ask for it, and for the weight of the generalist.
    """

    def scaled(stage: str, fraction: float) -> None:
        start, length = _SHARES[stage]
        progress(stage, start + length * fraction)

    stopping = LearningRows(frame.features, frame.labels, later) if later is not None and settings.stop_early else None
    boosting = fit_boosting(learning_rows(frame, rows, settings), settings, scaled, stopping)
    forest = read_forest(boosting.booster, boosting.columns)
    legitimate = sampled(rows[~frame.labels[rows]], settings.autoencoder_rows, settings.seed)
    features = frame.features[legitimate]
    in_anomaly = np.array([can_be_unusual(name) for name in frame.names])
    counted = in_anomaly if in_anomaly.any() else None
    groups = dict(frame.groups) | late_groups(frame.names)
    autoencoder = fit_autoencoder(features, settings, scaled, groups, counted)
    general = rows_to_learn(rows, frame.labels, settings)
    generalist = fit_generalist(learning_rows(frame, general, settings), frame.names, settings)
    weight = settings.generalist_weight
    if weight is None:
        weight = DEFAULT_WEIGHT if later is None else learn_weight(frame, rows, later, autoencoder, settings)
    detectors = join_detectors(
        autoencoder, replace(generalist, weight=weight), features[:: 1 + len(features) // ALLOWANCE_ROWS], groups
    )
    means, deviations = error_statistics(autoencoder, features)
    deviations = np.maximum(deviations, _LEAST_DEVIATION)
    newer = rows[len(rows) // 2 :]
    recent = sampled(newer[~frame.labels[newer]], SIGNAL_ROWS, settings.seed)
    detectors = with_signals(detectors, frame.features[recent], frame.names, deviations)
    return Fitted(boosting, forest, means, deviations, detectors)


def blend_on(frame: TrainingFrame, rows: Rows, fitted: Fitted, settings: TrainSettings) -> BlendFit:
    """Fit the blend on rows that the models were not fitted on, and on sparse copies of them."""
    graph = fitted.graph()
    outputs = run_summaries(graph, frame.features, rows)
    sparse = _sparse_rows(frame, rows, settings)
    copies = run_summaries(graph, sparse.features(frame.features, 0, len(sparse)), np.arange(len(sparse)))
    both = np.concatenate([outputs, copies])
    weights = np.concatenate([np.ones(len(rows)), np.full(len(sparse), settings.sparse_weight)])
    labels = np.concatenate([frame.labels[rows], frame.labels[sparse.rows]])
    return fit_blend(both[:, 1], both[:, 2], labels, settings.blend_penalty, weights, evaluated=len(rows))


def learning_rows(frame: TrainingFrame, rows: Rows, settings: TrainSettings) -> LearningRows:
    """Rows of a frame with the sparse copies that the settings ask for."""
    return LearningRows(frame.features, frame.labels, rows, _sparse_rows(frame, rows, settings), settings.sparse_weight)


def _sparse_rows(frame: TrainingFrame, rows: Rows, settings: TrainSettings) -> SparseRows:
    known = [group for group, share in group_known(frame, rows).items() if share > 0.0]
    width = len(frame.names)
    sparse = draw_sparse_rows(rows, frame.groups, known, settings.sparse_share, width, settings.seed)
    return with_late_copies(sparse, rows, late_groups(frame.names), width, settings.late_share, settings.seed)
