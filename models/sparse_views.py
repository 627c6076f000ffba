"""Sparse copies of training rows: without some feature groups, so that a bundle also works on poorer input.

Rows and dropped groups are drawn independently of the labels, so that a missing value is no evidence of fraud. The
original rows are kept.
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
    """Copies of `rows` int64 [n] of a frame without the feature groups of `dropped` bool [n, groups].

    `members` is that of `members_of`.
    """

    rows: Rows
    dropped: npt.NDArray[np.bool_]
    members: Matrix

    def __len__(self) -> int:
        return len(self.rows)

    def features(self, features: Matrix, start: int, end: int) -> Matrix:
        """Copies `start` to `end` of features float32 [N, F], float32 [end - start, F] with NaN for dropped ones."""
        copies = np.array(features[self.rows[start:end]], np.float32)
        copies[self.dropped[start:end].astype(np.float32) @ self.members > 0.0] = np.nan
        return copies


def is_dropped(view: str, group: str) -> bool:
    """Whether a named view lacks a group."""
    if view == FOUR_COLUMNS:
        return True
    if view == WITH_MERCHANT:
        return group not in MERCHANTS
    return view == WITHOUT_PROFILES and group in PROFILES


def view_of(features: Matrix, groups: Groups, view: str) -> Matrix:
    """Features float32 [N, F] of a named view: a copy, or the same array if nothing is dropped."""
    lost = sorted({column for group, columns in groups.items() if is_dropped(view, group) for column in columns})
    if not lost:
        return features
    copies = np.array(features, np.float32)
    copies[:, lost] = np.nan
    return copies


def draw_sparse_rows(
    rows: Rows, groups: Groups, known: Collection[str], share: float, width: int, seed: int
) -> SparseRows:
    """Draw sparse copies of a share of `rows` [n], in their order.

    A quarter each are the three named views; in the last quarter each group is dropped with a probability drawn per row.
    `known` are the groups that occur in the rows; copies that would drop none of them are left out.
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
    """Mask bool [rows, F] of dropped features: in a share of the rows each group is dropped with a probability per row.

    `members` is that of `members_of`.
    """
    chance = random.random((rows, 1)) * (random.random((rows, 1)) < share)
    dropped = random.random((rows, len(members))) < chance
    lost: npt.NDArray[np.bool_] = dropped.astype(np.float32) @ members > 0.0
    return lost


def members_of(groups: Groups, width: int) -> Matrix:
    """Membership matrix float32 [groups, F]: 1 if the group contains the feature."""
    members = np.zeros((len(groups), width), np.float32)
    for number, columns in enumerate(groups.values()):
        members[number, list(columns)] = 1.0
    return members
