"""Vectorised weighted draws from groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class GroupedChoice:
    """Draws members of a group in proportion to their weights.

    `groups` is the group of each member, int (members,); `weights` float (members,), positive.
    """

    def __init__(self, groups: Array, weights: Array) -> None:
        self._members = np.argsort(groups, kind="stable")
        sorted_groups = groups[self._members]
        self._cumulative = np.concatenate(([0.0], np.cumsum(weights[self._members])))
        group_count = int(sorted_groups[-1]) + 1 if len(groups) else 0
        self._bounds = np.searchsorted(sorted_groups, np.arange(group_count + 1))

    def draw(self, rng: np.random.Generator, groups: Array) -> Array:
        """One member of each given group, int64 (draws,); -1 where the group is empty."""
        known = groups < len(self._bounds) - 1
        bounded = np.where(known, groups, 0)
        first, last = self._bounds[bounded], self._bounds[bounded + 1]
        low, high = self._cumulative[first], self._cumulative[last]
        position = np.searchsorted(self._cumulative, low + rng.random(len(groups)) * (high - low), side="right") - 1
        empty = ~known | (first == last)
        position = np.clip(position, first, np.maximum(last - 1, first))
        return np.where(empty, -1, self._members[np.minimum(position, len(self._members) - 1)])
