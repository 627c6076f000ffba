"""The ensemble without ONNX: XGBoost itself, the autoencoder in numpy, the blend; what the graph must agree with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from models.autoencoder import Autoencoder
from models.export import LEAST_ERROR
from models.fitting import Fitted
from udfs.bundle import BlendWeights

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]


def offline_probabilities(fitted: Fitted, blend: BlendWeights, features: Matrix) -> Vector:
    """Probabilities float64 [N] of features float32 [N, F]."""
    margins = fitted.boosting.margins(features).astype(np.float64)
    log_errors = np.log(reconstruction_errors(fitted.autoencoder, features))
    probabilities: Vector = expit(blend.margin * margins + blend.log_error * log_errors + blend.offset)
    return probabilities


def reconstruction_errors(autoencoder: Autoencoder, features: Matrix) -> Vector:
    """Mean squared error of the prepared features, float64 [N], as the graph defines it."""
    prepared = autoencoder.preparation.apply(features).astype(np.float64)
    value = prepared
    last = len(autoencoder.weights) - 1
    for number, (weights, biases) in enumerate(zip(autoencoder.weights, autoencoder.biases, strict=True)):
        value = value @ weights.astype(np.float64) + biases.astype(np.float64)
        if number != last:
            value = np.maximum(value, 0.0)
    errors: Vector = ((value - prepared) ** 2).mean(axis=1) + LEAST_ERROR
    return errors
