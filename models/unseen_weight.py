"""Learns the weight of the generalist beside the autoencoder by leaving out one known fraud pattern at a time."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from models.autoencoder import Autoencoder
from models.boosting import LearningRows
from models.frame import TrainingFrame, sampled
from models.generalist import fit_generalist, rows_to_learn
from models.metrics import threshold_at_false_positive_rate
from models.settings import TrainSettings

DEFAULT_WEIGHT = 1.0
"""Weight with fewer than LEAST_PATTERNS named patterns; chosen on the simulated histories of seeds 7 and 8."""
WEIGHTS = (1.0, 0.5, 2.0, 0.25, 4.0)
"""Candidates; of equally good ones the first is used."""
FALSE_POSITIVE_RATE = 0.03
LEAST_PATTERNS = 3
LEAST_FRAUDS = 5
LEGITIMATE_ROWS = 20_000
MOST_TREES, MOST_ROWS = 40, 10_000
"""Sizes of the generalists fitted here, one per pattern: small, since only the weight is learned from them."""
Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Vector = npt.NDArray[np.float64]


def learn_weight(
    frame: TrainingFrame, rows: Rows, later: Rows, autoencoder: Autoencoder, settings: TrainSettings
) -> float:
    """The weight with the highest mean recall of `later` frauds of a pattern that is left out of `rows`."""
    frauds = later[frame.labels[later]]
    found, counts = np.unique(_named(frame, frauds), return_counts=True)
    patterns = [
        name for name, count in zip(found.tolist(), counts.tolist(), strict=True) if name and count >= LEAST_FRAUDS
    ]
    if len(patterns) < LEAST_PATTERNS:
        return DEFAULT_WEIGHT
    legitimate = sampled(later[~frame.labels[later]], LEGITIMATE_ROWS, settings.seed)
    settings = msgspec.structs.replace(
        settings,
        generalist_trees=min(settings.generalist_trees, MOST_TREES),
        generalist_rows=min(settings.generalist_rows, MOST_ROWS),
    )
    log_errors = np.log(autoencoder.anomalies(frame.features[legitimate]))
    caught = np.zeros(len(WEIGHTS))
    of_training = _named(frame, rows)
    for pattern in patterns:
        others = rows_to_learn(rows[of_training != pattern], frame.labels, settings)
        if not frame.labels[others].any():
            return DEFAULT_WEIGHT
        learned = LearningRows(frame.features, frame.labels, others)
        generalist = fit_generalist(learned, frame.names, settings)
        left_out = frauds[_named(frame, frauds) == pattern]
        features = frame.features[np.concatenate([left_out, legitimate])]
        errors = np.concatenate([np.log(autoencoder.anomalies(features[: len(left_out)])), log_errors])
        caught += _shares_caught(errors, generalist.log_anomalies(features), len(left_out))
    best: int = int(np.argmax(caught >= caught.max() - 1e-9))
    return WEIGHTS[best]


def _shares_caught(log_errors: Vector, margins: Vector, frauds: int) -> Vector:
    """Recall of the first `frauds` rows at FALSE_POSITIVE_RATE, for each of WEIGHTS."""
    is_fraud = np.arange(len(margins)) < frauds
    shares = []
    for weight in WEIGHTS:
        scores = weight * margins + log_errors
        threshold = threshold_at_false_positive_rate(is_fraud, scores, FALSE_POSITIVE_RATE)
        shares.append(float((scores[:frauds] >= threshold).mean()))
    return np.array(shares)


def _named(frame: TrainingFrame, rows: Rows) -> npt.NDArray[np.str_]:
    """Pattern names of the rows; empty without one."""
    return np.array([pattern or "" for pattern in frame.patterns[rows].tolist()], dtype=np.str_)
