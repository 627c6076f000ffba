"""Recall on unseen fraud: one pattern at a time is left out of training and calibration.

The recall of its later frauds is measured at a fixed false-positive rate: for the trees, the anomaly, the model's
probability, and probability and anomaly together, which share the rate as in decisions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from models.fitting import blend_on, fit_models
from models.frame import TrainingFrame
from models.metrics import threshold_at_false_positive_rate
from models.scoring_graph import run_summaries
from models.settings import Progress, TrainSettings, no_progress
from models.time_slices import slice_by_time

FALSE_POSITIVE_RATE = 0.032
UNUSUAL_RATE = 0.02
"""The part of FALSE_POSITIVE_RATE for unusual payments; chosen on the histories of seeds 7 and 8."""
LEAST_FRAUDS = 5

Scores = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


class LeftOutPattern(NamedTuple):
    """Recalls of the left-out pattern's frauds; `known_...`: with the pattern in training."""

    pattern: str
    frauds: int
    trees: float
    anomaly: float
    ensemble: float
    together: float
    known_trees: float
    known_together: float


class PatternScores(NamedTuple):
    """Scores of the pattern's frauds and of all legitimate payments of the evaluation slice.

    `without` and `known` are float32 [n, 3] (probability, margin, anomaly) of models trained without and with the pattern;
    `is_pattern` bool [n] marks the frauds.
    """

    pattern: str
    is_pattern: Flags
    without: Scores
    known: Scores


def left_out_table(
    frame: TrainingFrame, settings: TrainSettings, progress: Progress = no_progress
) -> list[LeftOutPattern]:
    """One row for each pattern with at least LEAST_FRAUDS frauds in the evaluation slice. Raises TrainingError."""
    return [_row(scores) for scores in left_out_scores(frame, settings, progress)]


def left_out_scores(frame: TrainingFrame, settings: TrainSettings, progress: Progress) -> Iterator[PatternScores]:
    """Yield the scores for the table, pattern by pattern. Raises TrainingError."""
    slices = slice_by_time(frame, settings.training_fraction, settings.blending_fraction)
    later = slices.evaluation
    found, counts = np.unique(frame.patterns[later][frame.labels[later]].astype(str), return_counts=True)
    patterns = [name for name, count in zip(found.tolist(), counts.tolist(), strict=True) if count >= LEAST_FRAUDS]
    with_all = _scores(frame, settings)
    for number, pattern in enumerate(patterns):
        progress(f"without {pattern}", number / len(patterns))
        without = _scores(frame, msgspec.structs.replace(settings, left_out_patterns=(pattern,)))
        is_pattern = frame.patterns[later].astype(str) == pattern
        kept = is_pattern | ~frame.labels[later]  # frauds of other patterns are neither hits nor false positives
        yield PatternScores(pattern, is_pattern[kept], without[kept], with_all[kept])
    progress("done", 1.0)


def _row(scores: PatternScores) -> LeftOutPattern:
    unseen, without, known = scores.is_pattern, scores.without, scores.known
    caught = (
        *(_caught(unseen, without[:, column], FALSE_POSITIVE_RATE) for column in (1, 2, 0)),
        caught_together(unseen, without, UNUSUAL_RATE),
        _caught(unseen, known[:, 1], FALSE_POSITIVE_RATE),
        caught_together(unseen, known, UNUSUAL_RATE),
    )
    return LeftOutPattern(scores.pattern, int(unseen.sum()), *(float(found.mean()) for found in caught))


def caught_together(frauds: Flags, scores: Scores, unusual_rate: float) -> Flags:
    """Frauds caught by probability or as unusual, bool, at FALSE_POSITIVE_RATE in total.

    `unusual_rate` is the part of the rate for legitimate payments that are only unusual.
    """
    by_score = threshold_at_false_positive_rate(frauds, scores[:, 0], FALSE_POSITIVE_RATE - unusual_rate)
    passed = ~(scores[:, 0] >= by_score) | frauds
    legitimate = int((~frauds).sum())
    rate = unusual_rate * legitimate / max(1, int((passed & ~frauds).sum()))
    unusual = threshold_at_false_positive_rate(frauds[passed], scores[passed, 2], rate)
    found: Flags = (scores[frauds, 0] >= by_score) | (scores[frauds, 2] >= unusual)
    return found


def _caught(frauds: Flags, scores: Scores, rate: float) -> Flags:
    """Frauds at or above the threshold of a false-positive rate, bool."""
    above: Flags = scores[frauds] >= threshold_at_false_positive_rate(frauds, scores, rate)
    return above


def _scores(frame: TrainingFrame, settings: TrainSettings) -> Scores:
    """Probability, margin and anomaly of the evaluation slice, float32 [n, 3]."""
    slices = slice_by_time(frame, settings.training_fraction, settings.blending_fraction, settings.left_out_patterns)
    fitted = fit_models(frame, slices.training, settings, no_progress, slices.blending)
    blend = blend_on(frame, slices.blending, fitted, settings)
    return run_summaries(fitted.graph(blend.weights), frame.features, slices.evaluation)
