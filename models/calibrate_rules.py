"""One calibrated probability of model and rules: the rules' map, the blend's weights, and the thresholds of a budget."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.special import expit

from models.blend import fit_weights
from models.decision_budget import Budget, FalsePositiveRate, choose_thresholds
from models.frame import RuleSetIdentity
from models.metrics import average_precision
from models.rule_maps import Points, fit_rule_map, shifts_of
from udfs.bundle import DecisionModel
from udfs.decision import LEAST_PROBABILITY, MOST_PROBABILITY
from udfs.rules.rule_map import RuleMap

PENALTY = 1.0
LEAST_FRAUDS = 10
"""With fewer frauds in either half of the slice nothing can be said about the rules: their weight is 0."""

Flags = npt.NDArray[np.bool_]
Vector = npt.NDArray[np.float64]


class Calibrated(NamedTuple):
    """`rule_map` is None where no rule set was evaluated. Average precisions are on the slice: of the model alone, and
    of model and rules, each half by what was learned on the other (None where that could not be asked)."""

    rule_map: RuleMap | None
    decision: DecisionModel
    average_precision_of_model: float
    average_precision_cross_fitted: tuple[float, float] | None


def calibrate(
    points: Points | None,
    model_probabilities: npt.NDArray[np.floating],  # type: ignore[type-arg]
    labels: Flags,
    rule_set: RuleSetIdentity | None,
    timestamps_ms: npt.NDArray[np.int64],
    amounts: Vector,
    budget: Budget | None = None,
    base: DecisionModel | None = None,
) -> Calibrated:
    """Learn from [N] payments that no fit of the model has seen, with the model's calibrated probabilities [N].

    `points` int [N] are the rules', -1 where they were not evaluated; without any the model stands alone. The rules have
    a weight only where they do not lower the average precision: on each half of the slice in time, by what is learned on
    the other, and on the whole. What is not learned here is taken from `base`, other rule sets' maps among it.
    """
    base = base or DecisionModel()
    rule_map, weights, cross_fitted = None, (1.0, 0.0, 0.0), None
    probabilities = model_probabilities.astype(np.float64)
    if points is not None and rule_set is not None:
        asked = points >= 0
        if 0 < labels[asked].sum() < asked.sum():
            rule_map = fit_rule_map(points[asked], labels[asked], rule_set)
            order = np.argsort(timestamps_ms[asked], kind="stable")
            weights, cross_fitted = _weighted(
                points[asked][order], logits(probabilities[asked][order]), labels[asked][order], rule_map, rule_set
            )
    maps = base.rule_maps if rule_map is None else _with(base.rule_maps, rule_map)
    decision = msgspec.structs.replace(
        base, model_weight=weights[0], rules_weight=weights[1], offset=weights[2], rule_maps=maps
    )
    final = final_probabilities(decision, rule_map, probabilities, points)
    chosen = choose_thresholds(budget or FalsePositiveRate(), labels, final, amounts, timestamps_ms)
    decision = msgspec.structs.replace(
        decision,
        refer_above=chosen.refer_above,
        soft_challenge_above=chosen.soft_challenge_above,
        hard_block_above=chosen.hard_block_above,
        budget=chosen.budget,
    )
    return Calibrated(rule_map, decision, average_precision(labels, probabilities), cross_fitted)


def final_probabilities(
    decision: DecisionModel,
    rule_map: RuleMap | None,
    model_probabilities: npt.NDArray[np.floating],  # type: ignore[type-arg]
    points: Points | None,
) -> Vector:
    """What decisions say, float64 [N], of the model's probabilities [N] and points int [N] (None, or -1: none)."""
    log_odds = decision.model_weight * logits(model_probabilities) + decision.offset
    if rule_map is not None and points is not None:
        log_odds = log_odds + decision.rules_weight * shifts_of(rule_map, np.maximum(points, 0))
    final: Vector = expit(log_odds)
    return final


def logits(probabilities: npt.NDArray[np.floating]) -> Vector:  # type: ignore[type-arg]
    """ln(p / (1 - p)) of probabilities [N], kept finite as decisions do."""
    p = np.clip(probabilities.astype(np.float64), LEAST_PROBABILITY, MOST_PROBABILITY)
    log_odds: Vector = np.log(p) - np.log1p(-p)
    return log_odds


def _weighted(
    points: Points, model: Vector, labels: Flags, rule_map: RuleMap, rule_set: RuleSetIdentity
) -> tuple[tuple[float, float, float], tuple[float, float] | None]:
    """Weights of model, rules and 1 of rows in order of time, and the halves' mean average precision without and with."""
    alone = (1.0, 0.0, 0.0)
    half = int(np.searchsorted(np.cumsum(labels), (int(labels.sum()) + 1) // 2, side="left")) + 1
    halves = (slice(0, half), slice(half, None))
    if any(labels[part].sum() < LEAST_FRAUDS or labels[part].all() for part in halves):
        return alone, None
    reached = []
    for learned, judged in (halves, halves[::-1]):
        known = fit_rule_map(points[learned], labels[learned], rule_set)
        fitted = _fit(model[learned], shifts_of(known, points[learned]), labels[learned])
        blended = _blended(fitted, model[judged], shifts_of(known, points[judged]))
        reached.append((average_precision(labels[judged], model[judged]), average_precision(labels[judged], blended)))
    before, after = np.mean(reached, axis=0).tolist()
    shifts = shifts_of(rule_map, points)
    fitted = _fit(model, shifts, labels)
    of_model = average_precision(labels, model)
    if after < before or average_precision(labels, _blended(fitted, model, shifts)) < of_model or fitted[1] == 0.0:
        return alone, (before, after)
    return fitted, (before, after)


def _fit(model: Vector, shifts: Vector, labels: Flags) -> tuple[float, float, float]:
    return fit_weights(model, shifts, labels, np.ones(len(labels)), PENALTY)


def _blended(weights: tuple[float, float, float], model: Vector, shifts: Vector) -> Vector:
    return weights[0] * model + weights[1] * shifts + weights[2]


def _with(maps: tuple[RuleMap, ...], newest: RuleMap) -> tuple[RuleMap, ...]:
    return (*(known for known in maps if known.content != newest.content), newest)
