"""Decisions of the job with their logged features, as columns beside the table's rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from struct import Struct

import msgspec
import numpy as np
import numpy.typing as npt

from udfs.features.catalogue import NAMES


class _Model(msgspec.Struct):
    bundle: str
    probability: float


class _Line(msgspec.Struct, tag_field="type", tag="decision"):
    transaction_id: str
    model: _Model
    features: dict[str, float | None]


class LoggedDecisions:
    """Row numbers of the table, probabilities and features of the decisions of some legs, in order of arrival."""

    def __init__(self, transaction_ids: npt.NDArray[np.int64]) -> None:
        self._rows = {str(identity): row for row, identity in enumerate(transaction_ids.tolist())}
        self._pack = Struct(f"{len(NAMES)}f").pack

    def read(
        self, files: Iterable[Path], first_row: int, end_row: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float32]]:
        """Rows [n], probabilities float64 [n] and features float32 [n, F] of decisions on rows in [first_row, end_row).

        What is null in JSON was NaN.
        """
        decode = msgspec.json.Decoder(_Line).decode
        rows: list[int] = []
        probabilities: list[float] = []
        features = bytearray()
        nan = float("nan")
        for file in files:
            with file.open("rb") as lines:
                for line in lines:
                    decision = decode(line)
                    row = self._rows[decision.transaction_id]
                    if first_row <= row < end_row:
                        rows.append(row)
                        probabilities.append(decision.model.probability)
                        features += self._pack(*[nan if v is None else v for v in map(decision.features.get, NAMES)])
        return (
            np.array(rows, np.int64),
            np.array(probabilities, np.float64),
            np.frombuffer(features, np.float32).reshape(-1, len(NAMES)),
        )
