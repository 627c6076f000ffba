"""Builds the scoring graph of a bundle: trees, detectors and blend in one ONNX graph."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from models.autoencoder import CLIP, LEAST_ERROR, Autoencoder
from models.detectors import MOST_LOG_ANOMALY, Detectors
from models.graph_builder import ML_DOMAIN, Graph
from models.trees import Forest, margin_attributes, split_attributes, target_attributes
from udfs.scoring.bundle import INPUT, MODEL_OUTPUT, SUMMARY_COLUMNS, BlendWeights
from udfs.scoring.evaluation import open_session

LANES = 16
"""Logarithm, exponential and logistic function of a row are computed this many times, the width of the widest vector unit.

The scalar forms, which the runtime uses for the rest of a batch, differ from the vector forms in the last bits: with full
vectors a row gives the same bits in every batch."""

_FIRST_COLUMN = (("start", 0), ("end", 1), ("axis", 1))
_ROWS_PER_RUN = 4096
Matrix = npt.NDArray[np.float32]


def scoring_graph(forest: Forest, detectors: Detectors, blend: BlendWeights) -> bytes:
    """Graph from features float32 "x" [N, F] to "out" [N, 3 + F]: probability, margin, anomaly, squared errors.

    Strong signals add to the squared errors of their features, from which the reasons of an anomaly are taken.
    """
    width = len(detectors.allowances)
    graph = Graph(width)
    margin = _margin(graph, forest, "margin")
    log_anomalies, squared = _log_anomalies(graph, detectors)
    log_odds = _sum_in_lanes(
        graph, "log_odds", [(margin, blend.margin)], (log_anomalies, blend.log_error), blend.offset
    )
    probability = _first_lane(graph, graph.node("Sigmoid", [log_odds], "probabilities"), "probability")
    anomaly = _first_lane(graph, graph.node("Exp", [log_anomalies], "anomalies"), "anomaly")
    graph.node("Concat", [probability, margin, anomaly, squared], MODEL_OUTPUT, axis=1)
    return graph.serialize(MODEL_OUTPUT, SUMMARY_COLUMNS + width)


def _margin(graph: Graph, forest: Forest, name: str) -> str:
    nodes = {**split_attributes(forest, graph.width), **margin_attributes(forest)}
    return graph.trees(name, 1, base_values=[forest.base_margin], **nodes)


def _log_anomalies(graph: Graph, detectors: Detectors) -> tuple[str, str]:
    """`Detectors.log_anomalies` in lanes [N, LANES], and the squared errors [N, F], 0 for unknown features.

    What strong signals tell is added to the errors.
    """
    error, known, squared = _error(graph, detectors.autoencoder)
    generalist, allowances = detectors.generalist, detectors.allowances
    log_errors = graph.node("Log", [graph.node("Concat", [error] * LANES, "errors", axis=1)], "log_errors")
    # Minus the allowances of unknown features: minus all allowances, plus those of known features.
    offset = -generalist.weight * generalist.usual_margin - float(allowances.sum(dtype=np.float64))
    nothing = graph.constant("no_allowance", [0.0])
    allowed = graph.node("Gemm", [known, graph.constant("allowances", allowances[:, None]), nothing], "allowance")
    singles = [(_margin(graph, generalist.forest, "general_margin"), generalist.weight), (allowed, 1.0)]
    signals = detectors.signals
    if signals.each:
        forest = Forest(tuple(steps.tree() for steps in signals.each), 0.0)
        singles.append((_margin(graph, forest, "signals"), 1.0))
    unbounded = _sum_in_lanes(graph, "unbounded", singles, (log_errors, 1.0), offset)
    if signals.strong:
        forest = Forest(tuple(signal.steps.tree() for signal in signals.strong), 0.0)
        nodes = {**split_attributes(forest, graph.width), **target_attributes(forest)}
        strong = graph.trees("strong", len(signals.strong), **nodes)
        strongest = graph.node("ReduceMax", [strong, graph.integers("signal_axis", np.array([1]))], "strongest")
        unbounded = graph.node("Max", [unbounded, strongest], "at_least_strongest")
        told = graph.constant("told", np.stack([signal.told for signal in signals.strong]))
        squared = graph.node("Gemm", [graph.node("Relu", [strong], "given"), told, squared], "squared_and_told")
    bounds = [graph.scalar("least_log", -MOST_LOG_ANOMALY), graph.scalar("most_log", MOST_LOG_ANOMALY)]
    return graph.node("Clip", [unbounded, *bounds], "log_anomalies"), squared


def _sum_in_lanes(
    graph: Graph, name: str, singles: list[tuple[str, float]], lanes: tuple[str, float], offset: float
) -> str:
    """Weighted sum of values [N, 1] and of a value in lanes [N, LANES]; the result is in lanes."""
    inputs = graph.node("Concat", [*(value for value, _ in singles), lanes[0]], f"{name}_inputs", axis=1)
    weights = np.zeros((len(singles) + LANES, LANES))
    weights[: len(singles)] = np.array([weight for _, weight in singles])[:, None]
    weights[len(singles)] = lanes[1]
    offsets = graph.constant(f"{name}_offset", np.full(LANES, offset))
    return graph.node("Gemm", [inputs, graph.constant(f"{name}_weights", weights), offsets], name)


def _first_lane(graph: Graph, lanes: str, name: str) -> str:
    bounds = [graph.integers(f"{name}_{part}", np.array([value])) for part, value in _FIRST_COLUMN]
    return graph.node("Slice", [lanes, *bounds], name)


def _error(graph: Graph, autoencoder: Autoencoder) -> tuple[str, str, str]:
    """`Autoencoder.anomalies` [N, 1], the mask of known features [N, F] (1 or 0), and the squared errors [N, F].

    Squared errors are 0 for unknown features.
    """
    preparation = autoencoder.preparation
    # Asinh from logarithms would be faster, but their vector and scalar forms differ in the last bits.
    squashed = graph.node("Asinh", [INPUT], "squashed")
    scaled = graph.node(
        "Scaler",
        [squashed],
        "scaled",
        ML_DOMAIN,
        offset=preparation.centers.tolist(),
        scale=preparation.scales.tolist(),
    )
    # Products with a mask and an Imputer: a Where node costs a third of a microsecond more.
    is_known = graph.node("Not", [graph.node("IsNaN", [scaled], "is_unknown")], "is_known")
    known = graph.node("Cast", [is_known], "known", to=TensorProto.FLOAT)
    filled = graph.node(
        "Imputer", [scaled], "filled", ML_DOMAIN, imputed_value_floats=[0.0], replaced_value_float=math.nan
    )
    bounds = [graph.scalar("lowest", -CLIP), graph.scalar("highest", CLIP)]
    prepared = graph.node("Clip", [filled, *bounds], "prepared")
    difference = graph.node("Sub", [_layers(graph, prepared, autoencoder), prepared], "difference")
    squared = graph.node("Mul", [graph.node("Mul", [difference, difference], "all_squared"), known], "squared")
    if not autoencoder.counted.all():
        squared = graph.node("Mul", [squared, graph.constant("counted", autoencoder.counted)], "counted_squared")
    # Sums as products with a column have less overhead than a sum and an addition. Expected errors of known features plus
    # allowances of unknown ones are computed as all allowances plus (expected - allowance) of the known ones.
    allowed = float(autoencoder.allowances.sum(dtype=np.float64)) + LEAST_ERROR
    ones = graph.constant("ones", np.ones((len(autoencoder.expected), 1)))
    column = graph.constant("expected", (autoencoder.expected - autoencoder.allowances)[:, None])
    total = graph.node("Gemm", [squared, ones, graph.constant("least_error", [LEAST_ERROR])], "total")
    expected = graph.node("Gemm", [known, column, graph.constant("allowed", [allowed])], "expected_total")
    return graph.node("Div", [total, expected], "error"), known, squared


def run_scoring_graph(graph: bytes, features: Matrix) -> Matrix:
    """Run the graph: "out" float32 [N, 3 + F] for features float32 [N, F]."""
    return np.concatenate(list(_runs(graph, features, np.arange(len(features)))))


def run_summaries(graph: bytes, features: Matrix, rows: npt.NDArray[np.int64]) -> Matrix:
    """Probability, margin and anomaly, float32 [n, 3], of `rows` [n] of features float32 [N, F], block by block."""
    parts = [part[:, :SUMMARY_COLUMNS] for part in _runs(graph, features, rows)]
    return np.concatenate(parts) if parts else np.empty((0, SUMMARY_COLUMNS), np.float32)


def _runs(graph: bytes, features: Matrix, rows: npt.NDArray[np.int64]) -> Iterator[Matrix]:
    run = open_session(graph).run
    for start in range(0, len(rows), _ROWS_PER_RUN):
        block = np.ascontiguousarray(features[rows[start : start + _ROWS_PER_RUN]])
        yield run([MODEL_OUTPUT], {INPUT: block})[0]


def _layers(graph: Graph, value: str, autoencoder: Autoencoder) -> str:
    last = len(autoencoder.weights) - 1
    for number, (weights, biases) in enumerate(zip(autoencoder.weights, autoencoder.biases, strict=True)):
        constants = [graph.constant(f"weights{number}", weights), graph.constant(f"biases{number}", biases)]
        value = graph.node("Gemm", [value, *constants], f"layer{number}")
        if number != last:
            value = graph.node("Relu", [value], f"active{number}")
    return value
