"""Hyper-parameter search for the trees: Optuna's TPE over time-ordered folds, within a time budget.

    fold 1   |--- fit ---|- score -|
    fold 2   |-------- fit --------|- score -|
    fold 3   |------------- fit -------------|- score -|

All folds are within the training rows: calibration and evaluation rows are not used.
"""

from __future__ import annotations

from itertools import pairwise
from time import monotonic
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import optuna

from models.boosting import fit_boosting
from models.fitting import learning_rows
from models.frame import TrainingError, TrainingFrame
from models.metrics import average_precision
from models.period import Period, slice_period
from models.settings import Progress, TrainSettings, no_progress
from models.time_slices import slice_by_time

FOLDS = 3
MOST_TRIALS = 200
FIRST_FOLD_STARTS = 0.4  # of the rows
Rows = npt.NDArray[np.int64]


class Tuned(NamedTuple):
    """The best settings, and the mean average precision over the folds with them and with the given ones."""

    settings: TrainSettings
    average_precision: float
    average_precision_before: float
    trials: int


def tune(
    frame: TrainingFrame,
    settings: TrainSettings,
    period: Period | None,
    seconds: float,
    progress: Progress = no_progress,
    most_trials: int = MOST_TRIALS,
) -> Tuned:
    """Search for at most `seconds` and `most_trials`. The number of trees is not changed, so scoring takes no longer.

    Seeded: equal numbers of trials give equal results. Raises TrainingError if no fold has frauds.
    """
    if period is None:
        rows = slice_by_time(
            frame, settings.training_fraction, settings.blending_fraction, settings.left_out_patterns
        ).training
    else:
        rows = slice_period(frame, period, settings.calibration_share, settings.left_out_patterns).fitting
    folds = time_ordered_folds(frame.labels, rows)
    if not folds:
        raise TrainingError("too few frauds for tuning; use a longer history or train without tuning")
    started = monotonic()
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=settings.seed))
    study.enqueue_trial(_as_parameters(settings))
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def report_progress(study: optuna.Study, _: optuna.trial.FrozenTrial) -> None:
        share = max((monotonic() - started) / seconds, len(study.trials) / most_trials)
        progress("tuning", min(1.0, share))

    study.optimize(
        lambda trial: _mean_precision(frame, folds, _suggested(trial, settings)),
        n_trials=most_trials,
        timeout=seconds,
        callbacks=[report_progress],
    )
    best = msgspec.structs.replace(settings, **study.best_params)
    return Tuned(best, study.best_value, study.trials[0].value or 0.0, len(study.trials))


def time_ordered_folds(labels: npt.NDArray[np.bool_], rows: Rows) -> list[tuple[Rows, Rows]]:
    """Folds as (training rows, later rows to score), from rows in order of time; only those with frauds in both."""
    cuts = np.linspace(FIRST_FOLD_STARTS, 1.0, FOLDS + 1) * len(rows)
    edges = np.round(cuts).astype(int).tolist()
    folds = [(rows[:start], rows[start:end]) for start, end in pairwise(edges)]
    return [(fit, score) for fit, score in folds if labels[fit].any() and labels[score].any()]


def _as_parameters(settings: TrainSettings) -> dict[str, float]:
    return {name: getattr(settings, name) for name in _RANGES}


_RANGES = {
    "depth": (3, 7),
    "learning_rate": (0.02, 0.3),
    "column_fraction": (0.2, 1.0),
    "row_fraction": (0.5, 1.0),
    "leaf_penalty": (0.3, 10.0),
}


def _suggested(trial: optuna.Trial, settings: TrainSettings) -> TrainSettings:
    return msgspec.structs.replace(
        settings,
        depth=trial.suggest_int("depth", *_RANGES["depth"]),  # type: ignore[arg-type]
        learning_rate=trial.suggest_float("learning_rate", *_RANGES["learning_rate"], log=True),
        column_fraction=trial.suggest_float("column_fraction", *_RANGES["column_fraction"]),
        row_fraction=trial.suggest_float("row_fraction", *_RANGES["row_fraction"]),
        leaf_penalty=trial.suggest_float("leaf_penalty", *_RANGES["leaf_penalty"], log=True),
    )


def _mean_precision(frame: TrainingFrame, folds: list[tuple[Rows, Rows]], settings: TrainSettings) -> float:
    reached = []
    for fit, score in folds:
        boosting = fit_boosting(learning_rows(frame, fit, settings), settings)
        reached.append(average_precision(frame.labels[score], boosting.margins(frame.features[score])))
    return float(np.mean(reached))
