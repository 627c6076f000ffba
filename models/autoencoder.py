"""An autoencoder of legitimate transactions: what it cannot reconstruct is unusual."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from models.frame import finite
from models.settings import Progress, TrainSettings, no_progress

STAGE = "training the autoencoder"
BATCH = 256
CLIP = 8.0
LOWEST_DEVIATION = 0.05  # a flag that hardly ever fires must not outweigh all other features when it does

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Preparation:
    """clip((asinh(x, or the median where x is NaN) - center) * scale, -8, 8), one float32 a feature."""

    medians: Matrix
    centers: Matrix
    scales: Matrix

    def apply(self, features: Matrix) -> Matrix:
        """Features float32 [N, F] as the network sees them."""
        known = np.where(np.isnan(features), self.medians, features)
        prepared: Matrix = np.clip((np.arcsinh(known) - self.centers) * self.scales, -CLIP, CLIP)
        return prepared


@dataclass(frozen=True)
class Autoencoder:
    """Prepared features through a weight matrix and bias a layer, ReLU between the layers, back to F outputs."""

    preparation: Preparation
    weights: tuple[Matrix, ...]
    biases: tuple[Matrix, ...]


def fit_autoencoder(features: Matrix, settings: TrainSettings, progress: Progress = no_progress) -> Autoencoder:
    """Fit on features float32 [N, F] of legitimate transactions; repeatable to the bit."""
    random = np.random.RandomState(settings.seed)
    features = finite(features)
    preparation = _fit_preparation(features)
    prepared = preparation.apply(features)
    # A RandomState, not its seed: each epoch then shuffles anew.
    network = MLPRegressor(
        hidden_layer_sizes=settings.hidden_layers, batch_size=min(256, len(prepared)), random_state=random
    )
    with threadpool_limits(1):  # several threads add up products in changing order
        for epoch in range(settings.epochs):
            network.partial_fit(prepared, prepared)
            progress(STAGE, (epoch + 1) / settings.epochs)
    return Autoencoder(
        preparation,
        tuple(np.asarray(weights, np.float32) for weights in network.coefs_),
        tuple(np.asarray(biases, np.float32) for biases in network.intercepts_),
    )


def _fit_preparation(features: Matrix) -> Preparation:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="All-NaN slice", category=RuntimeWarning)
        medians = np.nan_to_num(np.nanmedian(features, axis=0)).astype(np.float32)
    squashed = np.arcsinh(np.where(np.isnan(features), medians, features))
    centers = squashed.mean(axis=0, dtype=np.float64)
    deviations = np.maximum(squashed.std(axis=0, dtype=np.float64), LOWEST_DEVIATION)
    return Preparation(medians, centers.astype(np.float32), (1.0 / deviations).astype(np.float32))
