"""Coverage of transactions: the share of the model's importance that was known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

_MAX_CACHED_PATTERNS = 4096


class Coverage:
    """Computes coverage from input groups, with a cache by the set of known groups. Not thread-safe.

    A group is known if at least one of its features is; a feature counts as known if all its groups are. So features that
    are unknown for a user without history do not lower the coverage.
    """

    def __init__(self, groups: Mapping[str, Sequence[int]], importance: Sequence[float]) -> None:
        """`groups`: positions of features by group. `importance`: one value a feature."""
        self.names = tuple(groups)
        self._members = np.zeros((len(importance), len(groups)), np.float32)
        for number, positions in enumerate(groups.values()):
            self._members[list(positions), number] = 1.0
        self._importance = np.array(importance, np.float64)
        # The known groups of a row as one float64, exact up to 53 groups; there are at most 20 and 32 attributes.
        self._bits = 2.0 ** np.arange(len(groups))
        self._shares: dict[float, float] = {}

    def known_groups(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Whether each group is known in each row of features float32 [N, F]; bool [N, groups]."""
        known: npt.NDArray[np.bool_] = (matrix == matrix).astype(np.float32) @ self._members > 0.0
        return known

    def of_rows(self, matrix: npt.NDArray[np.float32]) -> list[float]:
        """The coverage, 0 to 1, of each row of features float32 [N, F]; NaN is unknown."""
        shares = self._shares
        result = []
        for pattern in (self.known_groups(matrix) @ self._bits).tolist():
            share = shares.get(pattern)
            if share is None:
                share = self._compute_share(pattern)
            result.append(share)
        return result

    def _compute_share(self, pattern: float) -> float:
        """Compute and cache the coverage of a set of known groups; at most `_MAX_CACHED_PATTERNS` are cached."""
        if len(self._shares) >= _MAX_CACHED_PATTERNS:
            self._shares.clear()
        bits = int(pattern)
        missing = np.array([not bits >> number & 1 for number in range(len(self.names))], np.float32)
        whole = float(self._importance.sum())
        known = float(self._importance[self._members @ missing == 0.0].sum())
        share = known / whole if whole > 0.0 else 1.0
        self._shares[pattern] = share
        return share
