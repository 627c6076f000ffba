"""Evaluates a bundle's scoring graph: in the native core, or by ONNX Runtime where the core cannot."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from udfs.core import _native

RELATIVE_TOLERANCE = 1e-3
ABSOLUTE_TOLERANCE = 1e-4
_MIXED_ROWS = 48
_EXTREMES = (0.0, 1e-30, -1.0, 1e6, -1e30, 3e38)

_log = logging.getLogger(__name__)
Matrix = npt.NDArray[np.float32]
Evaluate = Callable[[Matrix], Matrix]
"""Gives float32 [N, columns] for features float32 [N, F]. A row's result does not depend on other rows, to the bit."""


def open_session(graph: bytes) -> ort.InferenceSession:
    """An ONNX Runtime session that runs on the calling thread only, without worker threads or spinning."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def open_evaluation(graph: bytes, session: ort.InferenceSession, rows: Matrix) -> Evaluate:
    """The native evaluation of a graph if it agrees with its session on `rows`; else the session's, which the log says."""
    by_session = evaluation_of(session)
    try:
        native = native_evaluation(graph)
    except ValueError as error:
        _log.info("a graph of the bundle is evaluated by ONNX Runtime: %s", error)
        return by_session
    expected, computed = by_session(rows), native(rows)
    close = np.isclose(computed, expected, RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE, equal_nan=True)
    if close.all():
        return native
    row, column = np.argwhere(~close)[0].tolist()
    _log.warning(
        "a graph of the bundle is evaluated by ONNX Runtime: the native evaluation differs in column %d (%r, not %r)",
        column,
        float(computed[row, column]),
        float(expected[row, column]),
    )
    return by_session


def native_evaluation(graph: bytes) -> Evaluate:
    """Evaluate in the native core. Raises ValueError that names what the core does not support."""
    native = _native.Graph(graph)
    columns = native.shape[1]

    def evaluate(rows: Matrix) -> Matrix:
        return np.frombuffer(native.run(rows.tobytes()), np.float32).reshape(len(rows), columns)

    return evaluate


def evaluation_of(session: ort.InferenceSession) -> Evaluate:
    """Evaluate by a session with one input and one output."""
    # The wrapped session: ONNX Runtime's Python wrapper validates inputs at each run, which costs 1 of 11 us.
    run = session._sess.run
    (given,), (result,) = session.get_inputs(), session.get_outputs()
    name, names = given.name, [result.name]

    def evaluate(rows: Matrix) -> Matrix:
        output: Matrix = run(names, {name: rows}, None)[0]
        return output

    return evaluate


def rows_to_compare(quantiles: Sequence[Sequence[float | None]]) -> Matrix:
    """Rows, float32 [N, F], at which two evaluations are compared: unknown, extreme, and at the features' quantiles.

    `quantiles`: the levels of each feature, None where it was never known. Deterministic.
    """
    levels = np.array([[np.nan if value is None else value for value in row] for row in quantiles], np.float64)
    width, count = levels.shape
    random = np.random.default_rng(20_260)
    chosen = random.integers(0, count, (_MIXED_ROWS, width))
    mixed = levels[np.arange(width), chosen] * random.lognormal(0.0, 0.5, (_MIXED_ROWS, width))
    mixed[random.random(mixed.shape) < np.linspace(0.0, 0.9, _MIXED_ROWS)[:, None]] = np.nan
    extreme = np.repeat(np.array([np.nan, *_EXTREMES])[:, None], width, axis=1)
    limit = float(np.finfo(np.float32).max)
    rows: Matrix = np.clip(np.concatenate([extreme, levels.T, mixed]), -limit, limit).astype(np.float32)
    return rows
