"""Trees for unseen kinds of fraud: shallow, with monotone constraints by the known direction of each feature.

A higher ratio to the user's habits, velocity, distance or fraud rate, or a new device, can only raise the margin. Values
beyond those of all known frauds therefore get at least the margin of the nearest one, and combinations that were never
seen add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from models.boosting import Boosting, LearningRows, fit_boosting
from models.frame import sampled
from models.settings import TrainSettings
from models.trees import Forest, read_forest
from udfs.features.feature_set import find_feature

DEPTH = 3
LEARNING_RATE = 0.15
MOST_BINS = 256
_RAISES = frozenset({"high", "true", "rate"})
_LOWERS = frozenset({"low", "false"})
Matrix = npt.NDArray[np.float32]
Wide = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Generalist:
    """The trees and their median margin of legitimate payments, `usual_margin`.

    They add `weight` times (margin - `usual_margin`) to ln(anomaly).
    """

    boosting: Boosting
    forest: Forest
    usual_margin: float
    weight: float = 1.0

    def log_anomalies(self, features: Matrix) -> Wide:
        """The trees' term of ln(anomaly), float64 [N], for features float32 [N, F]."""
        margins: Wide = self.boosting.margins(features).astype(np.float64)
        return self.weight * (margins - self.usual_margin)


def direction_of(name: str) -> int:
    """Monotone constraint of a feature: 1 if higher values can only raise the risk, -1 if lower ones, 0 if unknown."""
    feature = find_feature(name)
    if feature is None:
        return 0
    signal = feature.signal
    if signal.direction in _RAISES or (signal.direction == "amount" and signal.least > 0.0):
        return 1
    return -1 if signal.direction in _LOWERS else 0


def directions_of(names: Sequence[str]) -> tuple[int, ...]:
    """`direction_of` for each name."""
    return tuple(direction_of(name) for name in names)


def can_be_unusual(name: str) -> bool:
    """Whether a feature counts in the anomaly: not those that are never a reason by themselves, such as identities."""
    feature = find_feature(name)
    return feature is None or feature.signal.direction != "never"


def rows_to_learn(rows: Rows, labels: npt.NDArray[np.bool_], settings: TrainSettings) -> Rows:
    """All frauds among `rows` [n] and a sample of the others, in their order; `labels` bool [N] are those of the frame."""
    frauds = labels[rows]
    legitimate = sampled(np.flatnonzero(~frauds), settings.generalist_rows, settings.seed)
    return rows[np.union1d(np.flatnonzero(frauds), legitimate)]


def fit_generalist(learned: LearningRows, names: Sequence[str], settings: TrainSettings) -> Generalist:
    """Fit on the rows, for example those of `rows_to_learn`; deterministic to the bit."""
    shallow = msgspec.structs.replace(
        settings,
        trees=settings.generalist_trees,
        depth=DEPTH,
        learning_rate=LEARNING_RATE,
        max_bin=min(MOST_BINS, settings.max_bin),
        row_fraction=1.0,
        column_fraction=0.5,
    )
    boosting = fit_boosting(learned, shallow, directions=directions_of(names))
    legitimate = learned.rows[~learned.labels[learned.rows]]
    usual = float(np.median(boosting.margins(learned.features[legitimate])))
    return Generalist(boosting, read_forest(boosting.booster, boosting.columns), usual)
