"""How much of what a model looks at was known of a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

_MOST_REMEMBERED = 4096


class Coverage:
    """The share of the model's importance that was known. A feature counts as known when each of its groups is, and a
    group when at least one of its features is: what is unknown of a user without history is no gap in the input.
    """

    def __init__(self, groups: Mapping[str, Sequence[int]], importance: Sequence[float]) -> None:
        """`groups` are features' positions by group, `importance` is one value a feature."""
        self.names = tuple(groups)
        self._members = np.zeros((len(importance), len(groups)), np.float32)
        for number, positions in enumerate(groups.values()):
            self._members[list(positions), number] = 1.0
        self._importance = np.array(importance, np.float64)
        # A row's known groups as one number: 20 groups and 32 attributes at most, and exact up to 53.
        self._bits = 2.0 ** np.arange(len(groups))
        self._shares: dict[float, float] = {}

    def known_groups(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Of each row of features float32 [N, F] whether each group is known, bool [N, groups]."""
        known: npt.NDArray[np.bool_] = (matrix == matrix).astype(np.float32) @ self._members > 0.0
        return known

    def of_rows(self, matrix: npt.NDArray[np.float32]) -> list[float]:
        """One share from 0 to 1 for each row of features float32 [N, F]; NaN is not known."""
        shares = self._shares
        result = []
        for pattern in (self.known_groups(matrix) @ self._bits).tolist():
            share = shares.get(pattern)
            if share is None:
                share = self._remember(pattern)
            result.append(share)
        return result

    def _remember(self, pattern: float) -> float:
        """Real input has a few dozen patterns; whatever comes, no more than `_MOST_REMEMBERED` are kept."""
        if len(self._shares) >= _MOST_REMEMBERED:
            self._shares.clear()
        bits = int(pattern)
        missing = np.array([not bits >> number & 1 for number in range(len(self.names))], np.float32)
        whole = float(self._importance.sum())
        known = float(self._importance[self._members @ missing == 0.0].sum())
        share = known / whole if whole > 0.0 else 1.0
        self._shares[pattern] = share
        return share
