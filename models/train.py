"""Trains a bundle from a training frame: fit, blend and calibrate on later days, evaluate on unseen days."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.blend import BlendFit
from models.calibration import calibrate_on, measure_on
from models.feature_facts import FeatureFacts, facts_of
from models.fitting import Fitted, fit_models
from models.frame import TrainingError, TrainingFrame, check_frame
from models.manifest import library_versions, write_bundle
from models.period import Period, slice_period
from models.reasons_graph import reasons_graph
from models.settings import Progress, TrainSettings, no_progress
from models.time_slices import slice_by_time
from udfs.scoring.bundle import FORMAT_VERSION, DecisionModel, Manifest, load_bundle

__all__ = ["Period", "TrainSettings", "TrainedEnsemble", "TrainingError", "TrainingFrame", "train", "train_bundle"]

_FITTING_SHARE = 0.95
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrainedEnsemble:
    """The content of a bundle: models, blend, decision model, feature facts and metrics."""

    fitted: Fitted
    blend: BlendFit
    decision: DecisionModel
    facts: FeatureFacts
    metrics: dict[str, Any]


def train_bundle(
    frame: TrainingFrame,
    directory: str | Path,
    settings: TrainSettings | None = None,
    progress: Progress = no_progress,
    period: Period | None = None,
) -> Manifest:
    """Train on `frame`, write the bundle to `directory` and return its manifest. Equal input gives equal bytes.

    Raises TrainingError.
    """
    settings = settings or TrainSettings()
    written = save_bundle(train(frame, settings, progress, period), frame, directory, settings)
    progress("done", 1.0)
    return written


def train(
    frame: TrainingFrame,
    settings: TrainSettings,
    progress: Progress = no_progress,
    period: Period | None = None,
) -> TrainedEnsemble:
    """Fit, calibrate and measure.

    Without a period the frame is split in three slices: training, blending and calibration, evaluation. With a period its
    last days calibrate and all of it is fitted again (`models.period`). Raises TrainingError if the frame is inconsistent
    or a slice lacks rows or frauds.
    """
    check_frame(frame)
    if period is None:
        return _train_on_slices(frame, settings, progress)
    return _train_on_period(frame, period, settings, progress)


def save_bundle(
    trained: TrainedEnsemble, frame: TrainingFrame, directory: str | Path, settings: TrainSettings
) -> Manifest:
    """Write the bundle, load it again with all checks, and return its manifest."""
    fitted, weights, facts = trained.fitted, trained.blend.weights, trained.facts
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name=settings.name,
        version="",
        feature_set_version=frame.feature_set_version,
        feature_names=frame.names,
        error_means=tuple(fitted.error_means.tolist()),
        error_deviations=tuple(fitted.error_deviations.tolist()),
        margin_bias=fitted.forest.mean_margin,
        blend=weights,
        settings=msgspec.to_builtins(settings),
        description=frame.description,
        metrics=trained.metrics,
        libraries=library_versions(),
        files={},
        attributes=frame.attributes,
        groups=frame.groups,
        group_known=facts.group_known,
        importance=facts.importance,
        quantiles=facts.quantiles,
        decision=trained.decision,
    )
    reasons = reasons_graph(settings.reasons, fitted.forest, len(frame.names))
    written = write_bundle(directory, manifest, fitted.graph(weights), reasons)
    load_bundle(directory, frame.names, frame.feature_set_version)
    return written


def _train_on_slices(frame: TrainingFrame, settings: TrainSettings, progress: Progress) -> TrainedEnsemble:
    slices = slice_by_time(frame, settings.training_fraction, settings.blending_fraction, settings.left_out_patterns)
    fitted = fit_models(frame, slices.training, settings, _part(progress, 0.0, _FITTING_SHARE), slices.blending)
    progress("blending and calibrating", _FITTING_SHARE)
    calibrated = calibrate_on(frame, slices.blending, fitted, settings)
    facts = facts_of(frame, slices.training, fitted.forest, settings.seed)
    progress("measuring", (1.0 + _FITTING_SHARE) / 2)
    metrics = {
        "training": _described(frame, slices.training, slices.training_end_ms) | {"trees": fitted.boosting.trees},
        "blending": _described(frame, slices.blending, slices.blending_end_ms) | calibrated.metrics,
        "evaluation": measure_on(frame, slices.evaluation, fitted, calibrated, facts.importance, settings),
    }
    return TrainedEnsemble(fitted, calibrated.blend, calibrated.decision, facts, metrics)


def _train_on_period(
    frame: TrainingFrame, period: Period, settings: TrainSettings, progress: Progress
) -> TrainedEnsemble:
    slices = slice_period(frame, period, settings.calibration_share, settings.left_out_patterns)
    half = _FITTING_SHARE / 2
    early = fit_models(frame, slices.fitting, settings, _part(progress, 0.0, half), slices.calibrating)
    progress("blending and calibrating", half)
    calibrated = calibrate_on(frame, slices.calibrating, early, settings)
    # The second fit has no later days for early stopping: it uses the number of trees of the first one.
    settings = msgspec.structs.replace(
        settings, trees=early.boosting.trees, stop_early=False, generalist_weight=early.detectors.generalist.weight
    )
    fitted = fit_models(frame, slices.all_rows, settings, _part(progress, half, half))
    facts = facts_of(frame, slices.all_rows, fitted.forest, settings.seed)
    metrics = {
        "training": _described(frame, slices.all_rows, period.until_ms) | {"trees": fitted.boosting.trees},
        "blending": _described(frame, slices.calibrating, period.until_ms) | calibrated.metrics,
        # Measured on the first fit, since the second one was fitted on the whole period.
        "calibration": measure_on(frame, slices.calibrating, early, calibrated, facts.importance, settings),
    }
    return TrainedEnsemble(fitted, calibrated.blend, calibrated.decision, facts, metrics)


def _part(progress: Progress, start: float, length: float) -> Progress:
    return lambda stage, fraction: progress(stage, start + length * fraction)


def _described(frame: TrainingFrame, rows: Rows, until_ms: int) -> dict[str, Any]:
    return {"rows": len(rows), "frauds": int(frame.labels[rows].sum()), "until_ms": until_ms}
