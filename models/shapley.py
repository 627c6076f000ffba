"""Exact TreeSHAP of a forest as arrays over its leaves, for a graph of plain tensor operations.

The Shapley value of a feature in one leaf's share of the margin has a closed form. For a leaf of value v, let o_j be 1 if
the row passes the leaf's conditions on feature j, else 0, and z_j the share of training weight that passes them. Features
outside a coalition pass with probability z_j, so the value of feature i is

    v (o_i - z_i) * integral over t from 0 to 1 of the product over j != i of (z_j (1 - t) + o_j t)

since the integral of t^k (1 - t)^(m - k) is the Shapley weight k! (m - k)! / (m + 1)!. The integrand is a polynomial, so
Gauss-Legendre quadrature gives it exactly. Path-dependent TreeSHAP of Lundberg and others, "Consistent individualized
feature attribution for tree ensembles", 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.trees import Forest, Tree

Matrix = npt.NDArray[np.float32]
LEAST_SHARE = 1e-6
"""Lower bound of shares: the product is divided by its factors, which must be above 0."""


@dataclass(frozen=True)
class LeafConditions:
    """L leaves with at most D features each, padded with conditions that every row passes.

    A row passes a condition if lower <= x < upper or, for a missing x, if `missing_passes`. `features` int64 [L, D],
    `lower`, `upper`, `shares` float32 [L, D], `missing_passes` bool [L, D], `values` float32 [L].
    """

    features: npt.NDArray[np.int64]
    lower: Matrix
    upper: Matrix
    missing_passes: npt.NDArray[np.bool_]
    shares: Matrix
    values: Matrix

    @property
    def quadrature(self) -> tuple[list[float], list[float]]:
        """Gauss-Legendre points and weights on [0, 1], exact for products of D - 1 factors."""
        points, weights = np.polynomial.legendre.leggauss(max(1, (self.features.shape[1] + 1) // 2))
        return ((points + 1.0) / 2.0).tolist(), (weights / 2.0).tolist()


@dataclass
class _Condition:
    lower: float = -np.inf
    upper: float = np.inf
    missing_passes: bool = True
    share: float = 1.0


def leaf_conditions(forest: Forest) -> LeafConditions:
    """The conditions of all leaves, with those on one feature merged."""
    leaves = [leaf for tree in forest.trees for leaf in _leaves(tree)]
    width = max((len(conditions) for conditions, _ in leaves), default=1) or 1
    shape = (len(leaves), width)
    found = LeafConditions(
        np.zeros(shape, np.int64),
        np.full(shape, -np.inf, np.float32),
        np.full(shape, np.inf, np.float32),
        np.ones(shape, bool),
        np.ones(shape, np.float32),
        np.array([value for _, value in leaves], np.float32),
    )
    for number, (conditions, _) in enumerate(leaves):
        for column, (feature, condition) in enumerate(conditions.items()):
            found.features[number, column] = feature
            found.lower[number, column] = condition.lower
            found.upper[number, column] = condition.upper
            found.missing_passes[number, column] = condition.missing_passes
            found.shares[number, column] = max(condition.share, LEAST_SHARE)
    return found


def _leaves(tree: Tree) -> list[tuple[dict[int, _Condition], float]]:
    found = []
    paths: dict[int, dict[int, _Condition]] = {0: {}}
    for node in tree.order:
        path = paths.pop(node)
        if tree.is_leaf(node):
            found.append((path, tree.means[node]))
            continue
        feature, threshold = tree.features[node], tree.thresholds[node]
        missing_left = tree.missing_goes_left[node]
        before = path.get(feature, _Condition())
        left, right = tree.left[node], tree.right[node]
        share = tree.left_share(node)
        paths[left] = path | {
            feature: _Condition(
                before.lower, min(before.upper, threshold), before.missing_passes and missing_left, before.share * share
            )
        }
        paths[right] = path | {
            feature: _Condition(
                max(before.lower, threshold),
                before.upper,
                before.missing_passes and not missing_left,
                before.share * (1.0 - share),
            )
        }
    return found
