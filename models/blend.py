"""Blends tree margin and reconstruction error into one calibrated probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits

from models.metrics import average_precision
from udfs.bundle import BlendWeights

LEAST_MARGIN_WEIGHT = 1e-3
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BlendFit:
    """The weights, and what they reach on the slice they were fitted on."""

    weights: BlendWeights
    average_precision: float
    average_precision_of_trees: float


def fit_blend(
    margins: npt.ArrayLike, errors: npt.ArrayLike, labels: npt.NDArray[np.bool_], penalty: float = 1.0
) -> BlendFit:
    """Fit sigmoid(a * margin + b * ln(error) + c) to labels [N] by maximum likelihood, a > 0 and b >= 0.

    Both inputs [N]; errors are positive. Platt's scaling (Platt, 1999) with a second input. `penalty` pulls a towards 1
    and b, in deviations of ln(error), towards 0, so that few frauds move little. Where the error would lower the
    average precision of the trees alone, b is 0 and a and c are fitted without it.
    """
    margin = np.asarray(margins, np.float64)
    log_error = np.log(np.asarray(errors, np.float64))
    weights = _fit(margin, log_error, labels, penalty, None)
    of_trees = average_precision(labels, margin)
    reached = average_precision(labels, blended_log_odds(weights, margin, log_error))
    if reached < of_trees:
        weights = _fit(margin, log_error, labels, penalty, 0.0)
        reached = of_trees
    return BlendFit(weights, reached, of_trees)


def blended_log_odds(weights: BlendWeights, margin: Vector, log_error: Vector) -> Vector:
    """The blend before the sigmoid."""
    return weights.margin * margin + weights.log_error * log_error + weights.offset


def _fit(
    margin: Vector, log_error: Vector, labels: npt.NDArray[np.bool_], penalty: float, highest_error_weight: float | None
) -> BlendWeights:
    center, deviation = float(log_error.mean()), max(float(log_error.std()), 1e-9)
    inputs = np.column_stack([margin, (log_error - center) / deviation, np.ones_like(margin)])
    targets = labels.astype(np.float64)

    def loss(weights: Vector) -> tuple[float, Vector]:
        log_odds = inputs @ weights
        pull = np.array([weights[0] - 1.0, weights[1], 0.0])
        likelihood = float((np.logaddexp(0.0, log_odds) - targets * log_odds).sum())
        gradient = inputs.T @ (expit(log_odds) - targets) + 2.0 * penalty * pull
        return likelihood + penalty * float(pull @ pull), gradient

    bounds = [(LEAST_MARGIN_WEIGHT, None), (0.0, highest_error_weight), (None, None)]
    with threadpool_limits(1):  # several threads add up products in changing order
        fitted: Any = minimize(loss, np.array([1.0, 0.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    margin_weight, error_weight, offset = fitted.x.tolist()
    error_weight /= deviation
    return BlendWeights(margin_weight, error_weight, offset - error_weight * center)
