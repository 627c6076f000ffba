"""From a training frame to a bundle: fit on the first period, blend on the second, measure on the third."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.autoencoder import STAGE as AUTOENCODER_STAGE
from models.autoencoder import Autoencoder, fit_autoencoder
from models.blend import BlendFit, fit_blend
from models.boosting import STAGE as BOOSTING_STAGE
from models.boosting import fit_boosting
from models.evaluate import evaluate
from models.export import explain_graph, run_scoring_graph, scoring_graph
from models.frame import TimeSlices, TrainingError, TrainingFrame, check_frame, slice_by_time
from models.manifest import library_versions, write_bundle
from models.settings import Progress, TrainSettings, no_progress
from models.trees import Forest, read_forest
from udfs.bundle import FORMAT_VERSION, SUMMARY_COLUMNS, BlendWeights, Manifest, load_bundle

__all__ = ["TrainSettings", "TrainingError", "TrainingFrame", "train_bundle"]

_TREES_ALONE = BlendWeights(1.0, 0.0, 0.0)
_LEAST_DEVIATION = 1e-6
_SHARES = {BOOSTING_STAGE: (0.0, 0.65), AUTOENCODER_STAGE: (0.65, 0.3)}  # where a stage starts, how long it is
_BLENDING_FROM = 0.95


def train_bundle(
    frame: TrainingFrame,
    directory: str | Path,
    settings: TrainSettings | None = None,
    progress: Progress = no_progress,
) -> Manifest:
    """Train on `frame`, write the bundle to `directory` and give its manifest; same input, same bytes.

    Raises TrainingError when the frame's parts do not fit together or a period lacks rows or frauds.
    """
    settings = settings or TrainSettings()
    check_frame(frame)
    slices = slice_by_time(frame, settings.training_fraction, settings.blending_fraction, settings.left_out_patterns)
    forest, autoencoder, error_means, error_deviations = _fit(frame, slices, settings, progress)

    progress("blending and calibrating", _BLENDING_FROM)
    outputs = run_scoring_graph(scoring_graph(forest, autoencoder, _TREES_ALONE), frame.features[slices.blending])
    blend = fit_blend(outputs[:, 1], outputs[:, 2], frame.labels[slices.blending], settings.blend_penalty)
    model = scoring_graph(forest, autoencoder, blend.weights)

    progress("measuring", (1.0 + _BLENDING_FROM) / 2)
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name=settings.name,
        version="",
        feature_set_version=frame.feature_set_version,
        feature_names=frame.names,
        medians=tuple(autoencoder.preparation.medians.tolist()),
        error_means=tuple(error_means.tolist()),
        error_deviations=tuple(error_deviations.tolist()),
        margin_bias=forest.mean_margin,
        blend=blend.weights,
        settings=msgspec.to_builtins(settings),
        description=frame.description,
        metrics=_metrics(frame, slices, model, blend),
        libraries=library_versions(),
        files={},
    )
    written = write_bundle(directory, manifest, model, explain_graph(forest, len(frame.names)))
    load_bundle(directory, frame.names, frame.feature_set_version)
    progress("done", 1.0)
    return written


def _fit(
    frame: TrainingFrame, slices: TimeSlices, settings: TrainSettings, progress: Progress
) -> tuple[Forest, Autoencoder, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    def scaled(stage: str, fraction: float) -> None:
        start, length = _SHARES[stage]
        progress(stage, start + length * fraction)

    labels = frame.labels[slices.training]
    forest = read_forest(fit_boosting(frame.features[slices.training], labels, settings, scaled))
    features = frame.features[_sample(slices.training[~labels], settings.autoencoder_rows, settings.seed)]
    autoencoder = fit_autoencoder(features, settings, scaled)
    squared = run_scoring_graph(scoring_graph(forest, autoencoder, _TREES_ALONE), features)[:, SUMMARY_COLUMNS:]
    means = squared.mean(axis=0, dtype=np.float64)
    deviations = np.maximum(squared.std(axis=0, dtype=np.float64), _LEAST_DEVIATION)
    return forest, autoencoder, means, deviations


def _sample(rows: npt.NDArray[np.int64], size: int, seed: int) -> npt.NDArray[np.int64]:
    if len(rows) <= size:
        return rows
    return rows[np.sort(np.random.default_rng(seed).choice(len(rows), size, replace=False))]


def _metrics(frame: TrainingFrame, slices: TimeSlices, model: bytes, blend: BlendFit) -> dict[str, Any]:
    rows = slices.evaluation
    predictions = run_scoring_graph(model, frame.features[rows])[:, :SUMMARY_COLUMNS]
    evaluation = evaluate(
        frame.labels[rows],
        predictions,
        frame.timestamps_ms[rows],
        frame.amounts[rows],
        frame.user_ids[rows],
        frame.patterns[rows],
    )
    fitted_on = {
        "rows": len(slices.training),
        "frauds": int(frame.labels[slices.training].sum()),
        "until_ms": slices.training_end_ms,
    }
    blended_on = {
        "rows": len(slices.blending),
        "frauds": int(frame.labels[slices.blending].sum()),
        "until_ms": slices.blending_end_ms,
        "average_precision": blend.average_precision,
        "average_precision_of_trees": blend.average_precision_of_trees,
    }
    return {"training": fitted_on, "blending": blended_on, "evaluation": msgspec.to_builtins(evaluation)}
