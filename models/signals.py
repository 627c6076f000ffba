"""Signals that few legitimate payments give, whatever known frauds look like.

A feature with a direction (`udfs.features.signal`) is a signal where few legitimate payments have as high a value. Of the
combinations of `models.strong_signals` one is enough for an unusual payment.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.generalist import direction_of
from models.steps import Steps
from models.trees import just_above
from udfs.features.feature_set import find_feature

TAILS = (0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002)
"""Shares of legitimate payments with at least the signal: one step each."""
WEIGHT = 0.03
"""Of the sum of ln(TAILS[0] / tail) in ln(anomaly), for a unit of its spread without signals.

Chosen on the simulated histories of seeds 7, 8 and 9, as the other numbers here."""
LEAST_SEEN = 200
"""Fewest payments from which tails are counted."""
NOTHING = -1e4
"""The strong signal of most payments: below every ln(anomaly)."""
_SPREAD = (0.5, 0.98)
_OF_NARROW_ENTITIES = ("device_", "beneficiary_", "ip_")
_NOT_OF_A_PAYMENT = frozenset({"way_of_payment", "entry_mode", "authentication", "verification", "unblocked"})
Matrix = npt.NDArray[np.float32]
Wide = npt.NDArray[np.float64]


class Strong(NamedTuple):
    """A strong signal; `told` float32 [F] per unit is added to the squared errors, so that the reasons name its features."""

    steps: Steps
    told: Matrix


@dataclass(frozen=True)
class Signals:
    """`each` is summed up; of `strong` the strongest counts, NOTHING without one."""

    each: tuple[Steps, ...] = ()
    strong: tuple[Strong, ...] = ()

    def sums(self, features: Matrix) -> Wide:
        """Sum of `each`, float64 [N], for features float32 [N, F]."""
        total: Wide = sum((steps.values(features) for steps in self.each), np.zeros(len(features)))
        return total

    def strongest(self, features: Matrix) -> Wide:
        """Maximum of `strong`, float64 [N]."""
        nothing = np.full(len(features), NOTHING)
        strongest: Wide = np.max([nothing, *(signal.steps.values(features) for signal in self.strong)], axis=0)
        return strongest


NO_SIGNALS = Signals()


def fit_each(features: Matrix, names: Sequence[str], log_anomalies: Wide) -> tuple[Steps, ...]:
    """Signals of single features, weighted, with the tails of legitimate payments, float32 [N, F].

    `log_anomalies` float64 [N] are those of the same payments without signals.
    """
    usual, unusual = np.quantile(log_anomalies, _SPREAD)
    weight = WEIGHT * float(unusual - usual)
    found = []
    for column, name in enumerate(names):
        direction, limit = _direction(name)
        if not direction:
            continue
        strengths = eligible(direction * features[:, column], limit)
        bounds, tails = tail_bounds(strengths, TAILS[1:])
        if not len(bounds):
            continue
        values = [0.0, *(weight * math.log(TAILS[0] / tail) for tail in tails)]
        if direction < 0:  # a strength of at least b is a value of at most -b
            bounds = np.array([just_above(-bound) for bound in bounds[::-1].tolist()], np.float32)
            values = values[::-1]
        found.append(Steps(column, bounds, tuple(values), unknown_is_first=direction > 0))
    return tuple(found)


def _direction(name: str) -> tuple[int, float]:
    """1 or -1 for a feature whose high or low values are a signal, 0 for others; and the least strength of a signal."""
    feature = find_feature(name)
    if feature is None:
        return 0, 0.0
    signal = feature.signal
    of_many = signal.concept.endswith(("_risk", "_activity")) and not name.startswith(_OF_NARROW_ENTITIES)
    limited_twice = signal.least != 0.0 and signal.most != 0.0
    if of_many or limited_twice or signal.concept in _NOT_OF_A_PAYMENT:
        return 0, 0.0
    direction = direction_of(name)
    if signal.direction in ("high", "amount"):
        return direction, signal.least
    return direction, -signal.most if signal.direction == "low" else -math.inf


def eligible(strengths: Matrix, least: float) -> Matrix:
    """Strengths of at least `least`; -inf for others and for unknown ones."""
    return np.where(strengths >= least, strengths, -np.inf).astype(np.float32)


def tail_bounds(strengths: Matrix, tails: Sequence[float]) -> tuple[Matrix, list[float]]:
    """For each tail the lowest strength that at most this share [N] reaches: ascending bounds float32, and their tails.

    Of tails with the same bound the last is kept. None where no payment has the signal, or too few payments are known.
    """
    highest = np.sort(strengths)[::-1]
    if len(highest) < LEAST_SEEN or not np.isfinite(highest[0]):
        return np.empty(0, np.float32), []
    kept: dict[float, float] = {}
    for tail in tails:
        exceeded = highest[int(tail * len(highest))]  # the strongest that is too common
        stronger = highest[highest > exceeded]
        bound = float(stronger[-1]) if len(stronger) else just_above(float(exceeded))
        kept[bound] = tail
    return np.array(list(kept), np.float32), list(kept.values())
