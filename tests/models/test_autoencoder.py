"""The autoencoder: its preparation against formulas, and that the unusual is reconstructed worse."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from models.autoencoder import fit_autoencoder
from models.settings import TrainSettings
from tests.models.synthetic import NAMES, synthetic_frame

FRAME = synthetic_frame(3_000)
LEGITIMATE = FRAME.features[~FRAME.labels]
SETTINGS = msgspec.structs.replace(TrainSettings.quick(), epochs=25)


def test_preparation_imputes_the_median_squashes_and_standardises() -> None:
    preparation = fit_autoencoder(LEGITIMATE, SETTINGS).preparation
    column = NAMES.index("speed_kmh")
    known = LEGITIMATE[~np.isnan(LEGITIMATE[:, column]), column]
    assert preparation.medians[column] == pytest.approx(np.median(known))
    filled = np.where(np.isnan(LEGITIMATE[:, column]), np.median(known), LEGITIMATE[:, column])
    squashed = np.log(filled + np.sqrt(filled.astype(np.float64) ** 2 + 1))
    expected = (squashed - squashed.mean()) / squashed.std()
    np.testing.assert_allclose(preparation.apply(LEGITIMATE)[:, column], expected, atol=1e-4)


def test_columns_that_are_constant_or_never_known_prepare_to_zero() -> None:
    preparation = fit_autoencoder(LEGITIMATE, SETTINGS).preparation
    prepared = preparation.apply(LEGITIMATE)
    for name in ("always_one", "never_known"):
        assert np.abs(prepared[:, NAMES.index(name)]).max() < 1e-5
    assert preparation.medians[NAMES.index("never_known")] == 0.0


def test_extreme_values_are_clipped() -> None:
    preparation = fit_autoencoder(LEGITIMATE, SETTINGS).preparation
    extreme = np.array([[np.inf] * 12, [-np.inf] * 12, [3e38] * 12], np.float32)
    assert preparation.apply(extreme).tolist() == [[8.0] * 12, [-8.0] * 12, [8.0] * 12]


def test_training_on_infinities_stays_finite() -> None:
    features = LEGITIMATE.copy()
    features[::10, 0] = np.inf
    network = fit_autoencoder(features, replace_epochs(2))
    assert all(np.isfinite(weights).all() for weights in network.weights)


def test_layers_narrow_to_the_middle_and_come_back() -> None:
    network = fit_autoencoder(LEGITIMATE, replace_epochs(1))
    assert [weights.shape for weights in network.weights] == [
        (12, 32), (32, 16), (16, 8), (8, 16), (16, 32), (32, 12),
    ]  # fmt: skip


def test_a_broken_correlation_is_reconstructed_worse_than_legitimate_transactions() -> None:
    network = fit_autoencoder(LEGITIMATE, SETTINGS)
    odd = FRAME.patterns == "odd_balance"
    value = prepared = network.preparation.apply(FRAME.features)
    for number, (weights, biases) in enumerate(zip(network.weights, network.biases, strict=True)):
        value = value @ weights + biases
        value = np.maximum(value, 0) if number < 5 else value
    errors = ((value - prepared) ** 2).mean(axis=1)
    assert np.median(errors[odd]) > np.quantile(errors[~FRAME.labels], 0.97)


def test_same_data_and_seed_give_the_same_weights_and_another_seed_others() -> None:
    first, second = (fit_autoencoder(LEGITIMATE, replace_epochs(2)) for _ in range(2))
    other = fit_autoencoder(LEGITIMATE, msgspec.structs.replace(replace_epochs(2), seed=1))
    for ours, theirs in zip(first.weights, second.weights, strict=True):
        assert ours.tobytes() == theirs.tobytes()
    assert first.weights[0].tobytes() != other.weights[0].tobytes()


def test_progress_is_told_after_each_epoch() -> None:
    told: list[float] = []
    fit_autoencoder(LEGITIMATE, replace_epochs(4), lambda _, fraction: told.append(fraction))
    assert told == [0.25, 0.5, 0.75, 1.0]


def replace_epochs(epochs: int) -> TrainSettings:
    return msgspec.structs.replace(SETTINGS, epochs=epochs)
