"""One probability of fraud from the model's and the rules' points, by what a bundle has learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from udfs.decision import clipped_logit, sigmoid
from udfs.outputs import RuleMapKind
from udfs.rules.rule_map import cautious_shifts, learned_shifts, map_for

if TYPE_CHECKING:
    from udfs.bundle import DecisionModel
    from udfs.rules.rule_set import RuleSet


class ScoreBlend:
    """P = sigmoid(model_weight x logit(model's P) + offset + the points' shift). Rises with both.

    `rule_shifts` are log-odds by the sum of points, the last for all sums beyond; the first is 0.
    """

    __slots__ = ("map", "model_weight", "offset", "rule_shifts")

    def __init__(self, model_weight: float, offset: float, rule_shifts: list[float], map: RuleMapKind) -> None:
        self.model_weight = model_weight
        self.offset = offset
        self.rule_shifts = rule_shifts
        self.map: RuleMapKind = map

    def from_model(self, probability: float) -> float:
        """The model's part in log-odds, the offset included."""
        return self.model_weight * clipped_logit(probability) + self.offset

    def from_rules(self, points: int) -> float:
        """The rules' part in log-odds, from 0 upwards."""
        shifts = self.rule_shifts
        return shifts[points] if points < len(shifts) else shifts[-1]

    def probability(self, probability: float, points: int) -> float:
        """The probability of fraud by model and rules together."""
        return sigmoid(self.from_model(probability) + self.from_rules(points))


def blend_of(model: DecisionModel, rule_set: RuleSet) -> ScoreBlend:
    """The blend for these rules: by the bundle's map of them, weighted as learned, or else by their own cautious scale.

    Raises RuleMapError where the bundle's map is not usable.
    """
    known = map_for(model.rule_maps, rule_set)
    if known is None:
        return ScoreBlend(model.model_weight, model.offset, cautious_shifts(rule_set.scale), "cautious")
    shifts = [model.rules_weight * shift for shift in learned_shifts(known)]
    return ScoreBlend(model.model_weight, model.offset, shifts, "calibrated")
