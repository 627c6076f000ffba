"""Trees for fraud of kinds that nobody has reported yet: shallow, and held to what is known about each feature's direction.

A ratio to the user's habits, a velocity, a distance, a fraud rate or a new device can only raise their margin. So they
say of values beyond those of all known frauds what they say of the nearest, and combinations that were never seen add up.
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
from udfs.reasoning.signals import SIGNALS, signal_of

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
    """The trees, and what they say of the usual legitimate payment.

    To ln(anomaly) they add `weight` times the margin above `usual_margin`.
    """

    boosting: Boosting
    forest: Forest
    usual_margin: float
    weight: float = 1.0

    def log_anomalies(self, features: Matrix) -> Wide:
        """What the margins of features float32 [N, F] add to ln(anomaly), float64 [N]."""
        margins: Wide = self.boosting.margins(features).astype(np.float64)
        return self.weight * (margins - self.usual_margin)


def direction_of(name: str) -> int:
    """1 where a high value of the feature can only raise the risk, -1 where a low one can, 0 where neither is known."""
    signal = signal_of(name)
    if signal.risky in _RAISES or (signal.risky == "amount" and signal.least > 0.0):
        return 1
    return -1 if signal.risky in _LOWERS else 0


def directions_of(names: Sequence[str]) -> tuple[int, ...]:
    """`direction_of` each."""
    return tuple(direction_of(name) for name in names)


def is_telling(name: str) -> bool:
    """May it be unusual? Not what is never a reason by itself: who or what somebody is, or the same in other units."""
    known = SIGNALS.get(name)
    return known is None or known.risky != "never"


def rows_to_learn(rows: Rows, labels: npt.NDArray[np.bool_], settings: TrainSettings) -> Rows:
    """Of `rows` [n], in their order, all frauds and a sample of the others; `labels` bool [N] are those of the frame."""
    frauds = labels[rows]
    legitimate = sampled(np.flatnonzero(~frauds), settings.generalist_rows, settings.seed)
    return rows[np.union1d(np.flatnonzero(frauds), legitimate)]


def fit_generalist(learned: LearningRows, names: Sequence[str], settings: TrainSettings) -> Generalist:
    """Fit on the rows, such as those of `rows_to_learn`; repeatable to the bit."""
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
