"""The ensemble at work: one ONNX run for the transactions of a batch, another one for the reasons of each alert."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from udfs.bundle import EXPLAIN_OUTPUT, INPUT, MODEL_OUTPUT, SUMMARY_COLUMNS, Bundle
from udfs.coverage import Coverage
from udfs.features.values import NamedValues

ReasonKind = Literal["tree", "anomaly"]
UNUSUAL_DEVIATIONS = 3.0

_ROWS_PER_RUN = 4096
_MODEL_OUTPUTS = [MODEL_OUTPUT]
_EXPLAIN_OUTPUTS = [EXPLAIN_OUTPUT]


class Prediction(NamedTuple):
    """`probability` of fraud, calibrated; `margin` of the trees in log-odds; `anomaly`, the reconstruction error;
    `coverage`, the share of the model's importance that was known."""

    probability: float
    margin: float
    anomaly: float
    coverage: float


class Ensemble:
    """Scores feature vectors with a loaded bundle. One per operator: the input rows are reused, so not thread-safe."""

    def __init__(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        self.bundle = bundle
        self._names = manifest.feature_names
        self._width = len(self._names)
        # Native floats: a value beyond float32 becomes infinite, where "<f" would raise OverflowError.
        self._pack = struct.Struct(f"{self._width}f").pack_into
        self._row_bytes = self._width * np.dtype(np.float32).itemsize
        self._rows = bytearray()
        self._feeds: list[dict[str, npt.NDArray[np.float32]]] = []
        # ONNX Runtime's Python wrapper checks the inputs again with each run: 1 of 11 us.
        self._run = bundle.model._sess.run
        self._run_explainer = bundle.explainer._sess.run
        self._output = np.zeros((1, SUMMARY_COLUMNS + self._width), np.float32)
        self._coverage = Coverage(manifest.groups, manifest.importance)
        self._error_means = np.array(manifest.error_means)
        self._error_deviations = np.array(manifest.error_deviations)

    def score(self, features: NamedValues) -> Prediction:
        """Score one vector: `score_many` of it alone."""
        return self.score_many([features])[0]

    def score_many(self, vectors: Sequence[NamedValues]) -> list[Prediction]:
        """Score vectors whose values are in the bundle's feature order; NaN is a value that is not known.

        A vector's prediction is the same to the bit whatever others it is scored with. A value beyond float32 counts
        as infinite, which the graph takes like any very large one. Raises ValueError when the number of values is not
        the bundle's or one is no number.
        """
        count = len(vectors)
        if count >= len(self._feeds):
            self._make_room(count)
        pack, rows, place, step = self._pack, self._rows, 0, self._row_bytes
        for features in vectors:
            try:
                pack(rows, place, *features.values())
            except struct.error as error:
                raise ValueError(
                    f"{len(features)} features given, the bundle takes {self._width} numbers: {error}"
                ) from None
            place += step
        feed = self._feeds[count]
        self._output = output = self._run(_MODEL_OUTPUTS, feed, None)[0]
        coverages = self._coverage.of_rows(feed[INPUT])
        return [
            Prediction(probability, margin, anomaly, coverage)
            for (probability, margin, anomaly), coverage in zip(
                output[:, :SUMMARY_COLUMNS].tolist(), coverages, strict=True
            )
        ]

    def explain(self, k: int, row: int = 0) -> list[tuple[str, float, ReasonKind]]:
        """Why a vector of those scored last, the first or that of number `row`, scored as it did: at most `k` reasons
        of each kind, strongest first, trees first.

        "tree": the features that pushed the trees towards fraud, in log-odds of the margin (path contributions or
        TreeSHAP values, as the bundle was trained). "anomaly": the features that the autoencoder reconstructed worst,
        as deviations of their squared error from that of legitimate transactions, from UNUSUAL_DEVIATIONS upwards.
        """
        vector = self._feeds[len(self._output)][INPUT][row : row + 1]
        contributions = self._run_explainer(_EXPLAIN_OUTPUTS, {INPUT: vector}, None)[0][0]
        deviations = (self._output[row, SUMMARY_COLUMNS:] - self._error_means) / self._error_deviations
        reasons = self._strongest(contributions, k, "tree", above=0.0)
        reasons += self._strongest(deviations, k, "anomaly", above=UNUSUAL_DEVIATIONS)
        return reasons

    def _make_room(self, count: int) -> None:
        """Rows for so many vectors, and the graph's input for each number of them up to it."""
        self._rows = bytearray(count * self._row_bytes)
        matrix = np.frombuffer(self._rows, np.float32).reshape(count, self._width)
        self._feeds = [{INPUT: matrix[:number]} for number in range(count + 1)]

    def _strongest(
        self, values: npt.NDArray[np.floating[Any]], k: int, kind: ReasonKind, above: float
    ) -> list[tuple[str, float, ReasonKind]]:
        strongest = np.argsort(-values, kind="stable")[:k].tolist()
        return [(self._names[i], float(values[i]), kind) for i in strongest if values[i] > above]

    def predict_many(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Score rows [N, F] float32 with the same graph; gives [N, 3] float32: probability, margin, anomaly.

        Raises ValueError when the matrix has another shape or type.
        """
        if matrix.ndim != 2 or matrix.shape[1] != self._width or matrix.dtype != np.float32:
            raise ValueError(
                f"a {matrix.dtype} matrix {list(matrix.shape)}, the bundle takes float32 [N, {self._width}]"
            )
        scores = np.empty((len(matrix), SUMMARY_COLUMNS), np.float32)
        for start in range(0, len(matrix), _ROWS_PER_RUN):
            rows = np.ascontiguousarray(matrix[start : start + _ROWS_PER_RUN])
            scores[start : start + len(rows)] = self._run(_MODEL_OUTPUTS, {INPUT: rows}, None)[0][:, :SUMMARY_COLUMNS]
        return scores
