"""Inference with a bundle: one evaluation for a batch of transactions, and one for the contributions of each alert."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from udfs.scoring.bundle import SUMMARY_COLUMNS, Bundle
from udfs.scoring.coverage import Coverage

UNUSUAL_DEVIATIONS = 3.0
Matrix = npt.NDArray[np.float32]

_ROWS_PER_RUN = 4096


class Explained(NamedTuple):
    """Positions of features with their values, strongest first.

    `trees`: features that raise the trees' margin, in log-odds (path contributions or TreeSHAP values, depending on the
    bundle). `anomaly`: features with the largest squared reconstruction errors, in standard deviations from the mean of
    legitimate transactions, above UNUSUAL_DEVIATIONS.
    """

    trees: list[tuple[int, float]]
    anomaly: list[tuple[int, float]]


class ScoredBatch:
    """Input and output of one run over N vectors.

    `scores`: float32 [N, 3]: calibrated probability of fraud, the trees' margin in log-odds, and the anomaly (reconstruction
    error, 1 is usual). `coverages`: share of the model's importance that was known, a value a vector.
    """

    __slots__ = ("_ensemble", "_output", "_vectors", "coverages", "scores")

    def __init__(
        self,
        ensemble: Ensemble,
        vectors: npt.NDArray[np.float32],
        output: npt.NDArray[np.float32],
        coverages: list[float],
    ) -> None:
        self.scores = output[:, :SUMMARY_COLUMNS]
        self.coverages = coverages
        self._ensemble = ensemble
        self._vectors = vectors
        self._output = output

    def explain(self, row: int, k: int) -> Explained:
        """The strongest contributions to a row's scores: at most `k` of each kind, strongest first."""
        return self._ensemble.explain(self._vectors[row : row + 1], self._output[row, SUMMARY_COLUMNS:], k)


class Ensemble:
    """Scores feature vectors with a loaded bundle. Runs on the calling thread; not thread-safe."""

    def __init__(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        self.bundle = bundle
        self._width = len(manifest.feature_names)
        self._evaluate = bundle.model
        self._contributions = bundle.explainer
        self._coverage = Coverage(manifest.groups, manifest.importance)
        self._error_means = np.array(manifest.error_means)
        self._error_deviations = np.array(manifest.error_deviations)

    def score(self, vectors: npt.NDArray[np.float32]) -> ScoredBatch:
        """Score vectors, float32 [N, F] in the bundle's feature order; NaN is unknown.

        A vector's scores do not depend on the other vectors of the batch, to the bit.
        """
        return ScoredBatch(self, vectors, self._evaluate(vectors), self._coverage.of_rows(vectors))

    def explain(self, vector: Matrix, errors: npt.NDArray[np.float32], k: int) -> Explained:
        """The strongest contributions of a vector, float32 [1, F], at most `k` of each kind. `errors`: the autoencoder's
        squared errors, float32 [F].
        """
        deviations = (errors - self._error_means) / self._error_deviations
        return Explained(
            _strongest(self._contributions(vector)[0], k, above=0.0),
            _strongest(deviations, k, above=UNUSUAL_DEVIATIONS),
        )

    def predict_many(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Score a float32 matrix [N, F]; returns float32 [N, 3]: probability, margin, anomaly.

        Raises ValueError for another shape or type.
        """
        if matrix.ndim != 2 or matrix.shape[1] != self._width or matrix.dtype != np.float32:
            raise ValueError(
                f"a {matrix.dtype} matrix {list(matrix.shape)}, the bundle takes float32 [N, {self._width}]"
            )
        scores = np.empty((len(matrix), SUMMARY_COLUMNS), np.float32)
        for start in range(0, len(matrix), _ROWS_PER_RUN):
            rows = np.ascontiguousarray(matrix[start : start + _ROWS_PER_RUN])
            scores[start : start + len(rows)] = self._evaluate(rows)[:, :SUMMARY_COLUMNS]
        return scores


def _strongest(values: npt.NDArray[np.floating[Any]], k: int, above: float) -> list[tuple[int, float]]:
    """The `k` greatest values above a bound, with their positions; of equal ones the first."""
    order = np.argsort(-values, kind="stable")[:k]
    greatest = values[order]
    count = int((greatest > above).sum())
    return list(zip(order[:count].tolist(), greatest[:count].tolist(), strict=True))
