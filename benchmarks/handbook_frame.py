"""Reads the job's decisions with logged features as columns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from struct import Struct
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from udfs.features.feature_set import feature_set_of
from udfs.records.logged_features import LoggedFeatures, features_of


class _Model(msgspec.Struct):
    probability: float


class _Rules(msgspec.Struct):
    points: int


class _Line(LoggedFeatures, tag_field="type", tag="decision", kw_only=True):
    transaction_id: str
    risk_score: int
    probability: float
    model: _Model
    rules: _Rules


class Logged(NamedTuple):
    """Decisions in order of arrival.

    `rows` are rows of the table, int64 [n]; `probabilities` and `risk_scores` the decisions', `model_probabilities` the
    model's, `points` the rules', all [n]; `features` float32 [n, F], NaN where unknown.
    """

    rows: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    risk_scores: npt.NDArray[np.int64]
    model_probabilities: npt.NDArray[np.float64]
    points: npt.NDArray[np.int32]
    features: npt.NDArray[np.float32]

    def part(self, inside: npt.NDArray[np.bool_]) -> Logged:
        """The decisions selected by `inside`, bool [n]."""
        return Logged(*(np.ascontiguousarray(column[inside]) for column in self))


class LoggedDecisions:
    """Reads decision logs and assigns decisions to a table's rows by transaction id."""

    def __init__(self, transaction_ids: npt.NDArray[np.int64]) -> None:
        self._rows = {str(identity): row for row, identity in enumerate(transaction_ids.tolist())}
        feature_set = feature_set_of()
        self._names = feature_set.names
        self._feature_sets = {feature_set.version: feature_set.names}
        self._pack = Struct(f"{len(self._names)}f").pack

    def read(self, files: Iterable[Path], first_row: int, end_row: int) -> Logged:
        """The decisions on rows in [first_row, end_row)."""
        decode = msgspec.json.Decoder(_Line).decode
        numbers: list[tuple[int, float, int, float, int]] = []
        features = bytearray()
        names, nan = self._names, float("nan")
        for file in files:
            with file.open("rb") as lines:
                for line in lines:
                    decision = decode(line)
                    row = self._rows[decision.transaction_id]
                    if first_row <= row < end_row:
                        numbers.append(
                            (row, decision.probability, decision.risk_score, decision.model.probability,
                             decision.rules.points)
                        )  # fmt: skip
                        logged = features_of(decision, self._feature_sets)
                        features += self._pack(*[logged.get(name, nan) for name in names])
        rows, probabilities, scores, of_model, points = zip(*numbers, strict=True) if numbers else ((),) * 5
        return Logged(
            np.array(rows, np.int64),
            np.array(probabilities, np.float64),
            np.array(scores, np.int64),
            np.array(of_model, np.float64),
            np.array(points, np.int32),
            np.frombuffer(features, np.float32).reshape(-1, len(names)),
        )
