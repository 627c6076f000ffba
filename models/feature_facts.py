"""Per-feature facts in a bundle: importance, quantiles, and how often each input group was known."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.frame import TrainingFrame, sampled
from models.reasons_graph import reasons_graph
from models.trees import Forest
from udfs.scoring.bundle import EXPLAIN_OUTPUT, INPUT, QUANTILE_LEVELS
from udfs.scoring.coverage import Coverage
from udfs.scoring.evaluation import open_session

IMPORTANCE_ROWS = 20_000
QUANTILE_ROWS = 200_000
_BLOCK = 4_096
_COLUMNS_AT_ONCE = 16
Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FeatureFacts:
    """Facts in the order of the features; `group_known` is by input group."""

    importance: tuple[float, ...]
    quantiles: tuple[tuple[float | None, ...], ...]
    group_known: dict[str, float]


def facts_of(frame: TrainingFrame, rows: Rows, forest: Forest, seed: int) -> FeatureFacts:
    """Compute the facts over the training rows of the forest; quantiles over the legitimate ones."""
    legitimate = frame.features[sampled(rows[~frame.labels[rows]], QUANTILE_ROWS, seed)]
    return FeatureFacts(
        importance_of(forest, frame.features[sampled(rows, IMPORTANCE_ROWS, seed)]),
        quantiles_of(legitimate),
        group_known(frame, rows),
    )


def importance_of(forest: Forest, features: Matrix) -> tuple[float, ...]:
    """Mean absolute path contribution per feature over features float32 [N, F], normalised to a sum of 1.

    Equal shares if no tree has a split.
    """
    width: int = features.shape[1]
    run = open_session(reasons_graph("path", forest, width)).run
    total = np.zeros(width)
    for start in range(0, len(features), _BLOCK):
        block = np.ascontiguousarray(features[start : start + _BLOCK])
        total += np.abs(run([EXPLAIN_OUTPUT], {INPUT: block})[0]).sum(axis=0, dtype=np.float64)
    if not total.any():
        return (1.0 / width,) * width
    shares: list[float] = (total / total.sum()).tolist()
    return tuple(shares)


def quantiles_of(features: Matrix) -> tuple[tuple[float | None, ...], ...]:
    """Values at QUANTILE_LEVELS per feature, over the rows of float32 [N, F] in which it is finite; None without one."""
    found: list[tuple[float | None, ...]] = []
    for start in range(0, features.shape[1], _COLUMNS_AT_ONCE):
        columns = features[:, start : start + _COLUMNS_AT_ONCE].astype(np.float64)
        columns[~np.isfinite(columns)] = np.nan
        with warnings.catch_warnings():  # for features that are never known
            warnings.filterwarnings("ignore", category=RuntimeWarning)
            values = np.nanquantile(columns, QUANTILE_LEVELS, axis=0)
        found += [tuple(None if np.isnan(value) else float(value) for value in row) for row in values.T]
    return tuple(found)


def group_known(frame: TrainingFrame, rows: Rows) -> dict[str, float]:
    """Per input group, the share of `rows` in which at least one of its features is known."""
    coverage = Coverage(frame.groups, [0.0] * len(frame.names))
    known = np.zeros(len(frame.groups), np.int64)
    for start in range(0, len(rows), _BLOCK):
        known += coverage.known_groups(frame.features[rows[start : start + _BLOCK]]).sum(axis=0)
    return dict(zip(frame.groups, (known / max(1, len(rows))).tolist(), strict=True))


def coverage_of(groups: Mapping[str, Sequence[int]], importance: Sequence[float], features: Matrix) -> float:
    """Mean coverage of features float32 [N, F]."""
    return float(np.mean(Coverage(groups, importance).of_rows(np.ascontiguousarray(features))))
