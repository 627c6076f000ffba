"""What is usual: the middle of a user's earlier payments, and of recent payments of all users, feature by feature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, select

from console.store.engine import Database
from console.store.rows import DecisionRow
from console.store.tables import decisions

OF_USER, OF_ALL = 100, 400
"""So many payments are looked at."""
LEAST_PAYMENTS = 5
"""Of fewer nothing is called usual."""
KEEP_MS = 10 * 60_000
_LEVELS = (10.0, 90.0)


class Range(NamedTuple):
    """The middle 80 %: tenth and ninetieth percentile, in the feature's unit."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value lies in the range."""
        return self.low <= value <= self.high


class Ranges(NamedTuple):
    """Ranges by feature; none of a feature that was known in fewer than LEAST_PAYMENTS of them. `payments`: how many."""

    by_name: dict[str, Range]
    payments: int


class UsualValues:
    """Reads usual values; keeps those of all users for a while. Thread-safe."""

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms
        self._of_all: dict[str, tuple[int, Ranges]] = {}

    def of_user(self, decision: DecisionRow) -> Ranges:
        """Of the user's payments before this one, with the same feature set."""
        columns = decisions.c
        keys = (
            select(columns.event_time_ms, columns.decision_id)
            .where(columns.user_id == decision.user_id, columns.event_time_ms < decision.event_time_ms)
            .order_by(columns.event_time_ms.desc(), columns.decision_id.desc())
        )
        with self._database.read() as connection:
            found = connection.execute(keys.limit(OF_USER)).all()
            return _ranges(_packed(connection, decision.feature_set, [row[1] for row in found]), _names_of(decision))

    def of_all(self, decision: DecisionRow) -> Ranges:
        """Of recent payments of all users, with the same feature set."""
        feature_set, now_ms = decision.feature_set or "", self._now_ms()
        kept = self._of_all.get(feature_set)
        if kept is not None and now_ms - kept[0] < KEEP_MS:
            return kept[1]
        columns = decisions.c
        keys = select(columns.decision_id).order_by(columns.event_time_ms.desc(), columns.decision_id.desc())
        with self._database.read() as connection:
            ids = list(connection.execute(keys.limit(OF_ALL)).scalars())
            ranges = _ranges(_packed(connection, decision.feature_set, ids), _names_of(decision))
        self._of_all[feature_set] = (now_ms, ranges)
        return ranges


def _names_of(decision: DecisionRow) -> Sequence[str]:
    return list(decision.features or {})


def _packed(connection: Connection, feature_set: str | None, ids: Sequence[str]) -> list[bytes]:
    if feature_set is None or not ids:
        return []
    columns = decisions.c
    rows = connection.execute(
        select(columns.features).where(columns.decision_id.in_(list(ids)), columns.feature_set == feature_set)
    )
    return [bytes(packed) for packed in rows.scalars() if packed is not None]


def _ranges(packed: Sequence[bytes], names: Sequence[str]) -> Ranges:
    rows = [one for one in packed if len(one) == 8 * len(names)]
    if len(rows) < LEAST_PAYMENTS or not names:
        return Ranges({}, len(rows))
    matrix: Any = np.frombuffer(b"".join(rows), "<f8").reshape(len(rows), len(names))
    known, low, high = _middles(matrix)
    enough = np.flatnonzero(known >= LEAST_PAYMENTS).tolist()
    return Ranges({names[place]: Range(float(low[place]), float(high[place])) for place in enough}, len(rows))


def _middles(matrix: Any) -> tuple[Any, Any, Any]:
    """Of each column: how many values are known, and their percentiles of _LEVELS, as numpy.percentile has them."""
    is_known = np.isfinite(matrix)
    ordered = np.sort(np.where(is_known, matrix, np.nan), axis=0)  # unknown values are last
    known, columns = is_known.sum(axis=0), np.arange(matrix.shape[1])
    last = np.maximum(known - 1, 0)

    def percentile(level: float) -> Any:
        place = last * (level / 100)
        below = np.floor(place).astype(int)
        share = place - below
        low, high = ordered[below, columns], ordered[np.minimum(below + 1, last), columns]
        return np.where(share >= 0.5, high - (high - low) * (1 - share), low + (high - low) * share)

    return known, percentile(_LEVELS[0]), percentile(_LEVELS[1])
