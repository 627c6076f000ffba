"""Converts XGBoost trees to the attributes of an ONNX tree ensemble."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

NO_CHILD = -1
_SMALLEST_NORMAL = float(np.finfo(np.float32).smallest_normal)
_BRANCH_PARTS = ("modes", "featureids", "values", "truenodeids", "falsenodeids")
_LEAF = ("LEAF", 0, 0.0, 0, 0)
Attributes = dict[str, list[Any]]


@dataclass(frozen=True)
class Tree:
    """Lists with one value per node. `left` is taken if x < threshold.

    `means` is the cover-weighted mean of the leaves below a node, `covers` its training weight, `order` the nodes in use
    with parents before children.
    """

    left: list[int]
    right: list[int]
    features: list[int]
    thresholds: list[float]
    missing_goes_left: list[bool]
    means: list[float]
    order: list[int]
    covers: list[float]

    def left_share(self, node: int) -> float:
        """The share of a node's training weight that goes left; 0.5 without weight."""
        left, right = self.covers[self.left[node]], self.covers[self.right[node]]
        return left / (left + right) if left + right > 0.0 else 0.5

    def is_leaf(self, node: int) -> bool:
        return self.left[node] == NO_CHILD


@dataclass(frozen=True)
class Forest:
    """An additive ensemble: margin = base_margin + sum over the trees of the value of the row's leaf."""

    trees: tuple[Tree, ...]
    base_margin: float

    @property
    def mean_margin(self) -> float:
        """The margin without contributions: base margin plus the mean of every tree."""
        return self.base_margin + sum(tree.means[0] for tree in self.trees)


def read_forest(booster: xgb.Booster, columns: npt.NDArray[np.int64] | None = None) -> Forest:
    """The trees of a binary logistic booster with numeric splits; raises ValueError for any other.

    `columns` are the positions of the booster's features in the rows to be scored (None: the same).
    """
    learner = json.loads(booster.save_raw("json"))["learner"]
    if learner["objective"]["name"] != "binary:logistic":
        raise ValueError(f"objective {learner['objective']['name']!r}: only binary:logistic can be exported")
    base = float(learner["learner_model_param"]["base_score"].strip("[]"))
    trees = learner["gradient_booster"]["model"]["trees"]
    read = [_read_tree(tree) for tree in trees]
    if columns is not None:
        positions = columns.tolist()
        read = [replace(tree, features=[positions[feature] for feature in tree.features]) for tree in read]
    return Forest(tuple(read), math.log(base / (1.0 - base)))


def _read_tree(tree: dict[str, Any]) -> Tree:
    if any(tree["split_type"]):
        raise ValueError("categorical splits cannot be exported")
    left, right, cover, conditions = (
        tree[part] for part in ("left_children", "right_children", "sum_hessian", "split_conditions")
    )
    order, waiting = [], [0]
    while waiting:
        node = waiting.pop()
        order.append(node)
        if left[node] != NO_CHILD:
            waiting += [right[node], left[node]]
    means = list(conditions)  # a leaf's condition is its value
    for node in reversed(order):
        if left[node] != NO_CHILD:
            a, b = left[node], right[node]
            total = cover[a] + cover[b]
            share = cover[a] / total if total > 0.0 else 0.5
            means[node] = share * means[a] + (1.0 - share) * means[b]
    missing_goes_left = [bool(flag) for flag in tree["default_left"]]
    return Tree(left, right, tree["split_indices"], conditions, missing_goes_left, means, order, cover)


def split_attributes(forest: Forest, width: int) -> Attributes:
    """The nodes of a TreeEnsembleRegressor over the columns [x, -x], `width` columns each, all of mode BRANCH_LT.

    NaN fails every comparison and takes the false branch, so the runtime's per-node test for missing values is not needed
    (measured: a fifth less time for the trees, a tenth for the whole graph). If XGBoost sends missing values left, x < t
    is negated: x >= t is -x <= -t, which is -x < the next float32 after -t, and the branches are swapped. For thresholds
    of 0, subnormal numbers count as 0.
    """
    nodes: Attributes = defaultdict(list)
    for number, tree in enumerate(forest.trees):
        for node in tree.order:
            branch = _LEAF if tree.is_leaf(node) else _branch(tree, node, width)
            nodes["nodes_treeids"].append(number)
            nodes["nodes_nodeids"].append(node)
            for name, value in zip(_BRANCH_PARTS, branch, strict=True):
                nodes[f"nodes_{name}"].append(value)
    return dict(nodes)


def margin_attributes(forest: Forest) -> Attributes:
    """Attributes of one target: the leaf value."""
    targets: Attributes = defaultdict(list)
    for number, tree in enumerate(forest.trees):
        for node in filter(tree.is_leaf, tree.order):
            _add_target(targets, number, node, 0, tree.means[node])
    return dict(targets)


def target_attributes(forest: Forest) -> Attributes:
    """Attributes of one target per tree: its leaf value."""
    targets: Attributes = defaultdict(list)
    for number, tree in enumerate(forest.trees):
        for node in filter(tree.is_leaf, tree.order):
            _add_target(targets, number, node, number, tree.means[node])
    return dict(targets)


def contribution_attributes(forest: Forest) -> Attributes:
    """Attributes of one target per feature: the change of the mean by its splits on the path to the leaf (Saabas, 2014)."""
    targets: Attributes = defaultdict(list)
    for number, tree in enumerate(forest.trees):
        paths: dict[int, dict[int, float]] = {0: {}}
        for node in tree.order:
            path = paths.pop(node)
            if tree.is_leaf(node):
                for feature, weight in (path or {0: 0.0}).items():
                    _add_target(targets, number, node, feature, weight)
                continue
            feature = tree.features[node]
            for child in (tree.left[node], tree.right[node]):
                step = tree.means[child] - tree.means[node]
                paths[child] = {**path, feature: path.get(feature, 0.0) + step}
    return dict(targets)


def _branch(tree: Tree, node: int, width: int) -> tuple[str, int, float, int, int]:
    feature, threshold = tree.features[node], tree.thresholds[node]
    if not tree.missing_goes_left[node]:
        return "BRANCH_LT", feature, threshold, tree.left[node], tree.right[node]
    return "BRANCH_LT", feature + width, just_above(-threshold), tree.right[node], tree.left[node]


def just_above(value: float) -> float:
    """The next float32; the smallest normal one above 0."""
    if value == 0.0:
        return _SMALLEST_NORMAL  # a subnormal threshold would be 0 on threads that flush subnormals
    return float(np.nextafter(np.float32(value), np.float32(np.inf)))


def _add_target(targets: Attributes, tree: int, node: int, target: int, weight: float) -> None:
    targets["target_treeids"].append(tree)
    targets["target_nodeids"].append(node)
    targets["target_ids"].append(target)
    targets["target_weights"].append(weight)
