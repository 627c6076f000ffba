"""Calibrates model and rules to one probability: the rule map, the weights, and the thresholds of a budget."""

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
from udfs.core._native import LEAST_PROBABILITY, MOST_PROBABILITY
from udfs.rules.rule_map import RuleMap
from udfs.scoring.bundle import DecisionModel

PENALTY = 1.0
LEAST_FRAUDS = 10
"""With fewer frauds in either half of the slice the weight of the rules is 0."""

Flags = npt.NDArray[np.bool_]
Vector = npt.NDArray[np.float64]


class Calibrated(NamedTuple):
    """Result of a calibration. `rule_map` is None if no rule set was evaluated.

    Average precisions are on the slice: of the model alone, and cross-fitted over its two halves without and with the
    rules (None if it could not be computed).
    """

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
    """Calibrate on [N] payments that the model was not fitted on, with its calibrated probabilities [N].

    `points` int [N] are the rule points, -1 if not evaluated; None: only the model decides. The rules get a weight only if
    they do not lower the average precision, cross-fitted over the two halves in time and on the whole slice. All other
    values are taken from `base`, including the maps of other rule sets.
    """
    base = base or DecisionModel()
    rule_map, weights, cross_fitted = None, (1.0, 0.0, 0.0), None
    probabilities = model_probabilities.astype(np.float64)
    if points is not None and rule_set is not None:
        evaluated = points >= 0
        if 0 < labels[evaluated].sum() < evaluated.sum():
            rule_map = fit_rule_map(points[evaluated], labels[evaluated], rule_set)
            order = np.argsort(timestamps_ms[evaluated], kind="stable")
            model_logits = logits(probabilities[evaluated][order])
            weights, cross_fitted = _fit_weights(
                points[evaluated][order], model_logits, labels[evaluated][order], rule_map, rule_set
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
    """Probabilities of decisions, float64 [N], from the model's probabilities [N] and points int [N] (None or -1: none)."""
    log_odds = decision.model_weight * logits(model_probabilities) + decision.offset
    if rule_map is not None and points is not None:
        log_odds = log_odds + decision.rules_weight * shifts_of(rule_map, np.maximum(points, 0))
    final: Vector = expit(log_odds)
    return final


def logits(probabilities: npt.NDArray[np.floating]) -> Vector:  # type: ignore[type-arg]
    """ln(p / (1 - p)) of probabilities [N], clipped to finite values as in decisions."""
    p = np.clip(probabilities.astype(np.float64), LEAST_PROBABILITY, MOST_PROBABILITY)
    log_odds: Vector = np.log(p) - np.log1p(-p)
    return log_odds


def _fit_weights(
    points: Points, model: Vector, labels: Flags, rule_map: RuleMap, rule_set: RuleSetIdentity
) -> tuple[tuple[float, float, float], tuple[float, float] | None]:
    """Weights of model and rules and the offset, and the mean cross-fitted average precision without and with rules.

    The rows are in order of time.
    """
    alone = (1.0, 0.0, 0.0)
    half = int(np.searchsorted(np.cumsum(labels), (int(labels.sum()) + 1) // 2, side="left")) + 1
    halves = (slice(0, half), slice(half, None))
    if any(labels[part].sum() < LEAST_FRAUDS or labels[part].all() for part in halves):
        return alone, None
    reached = []
    for learned, held_out in (halves, halves[::-1]):
        known = fit_rule_map(points[learned], labels[learned], rule_set)
        fitted = _fit(model[learned], shifts_of(known, points[learned]), labels[learned])
        blended = _blended(fitted, model[held_out], shifts_of(known, points[held_out]))
        without = average_precision(labels[held_out], model[held_out])
        reached.append((without, average_precision(labels[held_out], blended)))
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
