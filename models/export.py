"""The two ONNX graphs of a bundle, built node by node: scoring (trees, autoencoder and blend in one) and reasons."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.autoencoder import CLIP, Autoencoder
from models.graph import ML_DOMAIN, Graph
from models.trees import Forest, margin_attributes, split_attributes
from udfs.bundle import INPUT, MODEL_OUTPUT, SUMMARY_COLUMNS, BlendWeights, open_session

LEAST_ERROR = 1e-6
"""Added to the mean squared error, so that its logarithm is finite."""

_ROWS_PER_RUN = 4096
Matrix = npt.NDArray[np.float32]


def scoring_graph(forest: Forest, autoencoder: Autoencoder, blend: BlendWeights) -> bytes:
    """Features float32 "x" [N, F] to "out" [N, 3 + F]: probability, margin, reconstruction error, squared errors.

    The reconstruction error is the mean of the squared errors of the prepared features, plus LEAST_ERROR.
    """
    preparation = autoencoder.preparation
    width = len(preparation.medians)
    graph = Graph(width)
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
    # Logarithms would be quicker, but their vector form gives other last bits than the scalar one at a batch's end.
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


def run_scoring_graph(graph: bytes, features: Matrix) -> Matrix:
    """All of "out" for features float32 [N, F]."""
    run = open_session(graph).run
    parts = [
        run([MODEL_OUTPUT], {INPUT: np.ascontiguousarray(features[start : start + _ROWS_PER_RUN])})[0]
        for start in range(0, len(features), _ROWS_PER_RUN)
    ]
    return np.concatenate(parts)


def _layers(graph: Graph, value: str, autoencoder: Autoencoder) -> str:
    last = len(autoencoder.weights) - 1
    for number, (weights, biases) in enumerate(zip(autoencoder.weights, autoencoder.biases, strict=True)):
        constants = [graph.constant(f"weights{number}", weights), graph.constant(f"biases{number}", biases)]
        value = graph.node("Gemm", [value, *constants], f"layer{number}")
        if number != last:
            value = graph.node("Relu", [value], f"active{number}")
    return value
