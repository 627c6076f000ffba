"""Sparse views of rich rows: copies of rows without some groups of features, so that a bundle learns to do without.

Which rows are copied and what they lose is drawn without a look at the labels: that something is not known says nothing
about fraud. The rows themselves stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FULL = "full"
FOUR_COLUMNS = "four columns"
WITH_MERCHANT = "with merchant and category"
WITHOUT_PROFILES = "without profiles"
PROFILES = frozenset({"profile", "device_profile", "feeds", "logins"})
MERCHANTS = frozenset({"merchant", "category", "entity_history"})
VIEWS = (FULL, FOUR_COLUMNS, WITH_MERCHANT, WITHOUT_PROFILES)

Groups = Mapping[str, Sequence[int]]
Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SparseRows:
    """Copies of rows: of `rows` int64 [n] of a frame those features are not known that `dropped` bool [n, groups] hit."""

    rows: Rows
    dropped: npt.NDArray[np.bool_]
    members: Matrix

    def __len__(self) -> int:
        return len(self.rows)

    def features(self, features: Matrix, start: int, end: int) -> Matrix:
        """The copies of number `start` to `end` from features float32 [N, F]."""
        copies = np.array(features[self.rows[start:end]], np.float32)
        copies[self.dropped[start:end].astype(np.float32) @ self.members > 0.0] = np.nan
        return copies


def is_dropped(view: str, group: str) -> bool:
    """Does a named view lack a group?"""
    if view == FOUR_COLUMNS:
        return True
    if view == WITH_MERCHANT:
        return group not in MERCHANTS
    return view == WITHOUT_PROFILES and group in PROFILES


def view_of(features: Matrix, groups: Groups, view: str) -> Matrix:
    """Features float32 [N, F] as a named view has them: a copy, or themselves where nothing is lost."""
    lost = sorted({place for group, places in groups.items() if is_dropped(view, group) for place in places})
    if not lost:
        return features
    copies = np.array(features, np.float32)
    copies[:, lost] = np.nan
    return copies


def draw_sparse_rows(
    rows: Rows, groups: Groups, known: Collection[str], share: float, width: int, seed: int
) -> SparseRows:
    """Copies of a share of `rows` [n], in their order: a quarter each as the three named views have them, and a quarter
    that loses each group by a chance that is drawn for the row.

    `known` are the groups that some row has. A copy that would lose none of them is not made: it would only repeat a row.
    """
    random = np.random.default_rng([seed, len(rows)])
    count = round(len(rows) * share) if groups else 0
    chosen = np.sort(random.choice(len(rows), count, replace=False))
    kind = random.integers(0, len(VIEWS), count)
    dropped = random.random((count, len(groups))) < random.random((count, 1))
    for number, view in enumerate(VIEWS):
        if view != FULL:
            dropped[kind == number] = [is_dropped(view, group) for group in groups]
    dropped &= np.array([group in known for group in groups], bool)
    loses = dropped.any(axis=1)
    return SparseRows(rows[chosen[loses]], dropped[loses], members_of(groups, width))


def dropped_features(random: np.random.Generator, members: Matrix, rows: int, share: float) -> npt.NDArray[np.bool_]:
    """Which features bool [rows, F] are lost, where a share of the rows loses each group by a chance drawn for the row.

    `members` are those of `members_of`.
    """
    chance = random.random((rows, 1)) * (random.random((rows, 1)) < share)
    dropped = random.random((rows, len(members))) < chance
    lost: npt.NDArray[np.bool_] = dropped.astype(np.float32) @ members > 0.0
    return lost


def members_of(groups: Groups, width: int) -> Matrix:
    """1 where a group has a feature, float32 [groups, F]."""
    members = np.zeros((len(groups), width), np.float32)
    for number, places in enumerate(groups.values()):
        members[number, list(places)] = 1.0
    return members
