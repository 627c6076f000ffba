"""Dense network trained to reconstruct its input with Adam, in float32 numpy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

_RATE, _DECAY, _SQUARE_DECAY, _SMALL = 1e-3, 0.9, 0.999, 1e-8  # Adam (Kingma and Ba, 2015)
Matrix = npt.NDArray[np.float32]


class Network:
    """Dense layers with ReLU between them. State: weights, biases and Adam's moments."""

    def __init__(self, weights: list[Matrix], biases: list[Matrix]) -> None:
        self._layers = len(weights)
        self._parameters = [*weights, *biases]
        self._means = [np.zeros_like(values) for values in self._parameters]
        self._squares = [np.zeros_like(values) for values in self._parameters]
        self._steps = 0

    @classmethod
    def drawn(cls, random: np.random.Generator, sizes: tuple[int, ...]) -> Network:
        """A network with Glorot-uniform weights (Glorot and Bengio, 2010) and zero biases."""
        weights = []
        for inputs, outputs in pairwise(sizes):
            bound = np.sqrt(6.0 / (inputs + outputs))
            weights.append(random.uniform(-bound, bound, (inputs, outputs)).astype(np.float32))
        return cls(weights, [np.zeros(size, np.float32) for size in sizes[1:]])

    @property
    def weights(self) -> tuple[Matrix, ...]:
        return tuple(self._parameters[: self._layers])

    @property
    def biases(self) -> tuple[Matrix, ...]:
        return tuple(self._parameters[self._layers :])

    def step(self, inputs: Matrix, counted: npt.NDArray[np.bool_]) -> None:
        """One step of Adam to reconstruct `inputs` [n, F] where `counted` [n, F] is true."""
        self._steps += 1
        rate = _RATE * np.sqrt(1.0 - _SQUARE_DECAY**self._steps) / (1.0 - _DECAY**self._steps)
        for values, mean, square, gradient in zip(
            self._parameters, self._means, self._squares, self.gradients(inputs, counted), strict=True
        ):
            mean += np.float32(1.0 - _DECAY) * (gradient - mean)
            square += np.float32(1.0 - _SQUARE_DECAY) * (gradient * gradient - square)
            values -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(_SMALL))

    def gradients(self, inputs: Matrix, counted: npt.NDArray[np.bool_]) -> list[Matrix]:
        """Gradients with respect to weights, then biases.

        The loss is half the squared error, summed over `counted` features and averaged over rows.
        """
        weights, biases = self.weights, self.biases
        values = [inputs]
        for number in range(self._layers):
            value = values[-1] @ weights[number] + biases[number]
            values.append(value if number == self._layers - 1 else np.maximum(value, np.float32(0.0)))
        delta = np.where(counted, values[-1] - inputs, np.float32(0.0)) / np.float32(len(inputs))
        by_weights, by_biases = [], []
        for number in reversed(range(self._layers)):
            by_weights.append(values[number].T @ delta)
            by_biases.append(delta.sum(axis=0))
            if number:
                delta = (delta @ weights[number].T) * (values[number] > 0.0)
        return by_weights[::-1] + by_biases[::-1]
