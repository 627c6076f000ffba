"""Autoencoder of legitimate transactions. The anomaly is its reconstruction error; missing features do not raise it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from models.frame import finite
from models.network import Network
from models.settings import Progress, TrainSettings, no_progress
from models.sparse_views import Groups, dropped_features, members_of

STAGE = "training the autoencoder"
BATCH = 256
CLIP = 8.0
LOWEST_DEVIATION = 0.05  # bounds the scale of rare flags, which would outweigh all other features when they are set
LEAST_ERROR = 1e-6
"""Added to both sums of squared errors, so that their ratio is defined and its logarithm finite."""

LEAST_KNOWN = 0.005
"""Minimum share of rows in which a feature must be known to be learned."""
DROPPING_SHARE = 0.5
ALLOWANCE_ROWS = 5_000
_BLOCK = 8192
Matrix = npt.NDArray[np.float32]
Wide = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Preparation:
    """Input scaling: clip((asinh(x) - center) * scale, -8, 8). `centers` and `scales` are float32 [F].

    The scale of a feature that was rarely known in training is NaN, so that it always counts as not known.
    """

    centers: Matrix
    scales: Matrix

    def apply(self, features: Matrix) -> Matrix:
        """Scale features float32 [N, F]; NaN where not known. The network gets 0, the mean, instead of NaN."""
        prepared: Matrix = np.clip((np.arcsinh(features) - self.centers) * self.scales, -CLIP, CLIP)
        return prepared


@dataclass(frozen=True)
class Autoencoder:
    """Dense network from F prepared features to F outputs: one weight matrix and bias per layer, ReLU between layers.

    `expected` float32 [F] are the mean squared errors of legitimate transactions; `allowances` float32 [F] are the
    increases of their sum when a feature is not known, since it helps to reconstruct the others. The anomaly is the sum of
    squared errors over known features, divided by the expected sum: about 1 is usual, whichever features are missing. Only
    `counted` bool [F] features are in the sums; the others are only inputs.
    """

    preparation: Preparation
    weights: tuple[Matrix, ...]
    biases: tuple[Matrix, ...]
    expected: Matrix
    allowances: Matrix
    counted: npt.NDArray[np.bool_]

    def squared_errors(self, features: Matrix) -> Wide:
        """Squared error per prepared feature, float64 [N, F]: NaN if not known, 0 if known but not counted."""
        prepared = self.preparation.apply(features).astype(np.float64)
        value = np.nan_to_num(prepared, nan=0.0)
        last = len(self.weights) - 1
        for number, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            value = value @ weights.astype(np.float64) + biases.astype(np.float64)
            if number != last:
                value = np.maximum(value, 0.0)
        errors: Wide = (value - prepared) ** 2 * self.counted
        return errors

    def anomalies(self, features: Matrix) -> Wide:
        """Anomaly float64 [N] of features float32 [N, F]: positive, about 1 for usual rows."""
        errors = self.squared_errors(features)
        expected = np.where(np.isnan(errors), self.allowances.astype(np.float64), self.expected.astype(np.float64)).sum(
            axis=1
        )
        anomalies: Wide = (np.nansum(errors, axis=1) + LEAST_ERROR) / (expected + LEAST_ERROR)
        return anomalies


def fit_autoencoder(
    features: Matrix,
    settings: TrainSettings,
    progress: Progress = no_progress,
    groups: Groups | None = None,
    counted: npt.NDArray[np.bool_] | None = None,
) -> Autoencoder:
    """Fit on features float32 [N, F] of legitimate transactions; deterministic to the bit.

    In half of the rows of each batch random `groups` of features are dropped, so that the network learns to reconstruct
    without them. Unknown features are not in the loss. `counted` bool [F] are the features of the anomaly (default: all).
    """
    random = np.random.default_rng(settings.seed)
    features = finite(features)
    width = features.shape[1]
    preparation = _fit_preparation(features)
    prepared = preparation.apply(features)
    known = ~np.isnan(prepared)
    members = members_of(groups or {}, width)
    network = Network.drawn(random, (width, *settings.hidden_layers, width))
    with threadpool_limits(1):  # with several threads the order of summation varies
        for epoch in range(settings.epochs):
            order = random.permutation(len(prepared))
            for start in range(0, len(order), BATCH):
                rows = order[start : start + BATCH]
                visible = known[rows] & ~dropped_features(random, members, len(rows), DROPPING_SHARE)
                network.step(np.where(visible, prepared[rows], np.float32(0.0)), visible)
            progress(STAGE, (epoch + 1) / settings.epochs)
        nothing = np.zeros(width, np.float32)
        counted = np.ones(width, bool) if counted is None else counted
        fitted = Autoencoder(preparation, network.weights, network.biases, nothing, nothing, counted)
        fitted = replace(fitted, expected=error_statistics(fitted, features)[0].astype(np.float32))
        some = features[:: 1 + len(features) // ALLOWANCE_ROWS]
        return replace(fitted, allowances=_allowances(fitted, some, groups or {}))


def _allowances(network: Autoencoder, features: Matrix, groups: Groups) -> Matrix:
    """Allowances float32 [F] with which dropping a group does not raise the mean ln(anomaly) of these rows."""
    allowances = np.zeros(features.shape[1], np.float32)
    before = np.log(network.anomalies(features))
    learned = ~np.isnan(network.preparation.scales)
    for group in groups.values():
        columns = [column for column in group if learned[column]]
        if not columns:
            continue
        dropped = features.copy()
        dropped[:, columns] = np.nan
        rise = float((np.log(network.anomalies(dropped)) - before).mean())
        if rise > 0.0:
            expected = (~np.isnan(dropped) @ network.expected).mean()
            share = np.float32(np.expm1(rise) * expected / len(columns))
            allowances[columns] = np.maximum(allowances[columns], share)
    return allowances


def error_statistics(network: Autoencoder, features: Matrix) -> tuple[Wide, Wide]:
    """Mean and standard deviation of each feature's squared errors over the rows in which it is known, float64 [F]."""
    total, squares, count = np.zeros((3, features.shape[1]))
    for start in range(0, len(features), _BLOCK):
        errors = network.squared_errors(features[start : start + _BLOCK])
        total += np.nansum(errors, axis=0)
        squares += np.nansum(errors**2, axis=0)
        count += (~np.isnan(errors)).sum(axis=0)
    count = np.maximum(count, 1)
    means: Wide = total / count
    return means, np.sqrt(np.maximum(squares / count - means**2, 0.0))


def _fit_preparation(features: Matrix) -> Preparation:
    squashed = np.arcsinh(features)
    with warnings.catch_warnings():  # for features that are never known
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        centers = np.nan_to_num(np.nanmean(squashed, axis=0, dtype=np.float64))
        deviations = np.nan_to_num(np.nanstd(squashed, axis=0, dtype=np.float64))
    learned = (~np.isnan(features)).mean(axis=0) >= LEAST_KNOWN
    scales = np.where(learned, 1.0 / np.maximum(deviations, LOWEST_DEVIATION), np.nan)
    return Preparation(centers.astype(np.float32), scales.astype(np.float32))
