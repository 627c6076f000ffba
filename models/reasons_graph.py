"""Builds the ONNX graph of an alert's reasons: the contribution of each feature to the trees' margin, in log-odds.

path      path contributions (Saabas, "Interpreting random forests", 2014): 10 to 25 microseconds per alert
shapley   exact TreeSHAP values (`models.shapley`): about a millisecond per alert
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from onnx import TensorProto

from models.graph_builder import Graph
from models.shapley import leaf_conditions
from models.trees import Forest, contribution_attributes, split_attributes
from udfs.scoring.bundle import EXPLAIN_OUTPUT, INPUT

Reasons = Literal["path", "shapley"]


def reasons_graph(reasons: Reasons, forest: Forest, width: int) -> bytes:
    """Graph from features float32 "x" [N, F] to "contributions" [N, F]; sum + `forest.mean_margin` is the margin."""
    return _shapley_graph(forest, width) if reasons == "shapley" else _path_graph(forest, width)


def _path_graph(forest: Forest, width: int) -> bytes:
    graph = Graph(width)
    nodes = {**split_attributes(forest, width), **contribution_attributes(forest)}
    graph.trees(EXPLAIN_OUTPUT, width, **nodes)
    return graph.serialize(EXPLAIN_OUTPUT, width)


def _shapley_graph(forest: Forest, width: int) -> bytes:
    graph = Graph(width)
    leaves = leaf_conditions(forest)  # transposed to [D, L], for fast products over D
    node, zero = graph.node, graph.scalar("zero", 0.0)
    places = graph.integers("places", leaves.features.T.reshape(-1), np.int32)
    limit = float(np.finfo(np.float32).max)  # clipped, so that infinite values pass conditions without a bound
    missing = node("IsNaN", [INPUT], "missing")
    known = node("Clip", [node("Where", [missing, zero, INPUT], "without_missing"),
                          graph.scalar("lowest", -limit), graph.scalar("greatest", limit)], "known")  # fmt: skip
    value = node("Gather", [known, places], "value", axis=1)
    is_missing = node("Gather", [missing, places], "is_missing", axis=1)
    above = node("GreaterOrEqual", [value, graph.constant("lower", leaves.lower.T.reshape(-1))], "above")
    below = node("Less", [value, graph.constant("upper", leaves.upper.T.reshape(-1))], "below")
    inside = node("And", [above, below], "inside")
    missing_passes = graph.flags("missing_passes", leaves.missing_passes.T.reshape(-1))
    passes_missing = node("And", [is_missing, missing_passes], "excused")
    passes_known = node("And", [node("Not", [is_missing], "is_known"), inside], "judged")
    passes = node("Or", [passes_missing, passes_known], "passes")
    count, depth = leaves.features.shape
    shape = graph.integers("by_depth", np.array([-1, depth, count]))
    passed = node("Reshape", [node("Cast", [passes], "passes_number", to=TensorProto.FLOAT), shape], "passed")
    shares = graph.constant("shares", leaves.shares.T)
    gained = node("Sub", [passed, shares], "gained")
    axis, values = graph.integers("depth_axis", np.array([1])), graph.constant("values", leaves.values)
    total = ""
    for number, (point, weight) in enumerate(zip(*leaves.quadrature, strict=True)):
        chance = node(
            "Add",
            [
                node("Mul", [passed, graph.scalar(f"point{number}", point)], f"certain{number}"),
                node("Mul", [shares, graph.scalar(f"rest{number}", 1.0 - point)], f"uncertain{number}"),
            ],
            f"chance{number}",
        )
        product = node("ReduceProd", [chance, axis], f"product{number}", keepdims=1)
        weighted = node("Mul", [product, graph.scalar(f"weight{number}", weight)], f"weighted{number}")
        others = node("Div", [weighted, chance], f"others{number}")
        total = others if not total else node("Add", [total, others], f"total{number}")
    by_leaf = node("Mul", [node("Mul", [gained, total], "gained_weighted"), values], "by_leaf_value")
    flat = node("Reshape", [by_leaf, graph.integers("flat", np.array([-1, count * depth]))], "by_condition")
    zeros = node("Mul", [known, zero], "zeros")
    rows = node("Shape", [is_missing], "rows")
    indices = node("Expand", [places, rows], "indices")  # the same for every row
    node("ScatterElements", [zeros, indices, flat], EXPLAIN_OUTPUT, axis=1, reduction="add")
    return graph.serialize(EXPLAIN_OUTPUT, width)
