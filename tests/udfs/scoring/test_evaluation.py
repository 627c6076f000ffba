"""A scoring graph is evaluated in the core as ONNX Runtime evaluates it; where the core cannot, by ONNX Runtime."""

from __future__ import annotations

import logging
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.default_bundle import DEFAULT_BUNDLE
from models.graph_builder import Graph
from models.train import train_bundle
from tests.models.synthetic import NAMES, TINY, awkward_rows, synthetic_frame
from udfs.core import _native
from udfs.scoring.bundle import EXPLAIN_FILE, MODEL_FILE, read_manifest
from udfs.scoring.evaluation import (
    Evaluate,
    Matrix,
    evaluation_of,
    native_evaluation,
    open_evaluation,
    open_session,
    rows_to_compare,
)

DEFAULT_MODEL = (DEFAULT_BUNDLE / MODEL_FILE).read_bytes()
QUANTILES = read_manifest(DEFAULT_BUNDLE).quantiles


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("bundle")
    train_bundle(synthetic_frame(2_500), folder, TINY)
    return (folder / MODEL_FILE).read_bytes()


def both(graph: bytes) -> tuple[Evaluate, Evaluate]:
    return native_evaluation(graph), evaluation_of(open_session(graph))


def assert_close(computed: Matrix, expected: Matrix) -> None:
    np.testing.assert_allclose(computed[:, 0], expected[:, 0], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(computed[:, 1:], expected[:, 1:], rtol=2e-4, atol=2e-5)


def small_graph(operator: str, columns: int = 2) -> bytes:
    graph = Graph(columns)
    graph.node(operator, ["x"], "out")
    return graph.serialize("out", columns)


def test_the_default_bundle_scores_as_by_onnx_runtime() -> None:
    native, runtime = both(DEFAULT_MODEL)
    rows = rows_to_compare(QUANTILES)
    assert_close(native(rows), runtime(rows))
    for seed in range(5):
        rows = awkward_rows(500, rows.shape[1], seed)
        assert_close(native(rows), runtime(rows))


def test_margins_agree_where_values_lie_on_thresholds() -> None:
    """Each split's threshold itself, and the float32 numbers beside it, go the same way."""
    native, runtime = both(DEFAULT_MODEL)
    levels = np.array([[np.nan if value is None else value for value in row] for row in QUANTILES], np.float32).T
    for rows in (levels, np.nextafter(levels, np.float32(np.inf)), np.nextafter(levels, np.float32(-np.inf))):
        rows = np.ascontiguousarray(rows)
        np.testing.assert_allclose(native(rows)[:, 1], runtime(rows)[:, 1], rtol=0, atol=2e-6)


def test_a_trained_bundle_scores_as_by_onnx_runtime(tiny_model: bytes) -> None:
    native, runtime = both(tiny_model)
    for rows in (synthetic_frame(2_500).features, awkward_rows(500, len(NAMES))):
        assert_close(native(rows), runtime(rows))


@settings(deadline=None, max_examples=100)
@given(values=st.lists(st.floats(width=32), min_size=len(NAMES), max_size=len(NAMES)))
def test_any_row_scores_as_by_onnx_runtime(tiny_model: bytes, values: list[float]) -> None:
    native, runtime = both(tiny_model)
    row = np.array([values], np.float32)
    assert np.isfinite(native(row)[:, :3]).all()
    np.testing.assert_allclose(native(row)[:, :3], runtime(row)[:, :3], rtol=1e-3, atol=1e-5)


def test_a_row_has_the_same_bits_alone_and_in_a_batch() -> None:
    native = native_evaluation(DEFAULT_MODEL)
    rows = rows_to_compare(QUANTILES)
    together = native(rows)
    alone = np.concatenate([native(row[None]) for row in rows])
    backwards = native(np.ascontiguousarray(rows[::-1]))[::-1]
    assert together.tobytes() == alone.tobytes() == backwards.tobytes()
    assert native(rows[:0]).shape == (0, together.shape[1])


def test_a_graph_with_another_operator_is_run_by_onnx_runtime(caplog: pytest.LogCaptureFixture) -> None:
    graph = small_graph("Sin")
    rows = np.array([[0.5, 1.0]], np.float32)
    with caplog.at_level(logging.INFO):
        evaluate = open_evaluation(graph, open_session(graph), rows)
    np.testing.assert_allclose(evaluate(rows), np.sin(rows), rtol=1e-6)
    assert caplog.messages == [
        "a graph of the bundle is evaluated by ONNX Runtime: Sin: not an operator that is evaluated here"
    ]


def test_a_graph_that_the_core_evaluates_otherwise_is_run_by_onnx_runtime(caplog: pytest.LogCaptureFixture) -> None:
    rows = np.array([[0.5, 1.0], [2.0, 3.0]], np.float32)
    session = open_session(small_graph("Neg"))
    with caplog.at_level(logging.WARNING):
        evaluate = open_evaluation(small_graph("Relu"), session, rows)
    assert evaluate(rows).tolist() == [[-0.5, -1.0], [-2.0, -3.0]]
    assert caplog.messages == [
        "a graph of the bundle is evaluated by ONNX Runtime: the native evaluation differs in column 0 (0.5, not -0.5)"
    ]


def test_contributions_are_those_of_onnx_runtime() -> None:
    graph = (DEFAULT_BUNDLE / EXPLAIN_FILE).read_bytes()
    native, runtime = both(graph)
    for rows in (rows_to_compare(QUANTILES), awkward_rows(500, len(QUANTILES))):
        np.testing.assert_allclose(native(rows), runtime(rows), rtol=1e-4, atol=1e-6)


def test_a_graph_that_agrees_is_evaluated_in_the_core(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        open_evaluation(DEFAULT_MODEL, open_session(DEFAULT_MODEL), rows_to_compare(QUANTILES))
    assert caplog.messages == []


@pytest.mark.parametrize("rows", [b"\0", b"\0" * 4, b"\0" * 12])
def test_bytes_that_are_not_whole_rows_are_refused(rows: bytes) -> None:
    with pytest.raises(ValueError, match="not rows of 2 float32 values"):
        _native.Graph(small_graph("Neg")).run(rows)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (b"", "a model without a graph"),
        (b"no model", "failed to decode Protobuf message"),
        (small_graph("Neg", columns=2**40), "x is not float32 [N, columns]"),
    ],
    ids=["empty", "text", "huge"],
)
def test_bytes_that_are_no_model_are_refused(model: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        _native.Graph(model)


def test_a_damaged_model_never_ends_the_process(tiny_model: bytes) -> None:
    random = np.random.default_rng(5)
    row = np.zeros((1, len(NAMES)), np.float32).tobytes()
    for _ in range(300):
        damaged = bytearray(tiny_model)
        for place in random.integers(0, len(damaged), 3):
            damaged[place] = int(random.integers(0, 256))
        try:
            graph = _native.Graph(bytes(damaged))
        except ValueError:
            continue
        if graph.shape[0] == len(NAMES):
            graph.run(row)


def test_compared_rows_are_float32_and_cover_unknown_extreme_and_usual_values() -> None:
    rows = rows_to_compare([(1.0, 2.0, 3.0), (None, None, None), (1e300, -1e300, 0.0)])
    assert rows.dtype == np.float32
    assert np.isnan(rows[0]).all()
    assert rows[7:10, 0].tolist() == [1.0, 2.0, 3.0]
    assert np.isnan(rows[7:, 1]).all()
    assert np.isfinite(rows[1:7]).all()
    assert np.abs(rows[7:10, 2]).max() == np.finfo(np.float32).max
    assert rows.tobytes() == (rows_to_compare([(1.0, 2.0, 3.0), (None, None, None), (1e300, -1e300, 0.0)]).tobytes())
