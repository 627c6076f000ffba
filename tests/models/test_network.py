"""The network's gradients compared with finite differences, and its step with Adam."""

from __future__ import annotations

import numpy as np

from models.network import Network

RANDOM = np.random.default_rng(1)
SIZES = (5, 4, 3, 5)
SHOWN = RANDOM.normal(size=(6, 5)).astype(np.float32)
COUNTS = RANDOM.random((6, 5)) < 0.7


def loss(weights: list[np.ndarray], biases: list[np.ndarray]) -> float:
    """Half the squared error of counted features, summed over features and averaged over rows, in float64."""
    value = SHOWN.astype(np.float64)
    for number, (matrix, bias) in enumerate(zip(weights, biases, strict=True)):
        value = value @ matrix.astype(np.float64) + bias
        value = np.maximum(value, 0) if number < len(weights) - 1 else value
    return float((0.5 * COUNTS * (value - SHOWN) ** 2).sum() / len(SHOWN))


def test_gradients_are_those_of_finite_differences() -> None:
    network = Network.drawn(np.random.default_rng(2), SIZES)
    parameters = [*network.weights, *network.biases]
    step = 1e-5
    for place, gradient in enumerate(network.gradients(SHOWN, COUNTS)):
        for index in np.ndindex(gradient.shape):
            sides = []
            for sign in (1, -1):
                moved = [values.astype(np.float64) for values in parameters]
                moved[place][index] += sign * step
                sides.append(loss(moved[:3], moved[3:]))
            assert abs(gradient[index] - (sides[0] - sides[1]) / (2 * step)) < 1e-4


def test_a_first_step_moves_every_parameter_by_the_rate_against_its_gradient() -> None:
    network = Network.drawn(np.random.default_rng(2), SIZES)
    before = [values.copy() for values in (*network.weights, *network.biases)]
    gradients = network.gradients(SHOWN, COUNTS)
    network.step(SHOWN, COUNTS)
    for old, new, gradient in zip(before, (*network.weights, *network.biases), gradients, strict=True):
        clear = np.abs(gradient) > 1e-3
        np.testing.assert_allclose((new - old)[clear], -1e-3 * np.sign(gradient[clear]), rtol=0.02)


def test_uncounted_values_have_no_gradient() -> None:
    other = np.where(COUNTS, SHOWN, 0.0).astype(np.float32)
    first, second = (Network.drawn(np.random.default_rng(3), SIZES) for _ in range(2))
    first.step(other, COUNTS)
    second.step(other, COUNTS)
    assert first.weights[-1].tobytes() == second.weights[-1].tobytes()
    unchanged = Network.drawn(np.random.default_rng(3), SIZES)
    for gradient in unchanged.gradients(SHOWN, np.zeros_like(COUNTS)):
        assert not gradient.any()


def test_learning_lowers_the_error() -> None:
    network = Network.drawn(np.random.default_rng(2), SIZES)
    before = loss(list(network.weights), list(network.biases))
    for _ in range(2_000):
        network.step(SHOWN, COUNTS)
    assert loss(list(network.weights), list(network.biases)) < 0.5 * before
