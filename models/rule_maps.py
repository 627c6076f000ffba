"""Fits rule maps: a non-decreasing fraud rate by sum of points, with few knots, from history."""

from __future__ import annotations

from itertools import pairwise
from math import log

import numpy as np
import numpy.typing as npt

from models.frame import RuleSetIdentity
from udfs.rules.rule_map import RuleMap, learned_shifts

MOST_BLOCKS = 8
PRIOR_ROWS = 10.0
"""Pseudo-rows at the mean fraud rate that are added to each block, as a prior."""

Points = npt.NDArray[np.integer]  # type: ignore[type-arg]
Vector = npt.NDArray[np.float64]


def fit_rule_map(points: Points, labels: npt.NDArray[np.bool_], rule_set: RuleSetIdentity) -> RuleMap:
    """Isotonic regression (pool adjacent violators) of labels bool [N] on points int [N], at most MOST_BLOCKS blocks.

    Rates are smoothed towards the mean; a block's rate holds from its lowest to its highest sum of points. Raises
    ValueError without both a fraud and a legitimate row.
    """
    rows, frauds = len(labels), int(labels.sum())
    if not 0 < frauds < rows:
        raise ValueError(f"{frauds} frauds among {rows} rows: a map needs both frauds and legitimate payments")
    values, positions = np.unique(np.concatenate([np.zeros(1, np.int64), points.astype(np.int64)]), return_inverse=True)
    positions = positions[1:]  # 0 is always a knot: shifts are relative to it
    counts = np.bincount(positions, minlength=len(values)).astype(np.float64)
    hits = np.bincount(positions[labels], minlength=len(values)).astype(np.float64)
    blocks = _merge_to_limit(
        _pooled(
            [
                [int(value), int(value), n, f]
                for value, n, f in zip(*(part.tolist() for part in (values, counts, hits)), strict=True)
            ]
        )
    )
    rate = frauds / rows
    knots: list[tuple[int, float]] = []
    highest = 0.0
    for first, last, n, f in blocks:
        highest = max(highest, (f + PRIOR_ROWS * rate) / (n + PRIOR_ROWS))
        knots += [(int(value), highest) for value in sorted({first, last})]
    return RuleMap(
        rule_set.name,
        rule_set.version,
        rule_set.content,
        tuple(value for value, _ in knots),
        tuple(known for _, known in knots),
        rows,
        frauds,
    )


def shifts_of(rule_map: RuleMap, points: Points) -> Vector:
    """Shift of the log-odds for each sum of points int [N], float64 [N]."""
    shifts = np.array(learned_shifts(rule_map))
    moved: Vector = shifts[np.minimum(points, len(shifts) - 1)]
    return moved


Block = list[float]  # lowest and highest sum of points, rows, frauds


def _pooled(blocks: list[Block]) -> list[Block]:
    pooled: list[Block] = []
    for block in blocks:
        pooled.append(block)
        while len(pooled) > 1 and _rate(pooled[-2]) >= _rate(pooled[-1]):
            pooled[-2:] = [_merged(*pooled[-2:])]
    return pooled


def _merge_to_limit(blocks: list[Block]) -> list[Block]:
    """Merge the neighbours with the smallest loss of likelihood until there are at most MOST_BLOCKS."""
    while len(blocks) > MOST_BLOCKS:
        losses = [
            _likelihood(left) + _likelihood(right) - _likelihood(_merged(left, right))
            for left, right in pairwise(blocks)
        ]
        index = int(np.argmin(losses))
        blocks[index : index + 2] = [_merged(*blocks[index : index + 2])]
    return blocks


def _merged(left: Block, right: Block) -> Block:
    return [left[0], right[1], left[2] + right[2], left[3] + right[3]]


def _rate(block: Block) -> float:
    return block[3] / block[2] if block[2] else 0.0


def _likelihood(block: Block) -> float:
    _, _, n, f = block
    return sum(part * log(part / n) for part in (f, n - f) if part > 0.0)
