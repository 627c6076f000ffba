"""The ONNX graphs compared with XGBoost and with the network in numpy."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest
import xgboost as xgb
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from models.autoencoder import LEAST_ERROR, Autoencoder, Preparation
from models.boosting import Boosting
from models.detectors import Detectors
from models.generalist import Generalist
from models.reasons_graph import Reasons, reasons_graph
from models.scoring_graph import run_scoring_graph, run_summaries, scoring_graph
from models.trees import Forest, Tree, read_forest
from tests.models.synthetic import awkward_rows, synthetic_frame
from udfs.scoring.bundle import BlendWeights
from udfs.scoring.evaluation import open_session

Matrix = npt.NDArray[np.float32]
BLEND = BlendWeights(0.8, 0.3, -0.5)
FRAME = synthetic_frame(3_000)
WIDTH = len(FRAME.names)
LARGEST = float(np.finfo(np.float32).max)


@cache
def booster(trees: int = 60, **parameters: float) -> xgb.Booster:
    given = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.2, "base_score": 0.5, "nthread": 1, **parameters}
    return xgb.train(given, xgb.DMatrix(FRAME.features, FRAME.labels, nthread=1), trees)


def autoencoder(width: int = WIDTH, seed: int = 3) -> Autoencoder:
    random = np.random.default_rng(seed)
    sizes = [width, 6, 3, 6, width]
    shapes = list(pairwise(sizes))
    centers, scales = (random.uniform(0.2, 2, width).astype(np.float32) for _ in range(2))
    scales[3] = np.nan  # rarely known in training
    return Autoencoder(
        Preparation(centers, scales),
        tuple(random.normal(size=shape).astype(np.float32) for shape in shapes),
        tuple(random.normal(size=size).astype(np.float32) for _, size in shapes),
        *(random.uniform(0.1, 1, width).astype(np.float32) for _ in range(2)),
        random.random(width) < 0.8,
    )


def detectors(errors: Autoencoder | None = None, weight: float = 0.7) -> Detectors:
    """Autoencoder and shallow trees, with allowances for missing features."""
    model = booster(30, max_depth=3)
    general = Generalist(Boosting(model, np.arange(WIDTH)), read_forest(model), -2.5, weight)
    allowances = np.random.default_rng(8).uniform(0, 0.2, WIDTH).astype(np.float32)
    return Detectors(errors or autoencoder(), general, allowances)


def exported(model: xgb.Booster, rows: Matrix) -> Matrix:
    return run_scoring_graph(scoring_graph(read_forest(model), detectors(), BLEND), rows)


def contributions(model: xgb.Booster, rows: Matrix, reasons: Reasons = "shapley") -> Matrix:
    session = open_session(reasons_graph(reasons, read_forest(model), WIDTH))
    result: Matrix = session.run(["contributions"], {"x": rows})[0]
    return result


def margins_by_xgboost(model: xgb.Booster, rows: Matrix) -> npt.NDArray[np.float32]:
    finite = np.where(np.isinf(rows), np.sign(rows) * LARGEST, rows).astype(np.float32)
    result: npt.NDArray[np.float32] = model.predict(xgb.DMatrix(finite, nthread=1), output_margin=True)
    return result


def neighbourhood(value: float) -> list[np.float32]:
    tiny = np.finfo(np.float32).smallest_normal
    middle = np.float32(value)
    if middle == 0.0:
        return [-tiny, np.float32(-0.0), middle, tiny]
    return [np.nextafter(middle, np.float32(-np.inf)), middle, np.nextafter(middle, np.float32(np.inf))]


def rows_around_thresholds(model: xgb.Booster) -> Matrix:
    """One row for each threshold of the model and for the float32 before and after it."""
    forest = read_forest(model)
    random = np.random.default_rng(0)
    rows = []
    for tree in forest.trees:
        for node in tree.order:
            if not tree.is_leaf(node):
                for value in neighbourhood(tree.thresholds[node]):
                    row = FRAME.features[random.integers(len(FRAME.features))].copy()
                    row[tree.features[node]] = value
                    rows.append(row)
    return np.array(rows)


ROWS = {
    "training data": lambda _: FRAME.features,
    "awkward values": lambda _: awkward_rows(3_000, WIDTH),
    "thresholds": rows_around_thresholds,
    "nothing known": lambda _: np.full((1, WIDTH), np.nan, np.float32),
}


@pytest.mark.parametrize("kind", ROWS)
def test_margin_agrees_with_xgboost(kind: str) -> None:
    rows = ROWS[kind](booster())
    assert np.abs(exported(booster(), rows)[:, 1] - margins_by_xgboost(booster(), rows)).max() <= 1e-5


def test_contributions_agree_with_xgboosts_approximate_contributions() -> None:
    matrix = xgb.DMatrix(FRAME.features, nthread=1)
    expected = booster().predict(matrix, pred_contribs=True, approx_contribs=True)
    assert np.abs(contributions(booster(), FRAME.features, "path") - expected[:, :-1]).max() <= 1e-4
    assert read_forest(booster()).mean_margin == pytest.approx(expected[0, -1], abs=1e-4)


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("reasons", get_args(Reasons))
def test_contributions_and_bias_add_up_to_the_margin(reasons: Reasons, kind: str) -> None:
    rows = ROWS[kind](booster())
    total = contributions(booster(), rows, reasons).sum(axis=1, dtype=np.float64) + read_forest(booster()).mean_margin
    assert np.abs(total - margins_by_xgboost(booster(), rows)).max() <= 1e-4


@pytest.mark.parametrize("kind", ["training data", "thresholds", "nothing known"])
def test_contributions_are_xgboosts_exact_tree_shap(kind: str) -> None:
    rows = ROWS[kind](booster())
    expected = booster().predict(xgb.DMatrix(rows, nthread=1), pred_contribs=True)
    assert np.abs(contributions(booster(), rows) - expected[:, :-1]).max() <= 1e-4
    assert read_forest(booster()).mean_margin == pytest.approx(expected[0, -1], abs=1e-4)


VALUES = st.one_of(
    st.floats(width=32, allow_subnormal=False),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, LARGEST]),
)


@settings(deadline=None, max_examples=60)
@given(numpy_strategies.arrays(np.float32, (8, WIDTH), elements=VALUES))
def test_any_row_gives_xgboosts_margin_and_a_probability(rows: Matrix) -> None:
    session = _session()
    result = session.run(["out"], {"x": rows})[0]
    assert np.abs(result[:, 1] - margins_by_xgboost(booster(), rows)).max() <= 1e-5
    assert np.isfinite(result).all()
    assert ((result[:, 0] >= 0.0) & (result[:, 0] <= 1.0)).all()


@cache
def _session():  # type: ignore[no-untyped-def]
    return open_session(scoring_graph(read_forest(booster()), detectors(), BLEND))


@pytest.mark.parametrize(
    "parameters",
    [{"gamma": 1e9}, {"max_depth": 1}, {"base_score": 0.02}, {"gamma": 3.0, "eta": 1.0}, {"min_child_weight": 40.0}],
    ids=str,
)
def test_stumps_single_leaves_pruned_trees_and_other_base_scores_agree(parameters: dict[str, float]) -> None:
    model = booster(12, **parameters)
    rows = np.concatenate([FRAME.features[:500], awkward_rows(500, WIDTH)])
    expected = margins_by_xgboost(model, rows)
    assert np.abs(exported(model, rows)[:, 1] - expected).max() <= 1e-5
    total = contributions(model, rows).sum(axis=1, dtype=np.float64) + read_forest(model).mean_margin
    assert np.abs(total - expected).max() <= 1e-4


def test_errors_and_probability_agree_with_numpy() -> None:
    rows = awkward_rows(500, WIDTH)
    network, both = autoencoder(), detectors()
    result = exported(booster(), rows).astype(np.float64)

    preparation = network.preparation
    known = ~np.isnan(rows) & ~np.isnan(preparation.scales)
    scaled = (np.arcsinh(rows.astype(np.float64)) - preparation.centers) * preparation.scales
    prepared = np.where(known, np.clip(scaled, -8, 8), 0.0)
    value = prepared
    for number, (weights, biases) in enumerate(zip(network.weights, network.biases, strict=True)):
        value = value @ weights + biases
        if number < 3:
            value = np.maximum(value, 0)
    squared = np.where(known & network.counted, (value - prepared) ** 2, 0.0)
    np.testing.assert_allclose(result[:, 3:], squared, rtol=1e-3, atol=1e-3)
    expected = known @ network.expected.astype(np.float64) + ~known @ network.allowances.astype(np.float64)
    errors = (squared.sum(axis=1) + LEAST_ERROR) / (expected + LEAST_ERROR)
    np.testing.assert_allclose(network.anomalies(rows), errors, rtol=1e-4)
    margins = margins_by_xgboost(booster(30, max_depth=3), rows).astype(np.float64)
    allowed = ~known @ both.allowances.astype(np.float64)
    np.testing.assert_allclose(result[:, 2], errors * np.exp(0.7 * (margins + 2.5) - allowed), rtol=1e-4)
    np.testing.assert_allclose(np.log(result[:, 2]), both.log_anomalies(rows), atol=1e-4)
    log_odds = 0.8 * result[:, 1] + 0.3 * np.log(result[:, 2]) - 0.5
    np.testing.assert_allclose(result[:, 0], 1 / (1 + np.exp(-log_odds)), rtol=1e-4, atol=1e-7)


def test_a_perfect_reconstruction_still_gives_a_finite_probability() -> None:
    nothing = np.zeros(WIDTH, np.float32)
    usual = np.full(WIDTH, 0.1, np.float32)
    copier = Autoencoder(
        Preparation(nothing, nothing), (np.eye(WIDTH, dtype=np.float32),), (nothing,), usual, nothing, nothing == 0.0
    )
    both = Detectors(copier, detectors(weight=0.0).generalist, nothing)
    result = run_scoring_graph(scoring_graph(read_forest(booster()), both, BLEND), FRAME.features[:10])
    known = (~np.isnan(FRAME.features[:10])).sum(axis=1)
    assert result[:, 2].tolist() == pytest.approx((LEAST_ERROR / (0.1 * known + LEAST_ERROR)).tolist(), rel=1e-5)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 13, 15, 31, 32, 33])
def test_a_row_gives_the_same_bits_in_any_batch(size: int) -> None:
    """Vector and scalar forms of a function differ in the last bits for some values; many rows find one."""
    rows = np.concatenate([FRAME.features, awkward_rows(1_000, WIDTH)])
    whole = _session().run(["out"], {"x": rows})[0]
    parts = [_session().run(["out"], {"x": rows[start : start + size]})[0] for start in range(0, len(rows), size)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_an_anomaly_beyond_what_a_float32_can_hold_stays_finite() -> None:
    graph = scoring_graph(read_forest(booster()), detectors(weight=1e4), BLEND)
    result = run_scoring_graph(graph, FRAME.features)
    assert np.isfinite(result).all()
    assert np.log(result[:, 2]).max() == pytest.approx(40.0, abs=1e-3)


def test_summaries_of_rows_are_those_of_the_whole_in_blocks_too() -> None:
    graph = scoring_graph(read_forest(booster()), detectors(), BLEND)
    rows = np.random.default_rng(2).integers(0, len(FRAME.features), 9_000)
    whole = run_scoring_graph(graph, FRAME.features)
    np.testing.assert_array_equal(run_summaries(graph, FRAME.features, rows), whole[rows, :3])
    assert run_summaries(graph, FRAME.features, rows[:0]).shape == (0, 3)


def complete_tree(depth: int, random: np.random.Generator, width: int) -> Tree:
    leaves = 2**depth
    inner = leaves - 1
    nodes = inner + leaves
    left = [2 * node + 1 if node < inner else -1 for node in range(nodes)]
    right = [2 * node + 2 if node < inner else -1 for node in range(nodes)]
    return Tree(
        left,
        right,
        random.integers(0, width, nodes).tolist(),
        random.normal(size=nodes).astype(np.float32).tolist(),
        (random.random(nodes) < 0.5).tolist(),
        random.normal(size=nodes).tolist(),
        list(range(nodes)),
        [1.0] * nodes,
    )


def trees_of_depth_3(random: np.random.Generator, width: int) -> tuple[Tree, ...]:
    return tuple(complete_tree(3, random, width) for _ in range(80))


def test_a_bundle_of_200_complete_trees_of_depth_6_stays_below_3_megabytes() -> None:
    random = np.random.default_rng(1)
    width = 95
    forest = Forest(tuple(complete_tree(6, random, width) for _ in range(200)), 0.0)
    general = Generalist(detectors().generalist.boosting, Forest(trees_of_depth_3(random, width), 0.0), 0.0)
    both = Detectors(autoencoder(width), general, np.zeros(width, np.float32))
    scoring = len(scoring_graph(forest, both, BLEND))
    for reasons in get_args(Reasons):
        assert scoring + len(reasons_graph(reasons, forest, width)) < 3_000_000


def test_other_objectives_and_categorical_splits_are_refused() -> None:
    numbers = xgb.DMatrix(FRAME.features[:200], FRAME.labels[:200], nthread=1)
    with pytest.raises(ValueError, match="only binary:logistic"):
        read_forest(xgb.train({"objective": "reg:squarederror", "nthread": 1}, numbers, 1))
    kinds = np.arange(200, dtype=np.float32)[:, None] % 5
    categories = xgb.DMatrix(kinds, kinds[:, 0] == 2, feature_types=["c"], enable_categorical=True, nthread=1)
    with pytest.raises(ValueError, match="categorical splits"):
        read_forest(xgb.train({"objective": "binary:logistic", "max_cat_to_onehot": 1, "nthread": 1}, categories, 1))
