"""What is to be done with a payment, from the model's prediction and the rules that hit."""

from __future__ import annotations

from udfs.bundle import DecisionModel
from udfs.decision import action_for, at_least, at_most, model_score, sigmoid
from udfs.decision_settings import DecisionSettings, Thresholds, thresholds_in_force
from udfs.ensemble import Prediction
from udfs.outputs import Action, RuleMapKind, Tag
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import RuleResult
from udfs.score_blend import blend_of


class Judgement:
    """`probability` of fraud by model and rules; their parts of its log-odds, the model's with the blend's offset."""

    __slots__ = ("action", "from_model", "from_rules", "probability", "risk_score", "rule_map", "tags")

    def __init__(
        self,
        probability: float,
        risk_score: int,
        action: Action,
        tags: list[Tag],
        rule_map: RuleMapKind,
        from_model: float,
        from_rules: float,
    ) -> None:
        self.probability = probability
        self.risk_score = risk_score
        self.action: Action = action
        self.tags = tags
        self.rule_map: RuleMapKind = rule_map
        self.from_model = from_model
        self.from_rules = from_rules


class Judge:
    """Decides by a bundle's blend, the rule set in force and the thresholds. Immutable: any change makes a new one."""

    def __init__(self, settings: DecisionSettings, model: DecisionModel, rule_set: RuleSet) -> None:
        """Raises RuleMapError where the bundle's map of the rule set cannot be used."""
        self.thresholds = thresholds_in_force(
            settings, Thresholds(model.refer_above, model.soft_challenge_above, model.hard_block_above)
        )
        self.blend = blend_of(model, rule_set)
        self.coverage_floor = model.coverage_floor if settings.coverage_floor is None else settings.coverage_floor
        self.unusual_above = model.unusual_above
        self._block_list_action: Action = settings.block_list_action

    def judge(self, prediction: Prediction, result: RuleResult, is_blocked: bool) -> Judgement:
        """The score's action; refer at most where too little was known; then what rules and block list force; and at
        least refer where nothing else calls for an action, but the anomaly detectors do."""
        blend = self.blend
        from_model = blend.from_model(prediction.probability)
        from_rules = blend.from_rules(result.points)
        probability = sigmoid(from_model + from_rules)
        risk_score = model_score(probability)
        action = action_for(self.thresholds, risk_score)
        tags: list[Tag] = []
        rule_map: RuleMapKind = "none"
        if result.points:
            rule_map = blend.map
            if rule_map == "cautious":
                tags.append("cautious_rules")
        is_covered = prediction.coverage >= self.coverage_floor
        if not is_covered:
            tags.append("low_coverage")
            action = at_most(action, "refer_to_analyst")
        for rule in result.hits:
            action = at_least(action, rule.action)
        if is_blocked:
            action = at_least(action, self._block_list_action)
        unusual_above = self.unusual_above
        if action == "allow" and is_covered and unusual_above is not None and prediction.anomaly >= unusual_above:
            tags.append("unusual")
            action = "refer_to_analyst"
        return Judgement(probability, risk_score, action, tags, rule_map, from_model, from_rules)
