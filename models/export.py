"""The two ONNX graphs of a bundle, built node by node: scoring (trees, autoencoder and blend in one) and reasons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

from models.autoencoder import CLIP, Autoencoder
from models.shapley import leaf_conditions
from models.trees import Forest, margin_attributes, split_attributes
from udfs.bundle import EXPLAIN_OUTPUT, INPUT, MODEL_OUTPUT, SUMMARY_COLUMNS, BlendWeights, open_session

IR_VERSION = 9
OPSET = 18
ML_DOMAIN = "ai.onnx.ml"
ML_OPSET = 3
LEAST_ERROR = 1e-6
"""Added to the mean squared error, so that its logarithm is finite."""

_ROWS_PER_RUN = 4096
Matrix = npt.NDArray[np.float32]


class _Graph:
    """Collects nodes and constants; every method gives the name of what it added."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        array = np.ascontiguousarray(np.asarray(value, np.float32))
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def scalar(self, name: str, value: float) -> str:
        self._constants.append(numpy_helper.from_array(np.array(value, np.float32), name))
        return name

    def integers(self, name: str, value: npt.NDArray[np.int64], kind: type[np.integer[Any]] = np.int64) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value, kind), name))
        return name

    def flags(self, name: str, value: npt.NDArray[np.bool_]) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        self._nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def trees(self, output: str, targets: int, **attributes: Any) -> str:
        """A tree ensemble over [x, -x], see `trees.split_attributes`."""
        negative = self.node("Neg", [INPUT], "negative")
        signed = self.node("Concat", [INPUT, negative], "signed", axis=1)
        return self.node("TreeEnsembleRegressor", [signed], output, ML_DOMAIN, n_targets=targets, **attributes)

    def serialize(self, output: str, columns: int) -> bytes:
        graph = helper.make_graph(
            self._nodes,
            "fraud",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", self.width])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", columns])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML_DOMAIN, ML_OPSET)]
        model: ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="fraud")
        checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))


def scoring_graph(forest: Forest, autoencoder: Autoencoder, blend: BlendWeights) -> bytes:
    """Features float32 "x" [N, F] to "out" [N, 3 + F]: probability, margin, reconstruction error, squared errors.

    The reconstruction error is the mean of the squared errors of the prepared features, plus LEAST_ERROR.
    """
    preparation = autoencoder.preparation
    width = len(preparation.medians)
    graph = _Graph(width)
    nodes = {**split_attributes(forest, width), **margin_attributes(forest)}
    margin = graph.trees("margin", 1, base_values=[forest.base_margin], **nodes)

    known = graph.node(
        "Imputer",
        [INPUT],
        "known",
        ML_DOMAIN,
        imputed_value_floats=preparation.medians.tolist(),
        replaced_value_float=math.nan,
    )
    squashed = graph.node("Asinh", [known], "squashed")
    scaled = graph.node(
        "Scaler",
        [squashed],
        "scaled",
        ML_DOMAIN,
        offset=preparation.centers.tolist(),
        scale=preparation.scales.tolist(),
    )
    bounds = [graph.scalar("lowest", -CLIP), graph.scalar("highest", CLIP)]
    prepared = graph.node("Clip", [scaled, *bounds], "prepared")
    rebuilt = _layers(graph, prepared, autoencoder)
    difference = graph.node("Sub", [rebuilt, prepared], "difference")
    squared = graph.node("Mul", [difference, difference], "squared")
    # A product with 1/F each: less overhead than a mean and an addition.
    mean = graph.constant("mean", np.full((width, 1), 1.0 / width))
    error = graph.node("Gemm", [squared, mean, graph.constant("least_error", [LEAST_ERROR])], "error")

    both = graph.node("Concat", [margin, graph.node("Log", [error], "log_error")], "both", axis=1)
    weights = graph.constant("blend_weights", [[blend.margin], [blend.log_error]])
    log_odds = graph.node("Gemm", [both, weights, graph.constant("blend_offset", [blend.offset])], "log_odds")
    probability = graph.node("Sigmoid", [log_odds], "probability")
    graph.node("Concat", [probability, margin, error, squared], MODEL_OUTPUT, axis=1)
    return graph.serialize(MODEL_OUTPUT, SUMMARY_COLUMNS + width)


def explain_graph(forest: Forest, width: int) -> bytes:
    """Features float32 "x" [N, F] to "contributions" [N, F], exact TreeSHAP values (`models.shapley`).

    Their sum plus `forest.mean_margin` is the margin.
    """
    graph = _Graph(width)
    leaves = leaf_conditions(forest)  # as [D, L]: products over a few rows of many leaves are quick
    node, zero = graph.node, graph.scalar("zero", 0.0)
    places = graph.integers("places", leaves.features.T.reshape(-1), np.int32)
    limit = float(np.finfo(np.float32).max)  # an infinite value passes where there is no bound
    missing = node("IsNaN", [INPUT], "missing")
    known = node("Clip", [node("Where", [missing, zero, INPUT], "without_missing"),
                          graph.scalar("lowest", -limit), graph.scalar("greatest", limit)], "known")  # fmt: skip
    value = node("Gather", [known, places], "value", axis=1)
    is_missing = node("Gather", [missing, places], "is_missing", axis=1)
    above = node("GreaterOrEqual", [value, graph.constant("lower", leaves.lower.T.reshape(-1))], "above")
    below = node("Less", [value, graph.constant("upper", leaves.upper.T.reshape(-1))], "below")
    inside = node("And", [above, below], "inside")
    missing_passes = graph.flags("missing_passes", leaves.missing_passes.T.reshape(-1))
    excused = node("And", [is_missing, missing_passes], "excused")
    judged = node("And", [node("Not", [is_missing], "is_known"), inside], "judged")
    passes = node("Or", [excused, judged], "passes")
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
    indices = node("Expand", [places, rows], "indices")  # of every row the same
    node("ScatterElements", [zeros, indices, flat], EXPLAIN_OUTPUT, axis=1, reduction="add")
    return graph.serialize(EXPLAIN_OUTPUT, width)


def run_scoring_graph(graph: bytes, features: Matrix) -> Matrix:
    """All of "out" for features float32 [N, F]."""
    run = open_session(graph).run
    parts = [
        run([MODEL_OUTPUT], {INPUT: np.ascontiguousarray(features[start : start + _ROWS_PER_RUN])})[0]
        for start in range(0, len(features), _ROWS_PER_RUN)
    ]
    return np.concatenate(parts)


def _layers(graph: _Graph, value: str, autoencoder: Autoencoder) -> str:
    last = len(autoencoder.weights) - 1
    for number, (weights, biases) in enumerate(zip(autoencoder.weights, autoencoder.biases, strict=True)):
        constants = [graph.constant(f"weights{number}", weights), graph.constant(f"biases{number}", biases)]
        value = graph.node("Gemm", [value, *constants], f"layer{number}")
        if number != last:
            value = graph.node("Relu", [value], f"active{number}")
    return value
