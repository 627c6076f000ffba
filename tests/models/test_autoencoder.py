"""Autoencoder: preparation of features, anomalies and reproducibility."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from models.autoencoder import fit_autoencoder
from models.settings import TrainSettings
from tests.models.synthetic import GROUPS, NAMES, synthetic_frame

FRAME = synthetic_frame(3_000)
LEGITIMATE = FRAME.features[~FRAME.labels]
SETTINGS = msgspec.structs.replace(TrainSettings.quick(), epochs=25)


def test_preparation_squashes_and_standardises_known_values() -> None:
    prepared = fit_autoencoder(LEGITIMATE, replace_epochs(1)).preparation.apply(LEGITIMATE)
    column = NAMES.index("speed_kmh")
    missing = np.isnan(LEGITIMATE[:, column])
    known = LEGITIMATE[~missing, column].astype(np.float64)
    squashed = np.log(known + np.sqrt(known**2 + 1))
    np.testing.assert_allclose(prepared[~missing, column], (squashed - squashed.mean()) / squashed.std(), atol=1e-4)
    assert missing.any()
    assert np.isnan(prepared[missing, column]).all()


def test_constant_columns_prepare_to_zero_and_unknown_ones_to_nan() -> None:
    preparation = fit_autoencoder(LEGITIMATE, SETTINGS).preparation
    prepared = preparation.apply(LEGITIMATE)
    assert np.abs(prepared[:, NAMES.index("always_one")]).max() < 1e-5
    assert np.isnan(prepared[:, NAMES.index("never_known")]).all()


def test_extreme_values_are_clipped() -> None:
    preparation = fit_autoencoder(LEGITIMATE, SETTINGS).preparation
    extreme = np.array([[np.inf] * 12, [-np.inf] * 12, [3e38] * 12], np.float32)
    learned = [place for place, name in enumerate(NAMES) if name != "never_known"]
    assert preparation.apply(extreme)[:, learned].tolist() == [[8.0] * 11, [-8.0] * 11, [8.0] * 11]


@pytest.mark.parametrize("known_rows", [0, 3])
def test_features_rarely_known_in_training_add_no_error(known_rows: int) -> None:
    features = LEGITIMATE.copy()
    place = NAMES.index("never_known")
    features[:known_rows, place] = 5.0
    network = fit_autoencoder(features, replace_epochs(2), groups=GROUPS)
    there = features.copy()
    for value in (0.0, 7.0, 1e6, np.inf):
        there[:, place] = value
        np.testing.assert_array_equal(network.anomalies(there), network.anomalies(features))


def test_training_on_infinities_stays_finite() -> None:
    features = LEGITIMATE.copy()
    features[::10, 0] = np.inf
    network = fit_autoencoder(features, replace_epochs(2))
    assert all(np.isfinite(weights).all() for weights in network.weights)


def test_layers_narrow_to_the_middle_and_widen_again() -> None:
    network = fit_autoencoder(LEGITIMATE, replace_epochs(1))
    assert [weights.shape for weights in network.weights] == [
        (12, 32), (32, 16), (16, 8), (8, 16), (16, 32), (32, 12),
    ]  # fmt: skip


def test_broken_correlations_have_larger_errors_than_legitimate_rows() -> None:
    anomalies = fit_autoencoder(LEGITIMATE, SETTINGS, groups=GROUPS).anomalies(FRAME.features)
    odd = FRAME.patterns == "odd_balance"
    assert np.median(anomalies[odd]) > np.quantile(anomalies[~FRAME.labels], 0.97)


def test_anomaly_is_the_ratio_of_observed_to_expected_error() -> None:
    network = fit_autoencoder(LEGITIMATE, replace_epochs(2), groups=GROUPS)
    for row in FRAME.features[:40]:
        prepared = network.preparation.apply(row[None])[0].astype(float)
        value = np.where(np.isnan(prepared), 0.0, prepared)
        for number, (weights, biases) in enumerate(zip(network.weights, network.biases, strict=True)):
            value = np.array([sum(value * weights[:, out]) + biases[out] for out in range(len(biases))])
            value = np.maximum(value, 0) if number < 5 else value
        known = ~np.isnan(row)
        total = sum((value - prepared)[known] ** 2)
        expected = sum(network.expected[known]) + sum(network.allowances[~known])
        assert network.anomalies(row[None])[0] == pytest.approx((total + 1e-6) / (expected + 1e-6), rel=1e-5)


def test_uncounted_features_help_to_reconstruct_but_add_no_error() -> None:
    counted = np.array([name in ("amount", "balance_change") for name in NAMES])
    network = fit_autoencoder(LEGITIMATE, replace_epochs(2), counted=counted)
    every = fit_autoencoder(LEGITIMATE, replace_epochs(2))
    for ours, theirs in zip(network.weights, every.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    errors = network.squared_errors(LEGITIMATE)
    np.testing.assert_array_equal(errors[:, counted], every.squared_errors(LEGITIMATE)[:, counted])
    assert not np.nansum(errors[:, ~counted])
    assert not network.expected[~counted].any()


def test_usual_rows_have_anomaly_one_and_the_expected_mean_errors() -> None:
    network = fit_autoencoder(LEGITIMATE, SETTINGS, groups=GROUPS)
    anomalies = network.anomalies(LEGITIMATE)
    assert 0.8 < anomalies.mean() < 1.1
    errors = network.squared_errors(LEGITIMATE)
    known = ~np.isnan(LEGITIMATE).all(axis=0)
    np.testing.assert_allclose(np.nanmean(errors[:, known], axis=0), network.expected[known], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("lost", [*([group] for group in GROUPS), list(GROUPS)], ids=str)
def test_missing_features_do_not_raise_the_anomaly(lost: list[str]) -> None:
    network = fit_autoencoder(LEGITIMATE, SETTINGS, groups=GROUPS)
    other = synthetic_frame(3_000, seed=2)
    features = other.features[~other.labels]
    dropped = features.copy()
    for group in lost:
        dropped[:, list(GROUPS[group])] = np.nan
    before, after = np.log(network.anomalies(features)), np.log(network.anomalies(dropped))
    assert (after - before).mean() < 0.03 * before.std()


def test_with_nothing_known_the_anomaly_is_finite_and_not_high() -> None:
    network = fit_autoencoder(LEGITIMATE, replace_epochs(2), groups=GROUPS)
    assert 0.0 <= network.anomalies(np.full((1, 12), np.nan, np.float32))[0] <= 1.0


def test_weights_depend_on_data_and_seed_only() -> None:
    first, second = (fit_autoencoder(LEGITIMATE, replace_epochs(2)) for _ in range(2))
    other = fit_autoencoder(LEGITIMATE, msgspec.structs.replace(replace_epochs(2), seed=1))
    for ours, theirs in zip(first.weights, second.weights, strict=True):
        assert ours.tobytes() == theirs.tobytes()
    assert first.weights[0].tobytes() != other.weights[0].tobytes()


def test_progress_is_reported_after_each_epoch() -> None:
    reported: list[float] = []
    fit_autoencoder(LEGITIMATE, replace_epochs(4), lambda _, fraction: reported.append(fraction))
    assert reported == [0.25, 0.5, 0.75, 1.0]


def replace_epochs(epochs: int) -> TrainSettings:
    return msgspec.structs.replace(SETTINGS, epochs=epochs)
