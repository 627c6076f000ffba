"""Step functions of features, as a scoring graph can hold them: nested steps over one column each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.trees import NO_CHILD, Tree

Matrix = npt.NDArray[np.float32]
Wide = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """Part number i counts where `bounds[i - 1] <= x < bounds[i]`, for x of one column of the features.

    `bounds` float32 [n] ascend; a part is a number or further steps. A value that is not known takes the first part, or the
    last one without `unknown_is_first`.
    """

    column: int
    bounds: Matrix
    parts: tuple[Steps | float, ...]
    unknown_is_first: bool = True

    def values(self, features: Matrix) -> Wide:
        """Values float64 [N] of features float32 [N, F]."""
        column = features[:, self.column]
        places = np.searchsorted(self.bounds, column, side="right")
        places[np.isnan(column)] = 0 if self.unknown_is_first else len(self.bounds)
        found = np.empty(len(features))
        for number, part in enumerate(self.parts):
            inside = places == number
            found[inside] = part.values(features[inside]) if isinstance(part, Steps) else part
        return found

    def tree(self) -> Tree:
        """The same function as a tree; its means and covers, which only explanations need, are those of the leaves."""
        tree = Tree([], [], [], [], [], [], [], [])
        _add(tree, self)
        return tree


def _add(tree: Tree, part: Steps | float) -> int:
    """Append the nodes of a part, parents first; returns the number of the topmost."""
    if not isinstance(part, Steps):
        return _node(tree, 0, 0.0, False, part)
    if not len(part.bounds):
        return _add(tree, part.parts[0])
    middle = len(part.bounds) // 2
    bounds, parts, first = part.bounds, part.parts, part.unknown_is_first
    node = _node(tree, part.column, float(bounds[middle]), first, 0.0)
    tree.left[node] = _add(tree, Steps(part.column, bounds[:middle], parts[: middle + 1], first))
    tree.right[node] = _add(tree, Steps(part.column, bounds[middle + 1 :], parts[middle + 1 :], first))
    return node


def _node(tree: Tree, column: int, threshold: float, missing_goes_left: bool, value: float) -> int:
    node = len(tree.order)
    tree.left.append(NO_CHILD)
    tree.right.append(NO_CHILD)
    tree.features.append(column)
    tree.thresholds.append(threshold)
    tree.missing_goes_left.append(missing_goes_left)
    tree.means.append(value)
    tree.order.append(node)
    tree.covers.append(1.0)
    return node
