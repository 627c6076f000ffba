"""What the core asks of the model: the scores of a batch, and the explanation of an alert."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from udfs.scoring.ensemble import Ensemble, ScoredBatch
from udfs.scoring.explaining import CONTRIBUTIONS

_log = logging.getLogger(__name__)
_LATEST_MS = 253_402_214_400_000  # 9999-12-31: later moments have no datetime in zones east of Greenwich

Explanation = tuple[list[tuple[int, float]], list[tuple[int, float]], tuple[int, int] | None]
"""Contributions and deviations by a feature's position, and the user's local hour and minute."""


class Model:
    """An ensemble as the core calls it, one batch after the other. Not thread-safe."""

    def __init__(self, ensemble: Ensemble, default_timezone: str) -> None:
        self._ensemble = ensemble
        self._width = len(ensemble.bundle.manifest.feature_names)
        self._default_timezone = default_timezone
        self._explain: list[tuple[ScoredBatch, int] | None] = []

    def score(self, matrix: bytes) -> tuple[bytes, dict[int, str]]:
        """Score float32 rows of features. Returns probability, margin, anomaly and coverage of each row as float64, and
        the errors of the rows that could not be scored, by row.

        If the model fails on the batch, the rows are scored one by one.
        """
        vectors = np.frombuffer(matrix, np.float32).reshape(-1, self._width)
        failed: dict[int, str] = {}
        scores = np.zeros((len(vectors), 4))
        try:
            self._explain = self._scored(vectors, scores)
        except Exception:
            self._explain = []
            for row in range(len(vectors)):
                try:
                    self._explain += self._scored(vectors[row : row + 1], scores[row : row + 1])
                except Exception as error:
                    _log.error("unexpected error of the model", exc_info=error)
                    failed[row] = f"{type(error).__name__}: {error}"
                    self._explain.append(None)
        return scores.tobytes(), failed

    def explain(self, row: int, timezone: str | None, time_ms: int) -> Explanation:
        """Explain the scores of a row of the last batch. `timezone`: the user's, None for the default.

        Raises LookupError for a row that could not be scored.
        """
        scored = self._explain[row]
        if scored is None:
            raise LookupError(f"row {row} was not scored")
        batch, place = scored
        trees, anomaly = batch.explain(place, CONTRIBUTIONS)
        return trees, anomaly, clock(timezone or self._default_timezone, time_ms)

    def _scored(
        self, vectors: npt.NDArray[np.float32], scores: npt.NDArray[np.float64]
    ) -> list[tuple[ScoredBatch, int] | None]:
        batch = self._ensemble.score(vectors)
        scores[:, :3] = batch.scores
        scores[:, 3] = batch.coverages
        return [(batch, row) for row in range(len(vectors))]


def clock(timezone: str, time_ms: int) -> tuple[int, int] | None:
    """Hour and minute of a moment; None in a zone that the database does not know."""
    moment = datetime.fromtimestamp(min(time_ms, _LATEST_MS) / 1_000, tz=UTC)
    if timezone != "UTC":
        try:
            moment = moment.astimezone(ZoneInfo(timezone))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return None
    return moment.hour, moment.minute
