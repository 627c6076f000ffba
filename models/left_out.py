"""What the autoencoder is worth: how much of a fraud pattern is caught that training has never seen.

One pattern at a time is left out of fitting and blending, and its later frauds are looked for at a fixed share of false
positives: by the trees alone, by the autoencoder alone, by the ensemble, and by either of the two at half the share
each, as a team would that watches both scores.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from models.export import run_scoring_graph
from models.fitting import blend_on, fit_models
from models.frame import TrainingFrame, slice_by_time
from models.metrics import threshold_at_false_positive_rate
from models.settings import Progress, TrainSettings, no_progress

FALSE_POSITIVE_RATE = 0.03
LEAST_FRAUDS = 5


class LeftOutPattern(NamedTuple):
    """Shares of the left-out pattern's frauds that are caught; `known` is the trees' when the pattern is not left out."""

    pattern: str
    frauds: int
    trees: float
    autoencoder: float
    ensemble: float
    either: float
    known: float


def left_out_table(
    frame: TrainingFrame,
    settings: TrainSettings,
    progress: Progress = no_progress,
    rate: float = FALSE_POSITIVE_RATE,
) -> list[LeftOutPattern]:
    """One row a pattern with LEAST_FRAUDS frauds in the evaluation slice. Raises TrainingError."""
    slices = slice_by_time(frame, settings.training_fraction, settings.blending_fraction)
    later = slices.evaluation
    found, counts = np.unique(frame.patterns[later][frame.labels[later]].astype(str), return_counts=True)
    patterns = [name for name, count in zip(found.tolist(), counts.tolist(), strict=True) if count >= LEAST_FRAUDS]
    with_all = _scores(frame, settings)
    rows = []
    for number, pattern in enumerate(patterns):
        progress(f"without {pattern}", number / len(patterns))
        scores = _scores(frame, msgspec.structs.replace(settings, left_out_patterns=(pattern,)))
        is_pattern = frame.patterns[later].astype(str) == pattern
        kept = is_pattern | ~frame.labels[later]  # other patterns' frauds are neither caught nor false alarms
        unseen = is_pattern[kept]
        without, known = scores[kept], with_all[kept]
        either = _caught(unseen, without[:, 1], rate / 2) | _caught(unseen, without[:, 2], rate / 2)
        shares = (
            _caught(unseen, without[:, 1], rate),
            _caught(unseen, without[:, 2], rate),
            _caught(unseen, without[:, 0], rate),
            either,
            _caught(unseen, known[:, 1], rate),
        )
        rows.append(LeftOutPattern(pattern, int(is_pattern.sum()), *(float(share.mean()) for share in shares)))
    progress("done", 1.0)
    return rows


def _caught(frauds: npt.NDArray[np.bool_], scores: npt.NDArray[np.float32], rate: float) -> npt.NDArray[np.bool_]:
    """Which of the frauds score at or above the threshold of a false-positive rate."""
    above: npt.NDArray[np.bool_] = scores[frauds] >= threshold_at_false_positive_rate(frauds, scores, rate)
    return above


def _scores(frame: TrainingFrame, settings: TrainSettings) -> npt.NDArray[np.float32]:
    """Probability, margin and reconstruction error of the evaluation slice, float32 [n, 3]."""
    slices = slice_by_time(frame, settings.training_fraction, settings.blending_fraction, settings.left_out_patterns)
    fitted = fit_models(frame, slices.training, settings, no_progress)
    blend = blend_on(frame, slices.blending, fitted, settings.blend_penalty)
    return run_scoring_graph(fitted.graph(blend.weights), frame.features[slices.evaluation])[:, :3]
