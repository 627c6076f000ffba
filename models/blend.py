"""Fits the blend of tree margin and anomaly to one calibrated probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits

from models.metrics import average_precision
from udfs.scoring.bundle import BlendWeights

LEAST_MARGIN_WEIGHT = 1e-3
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BlendFit:
    """The weights, and the average precision on the slice they were fitted on: of the blend and of the trees alone."""

    weights: BlendWeights
    average_precision: float
    average_precision_of_trees: float


def fit_blend(
    margins: npt.ArrayLike,
    errors: npt.ArrayLike,
    labels: npt.NDArray[np.bool_],
    penalty: float = 1.0,
    weights: Vector | None = None,
    evaluated: int | None = None,
) -> BlendFit:
    """Fit sigmoid(a * margin + b * ln(error) + c) to labels [N] by maximum likelihood, a > 0 and b >= 0.

    `margins` and `errors` are [N], errors positive; `weights` [N] are row weights (default: 1). This is Platt scaling
    (Platt, 1999) with a second input. `penalty` regularises a towards 1 and b, in deviations of ln(error), towards 0. If
    the error lowers the average precision of the trees over the first `evaluated` rows (default: all), b is 0 and a and c
    are fitted without it.
    """
    margin = np.asarray(margins, np.float64)
    log_error = np.log(np.asarray(errors, np.float64))
    counts = np.ones(len(margin)) if weights is None else weights
    fitted = BlendWeights(*fit_weights(margin, log_error, labels, counts, penalty))
    first = slice(evaluated)
    of_trees = average_precision(labels[first], margin[first])
    reached = average_precision(labels[first], blended_log_odds(fitted, margin[first], log_error[first]))
    if reached < of_trees:
        fitted = BlendWeights(*fit_weights(margin, log_error, labels, counts, penalty, 0.0))
        reached = of_trees
    return BlendFit(fitted, reached, of_trees)


def blended_log_odds(weights: BlendWeights, margin: Vector, log_error: Vector) -> Vector:
    """The blend before the sigmoid, float64 [N]."""
    return weights.margin * margin + weights.log_error * log_error + weights.offset


def fit_weights(
    first: Vector,
    second: Vector,
    labels: npt.NDArray[np.bool_],
    counts: Vector,
    penalty: float,
    highest_second_weight: float | None = None,
) -> tuple[float, float, float]:
    """(a, b, c) of the maximum-likelihood sigmoid(a * first + b * second + c), a > 0 and b >= 0; all inputs [N].

    `counts` are row weights; `penalty` regularises a towards 1 and b, in deviations of `second`, towards 0.
    """
    center, deviation = float(second.mean()), max(float(second.std()), 1e-9)
    inputs = np.column_stack([first, (second - center) / deviation, np.ones_like(first)])
    targets = labels.astype(np.float64)

    def loss(weights: Vector) -> tuple[float, Vector]:
        log_odds = inputs @ weights
        pull = np.array([weights[0] - 1.0, weights[1], 0.0])
        likelihood = float(counts @ (np.logaddexp(0.0, log_odds) - targets * log_odds))
        gradient = inputs.T @ (counts * (expit(log_odds) - targets)) + 2.0 * penalty * pull
        return likelihood + penalty * float(pull @ pull), gradient

    bounds = [(LEAST_MARGIN_WEIGHT, None), (0.0, highest_second_weight), (None, None)]
    with threadpool_limits(1):  # with several threads the order of summation varies
        fitted: Any = minimize(loss, np.array([1.0, 0.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    first_weight, second_weight, offset = fitted.x.tolist()
    second_weight /= deviation
    return first_weight, second_weight, offset - second_weight * center
