"""Blend: average precision not below that of the trees, monotone and calibrated."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from models.blend import blended_log_odds, fit_blend
from models.metrics import brier_score, expected_calibration_error, reliability

Vector = npt.NDArray[np.float64]


def slice_of(
    rows: int, seed: int, error_weight: float, scale: float = 1.0
) -> tuple[Vector, Vector, npt.NDArray[np.bool_]]:
    """Labels drawn with log-odds margin + error_weight * (standardised ln error) - 1; margins multiplied by `scale`."""
    random = np.random.default_rng(seed)
    margins = random.normal(-3, 2, rows)
    log_errors = random.normal(0, 1, rows)
    chances = 1 / (1 + np.exp(-(margins + error_weight * log_errors - 1)))
    return margins * scale, np.exp(0.5 * log_errors - 2), random.random(rows) < chances


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("error_weight", [0.0, -1.0])
def test_a_useless_autoencoder_never_lowers_average_precision(seed: int, error_weight: float) -> None:
    margins, errors, labels = slice_of(800, seed, error_weight)
    fit = fit_blend(margins, errors, labels)
    blended = blended_log_odds(fit.weights, margins, np.log(errors))
    of_trees = average_precision_score(labels, margins)
    assert average_precision_score(labels, blended) >= of_trees
    assert fit.average_precision >= fit.average_precision_of_trees == pytest.approx(of_trees)
    if error_weight < 0:
        assert fit.weights.log_error == 0.0


def test_a_useful_autoencoder_raises_average_precision() -> None:
    margins, errors, labels = slice_of(20_000, 1, error_weight=1.0)
    fit = fit_blend(margins, errors, labels)
    assert fit.average_precision > fit.average_precision_of_trees + 0.02
    assert fit.weights.margin == pytest.approx(1.0, abs=0.1)
    assert fit.weights.log_error == pytest.approx(2.0, abs=0.2)


def test_weights_agree_with_an_unpenalised_logistic_regression() -> None:
    margins, errors, labels = slice_of(5_000, 2, error_weight=0.7)
    weights = fit_blend(margins, errors, labels, penalty=0.0).weights
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000)
    reference.fit(np.column_stack([margins, np.log(errors)]), labels)
    expected = [*reference.coef_[0], reference.intercept_[0]]
    assert [weights.margin, weights.log_error, weights.offset] == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("seed", range(4))
def test_weights_keep_the_score_monotone_with_misleading_trees(seed: int) -> None:
    margins, errors, labels = slice_of(600, seed, error_weight=0.5)
    weights = fit_blend(-margins, 1 / errors, labels).weights
    assert weights.margin > 0.0
    assert weights.log_error >= 0.0


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_probabilities_are_calibrated_on_later_data(scale: float) -> None:
    weights = fit_blend(*slice_of(20_000, 3, 0.5, scale)).weights
    margins, errors, labels = slice_of(20_000, 4, 0.5, scale)
    probabilities = 1 / (1 + np.exp(-blended_log_odds(weights, margins, np.log(errors))))
    assert expected_calibration_error(reliability(labels, probabilities, tuple(np.linspace(0, 1, 11)))) < 0.01
    assert brier_score(labels, probabilities) <= brier_score(labels, 1 / (1 + np.exp(-margins))) + 1e-4


def test_few_perfectly_separated_frauds_give_moderate_weights() -> None:
    margins = np.concatenate([np.full(500, -5.0), np.full(3, 5.0)])
    weights = fit_blend(margins, np.ones(503), margins > 0).weights
    assert 0.5 < weights.margin < 2.0
    assert weights.log_error == 0.0


def test_a_constant_error_is_harmless() -> None:
    margins, errors, labels = slice_of(1_000, 5, 0.0)
    fit = fit_blend(margins, np.full_like(errors, 0.25), labels)
    assert np.isfinite([fit.weights.margin, fit.weights.log_error, fit.weights.offset]).all()
    assert fit.average_precision == pytest.approx(fit.average_precision_of_trees)
