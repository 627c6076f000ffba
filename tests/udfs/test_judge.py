"""From prediction and rules to score and action."""

from __future__ import annotations

from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.bundle import DecisionModel
from udfs.decision_settings import DecisionSettings, Thresholds
from udfs.ensemble import Prediction
from udfs.judge import Judge, Judgement
from udfs.outputs import ACTIONS, Action
from udfs.rules.rule_map import RuleMap, content_of
from udfs.rules.rule_set import Rule, RuleSet
from udfs.rules.rulebook import RuleResult

RULES = RuleSet("own", 1, ((0, 0), (100, 1000)), (Rule("a", 60, "amount > 5", "a"), Rule("b", 100, "amount > 9", "b")))
MAP = RuleMap("own", 1, content_of(RULES), (0, 100), (0.01, 0.5), 5_000, 60)
NOTHING_FIXED = DecisionSettings()
MODEL = DecisionModel(
    model_weight=0.9, rules_weight=0.5, offset=-0.2, rule_maps=(MAP,), refer_above=200, soft_challenge_above=500,
    hard_block_above=800, unusual_above=4.0, coverage_floor=0.3,
)  # fmt: skip


def judged(
    probability: float = 0.001,
    points: int = 0,
    hits: tuple[Rule, ...] = (),
    *,
    blocked: bool = False,
    anomaly: float = 0.0,
    coverage: float = 1.0,
    model: DecisionModel = MODEL,
    decision: DecisionSettings = NOTHING_FIXED,
) -> Judgement:
    prediction = Prediction(probability, 0.0, anomaly, coverage)
    return Judge(decision, model, RULES).judge(prediction, RuleResult(points, 0, list(hits)), blocked)


def forcing(action: Action) -> Rule:
    return Rule("f", 0, "amount > 0", "f", action=action)


def test_the_score_is_the_blend_of_model_and_points() -> None:
    judgement = judged(0.2, 50)
    shift = (log(0.5 / 0.5) - log(0.01 / 0.99)) / 2
    log_odds = 0.9 * log(0.2 / 0.8) - 0.2 + 0.5 * shift
    assert judgement.probability == pytest.approx(1 / (1 + exp(-log_odds)), rel=1e-12)
    assert judgement.risk_score == int(1000 * judgement.probability + 0.5)
    assert judgement.from_model == pytest.approx(0.9 * log(0.2 / 0.8) - 0.2)
    assert judgement.from_rules == pytest.approx(0.5 * shift)
    assert (judgement.rule_map, judgement.tags) == ("calibrated", [])


def test_points_without_a_map_count_by_their_scale_and_the_decision_says_so() -> None:
    judgement = judged(0.2, 50, model=DecisionModel(model_weight=0.9, offset=-0.2, rules_weight=0.5))
    assert judgement.from_rules == pytest.approx(log(10) * 0.5)
    assert (judgement.rule_map, judgement.tags) == ("cautious", ["cautious_rules"])


def test_without_points_no_map_is_named() -> None:
    judgement = judged(0.2, model=DecisionModel())
    assert (judgement.rule_map, judgement.tags, judgement.from_rules) == ("none", [], 0.0)
    assert judgement.probability == pytest.approx(0.2)


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 300), st.integers(0, 300))
def test_more_from_the_model_or_more_points_never_lower_the_score(p: float, q: float, few: int, many: int) -> None:
    for model in (MODEL, DecisionModel()):
        low = judged(min(p, q), min(few, many), model=model)
        high = judged(max(p, q), max(few, many), model=model)
        assert low.probability <= high.probability
        assert low.risk_score <= high.risk_score
        assert ACTIONS.index(low.action) <= ACTIONS.index(high.action)


def test_thresholds_are_the_bundles_unless_the_settings_fix_them() -> None:
    plain = DecisionModel(refer_above=200, soft_challenge_above=500, hard_block_above=800)
    assert [judged(p, model=plain).action for p in (0.2, 0.21, 0.51, 0.81)] == list(ACTIONS)
    fixed = DecisionSettings(refer_above=300, soft_challenge_above=600, hard_block_above=900)
    actions = [judged(p, model=plain, decision=fixed).action for p in (0.3, 0.31, 0.61, 0.91)]
    assert actions == list(ACTIONS)
    assert Judge(fixed, plain, RULES).thresholds == Thresholds(300, 600, 900)


def test_below_the_floor_of_coverage_the_score_refers_at_most_and_what_is_forced_stays_forced() -> None:
    little = judged(0.9999, coverage=0.29)
    assert (little.action, little.tags) == ("refer_to_analyst", ["low_coverage"])
    assert little.risk_score > 800
    assert judged(0.9999, coverage=0.3).action == "hard_block"
    assert judged(0.9999, hits=(forcing("soft_challenge"),), coverage=0.1).action == "soft_challenge"
    assert judged(0.9999, blocked=True, coverage=0.1).action == "hard_block"
    allowed = judged(0.001, coverage=0.1)
    assert (allowed.action, allowed.tags) == ("allow", ["low_coverage"])


def test_the_settings_floor_goes_over_the_bundles() -> None:
    assert judged(0.9999, coverage=0.1, decision=DecisionSettings(coverage_floor=0.05)).action == "hard_block"
    assert judged(0.9999, coverage=0.5, decision=DecisionSettings(coverage_floor=0.6)).action == "refer_to_analyst"


def test_rules_and_block_list_force_an_action_whatever_the_score() -> None:
    assert judged(0.001, hits=(forcing("soft_challenge"), forcing("refer_to_analyst"))).action == "soft_challenge"
    assert judged(0.001, blocked=True).action == "hard_block"
    assert judged(0.9999, hits=(forcing("refer_to_analyst"),)).action == "hard_block"


def test_what_is_unusual_alone_is_referred_and_named_so() -> None:
    unusual = judged(0.001, anomaly=4.0)
    assert (unusual.action, unusual.tags) == ("refer_to_analyst", ["unusual"])
    assert judged(0.001, anomaly=3.99).action == "allow"


def test_what_has_a_known_pattern_is_not_called_unusual() -> None:
    assert judged(0.9999, anomaly=9.0).tags == []
    assert judged(0.001, hits=(forcing("refer_to_analyst"),), anomaly=9.0).tags == []


def test_what_is_hardly_known_is_never_called_unusual() -> None:
    judgement = judged(0.001, anomaly=9.0, coverage=0.1)
    assert (judgement.action, judgement.tags) == ("allow", ["low_coverage"])
