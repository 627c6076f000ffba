"""What a rule set's points meant in history: the fraud rate by the sum of points, rising, as a map of few knots."""

from __future__ import annotations

from itertools import pairwise
from math import log

import numpy as np
import numpy.typing as npt

from models.frame import RuleSetIdentity
from udfs.rules.rule_map import RuleMap, learned_shifts

MOST_BLOCKS = 8
PRIOR_ROWS = 10.0
"""So many rows at the mean fraud rate are added to each block: a few hits prove little."""

Points = npt.NDArray[np.integer]  # type: ignore[type-arg]
Vector = npt.NDArray[np.float64]


def fit_rule_map(points: Points, labels: npt.NDArray[np.bool_], rule_set: RuleSetIdentity) -> RuleMap:
    """Isotonic regression (pool adjacent violators) of labels bool [N] on points int [N], at most MOST_BLOCKS blocks.

    The rates are smoothed towards the mean. A block's rate holds from its least to its greatest sum of points. Needs a
    fraud and a legitimate row: raises ValueError otherwise.
    """
    rows, frauds = len(labels), int(labels.sum())
    if not 0 < frauds < rows:
        raise ValueError(f"{frauds} frauds among {rows} rows: a map needs both frauds and legitimate payments")
    values, places = np.unique(np.concatenate([np.zeros(1, np.int64), points.astype(np.int64)]), return_inverse=True)
    places = places[1:]  # sum 0 is always a knot, from which shifts count
    counts = np.bincount(places, minlength=len(values)).astype(np.float64)
    hits = np.bincount(places[labels], minlength=len(values)).astype(np.float64)
    blocks = _few(
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
    """By how much the map moves the log-odds at each sum of points int [N], float64 [N]."""
    shifts = np.array(learned_shifts(rule_map))
    moved: Vector = shifts[np.minimum(points, len(shifts) - 1)]
    return moved


Block = list[float]  # least and greatest sum of points, rows, frauds


def _pooled(blocks: list[Block]) -> list[Block]:
    pooled: list[Block] = []
    for block in blocks:
        pooled.append(block)
        while len(pooled) > 1 and _rate(pooled[-2]) >= _rate(pooled[-1]):
            pooled[-2:] = [_merged(*pooled[-2:])]
    return pooled


def _few(blocks: list[Block]) -> list[Block]:
    """Merges the two neighbours that lose the least likelihood until there are few enough."""
    while len(blocks) > MOST_BLOCKS:
        losses = [
            _likelihood(left) + _likelihood(right) - _likelihood(_merged(left, right))
            for left, right in pairwise(blocks)
        ]
        place = int(np.argmin(losses))
        blocks[place : place + 2] = [_merged(*blocks[place : place + 2])]
    return blocks


def _merged(left: Block, right: Block) -> Block:
    return [left[0], right[1], left[2] + right[2], left[3] + right[3]]


def _rate(block: Block) -> float:
    return block[3] / block[2] if block[2] else 0.0


def _likelihood(block: Block) -> float:
    _, _, n, f = block
    return sum(part * log(part / n) for part in (f, n - f) if part > 0.0)
