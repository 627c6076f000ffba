"""Fraud rates by sum of rule points: by the rule map, as predicted, and as observed."""

from __future__ import annotations

from math import log

import msgspec
import numpy as np

from reporting.decisions import Column, Decisions
from reporting.truth import Outcomes
from udfs.rules.rule_map import RuleMap

MOST_BANDS = 12
DEFAULT_EDGES = (0, 1, 25, 50, 75, 100, 125, 150, 175, 200, 250, 300)


class PointsRow(msgspec.Struct, frozen=True):
    """Transactions with points from `first` to `last` inclusive (None: no upper end).

    `map_rate`: mean fraud rate by the rule map in force (None: no map). `predicted`: mean probability of the decisions.
    `observed`: share of fraud among those with known truth (None: none has).
    """

    first: int
    last: int | None
    transactions: int
    map_rate: float | None
    predicted: float | None
    observed: float | None


def points_rows(decisions: Decisions, outcomes: Outcomes | None, rule_map: RuleMap | None) -> tuple[PointsRow, ...]:
    """One row a band of points, without empty bands. Empty if no rule gave points."""
    points = decisions.points
    if not points.any():
        return ()
    edges = _edges(rule_map)
    band_of = np.searchsorted(edges, points, side="right") - 1
    rows = []
    for band, first in enumerate(edges):
        inside = band_of == band
        if inside.any():
            last = edges[band + 1] - 1 if band + 1 < len(edges) else None
            rows.append(
                PointsRow(
                    first,
                    last,
                    int(inside.sum()),
                    _map_rate(rule_map, points[inside]),
                    float(decisions.risk_probability[inside].mean()),
                    _observed(inside, outcomes),
                )
            )
    return tuple(rows)


def rate_at(rule_map: RuleMap, points: Column) -> Column:
    """The map's fraud rates at sums of points: interpolated linearly in log-odds, constant outside its range."""
    log_odds = [log(rate / (1 - rate)) for rate in rule_map.rates]
    found: Column = 1 / (1 + np.exp(-np.interp(points, rule_map.points, log_odds)))
    return found


def _edges(rule_map: RuleMap | None) -> list[int]:
    if rule_map is None:
        return list(DEFAULT_EDGES)
    edges = sorted({0, 1, *rule_map.points})
    step = -(-len(edges) // MOST_BANDS)
    return sorted({0, 1, *edges[::step]})


def _map_rate(rule_map: RuleMap | None, points: Column) -> float | None:
    return None if rule_map is None else float(rate_at(rule_map, points).mean())


def _observed(inside: Column, outcomes: Outcomes | None) -> float | None:
    if outcomes is None:
        return None
    known = inside & outcomes.known
    return float(outcomes.is_fraud[known].mean()) if known.any() else None
