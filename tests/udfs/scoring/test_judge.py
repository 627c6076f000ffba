"""Score, action and tags from prediction and rule hits."""

from __future__ import annotations

from math import exp, log
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.core._native import risk_score
from udfs.records.outputs import ACTIONS, Action
from udfs.rules.rule_map import RuleMap, content_of
from udfs.rules.rule_set import Rule, RuleSet
from udfs.rules.rulebook import Rulebook
from udfs.scoring.bundle import DecisionModel
from udfs.scoring.decider import judge_of
from udfs.scoring.decision_settings import DecisionSettings

RULES = RuleSet("own", 1, ((0, 0), (100, 1000)), (Rule("a", 60, "amount > 5", "a"), Rule("b", 100, "amount > 9", "b")))
MAP = RuleMap("own", 1, content_of(RULES), (0, 100), (0.01, 0.5), 5_000, 60)
NOTHING_FIXED = DecisionSettings()
MODEL = DecisionModel(
    model_weight=0.9, rules_weight=0.5, offset=-0.2, rule_maps=(MAP,), refer_above=200, soft_challenge_above=500,
    hard_block_above=800, unusual_above=4.0, coverage_floor=0.3,
)  # fmt: skip


class Judgement(NamedTuple):
    probability: float
    risk_score: int
    action: str
    tags: list[str]
    rule_map: str
    from_model: float
    from_rules: float


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
    rules: RuleSet = RULES,
) -> Judgement:
    """The judgement by `rules`, which the hits are added to: actions do not change the identity of a rule set's map."""
    known = msgspec.structs.replace(rules, rules=(*rules.rules, *hits))
    if model.rule_maps:
        own = msgspec.structs.replace(model.rule_maps[0], content=content_of(known))
        model = msgspec.structs.replace(model, rule_maps=(own,))
    places = list(range(len(rules.rules), len(known.rules)))
    rulebook = Rulebook(known, ("amount",))
    judge = judge_of(decision, model, rulebook)
    return Judgement(*judge.judge((probability, 0.0, anomaly, coverage), points, places, rulebook.core, blocked))


def forcing(action: Action) -> Rule:
    return Rule(f"forces_{action}", 0, "amount > 0", "f", action=action)


def test_the_score_is_the_blend_of_model_and_points() -> None:
    judgement = judged(0.2, 50)
    shift = (log(0.5 / 0.5) - log(0.01 / 0.99)) / 2
    log_odds = 0.9 * log(0.2 / 0.8) - 0.2 + 0.5 * shift
    assert judgement.probability == pytest.approx(1 / (1 + exp(-log_odds)), rel=1e-12)
    assert judgement.risk_score == int(1000 * judgement.probability + 0.5)
    assert judgement.from_model == pytest.approx(0.9 * log(0.2 / 0.8) - 0.2)
    assert judgement.from_rules == pytest.approx(0.5 * shift)
    assert (judgement.rule_map, judgement.tags) == ("calibrated", [])


def test_points_without_a_map_use_the_scale_and_are_tagged() -> None:
    judgement = judged(0.2, 50, model=DecisionModel(model_weight=0.9, offset=-0.2, rules_weight=0.5))
    assert judgement.from_rules == pytest.approx(log(10) * 0.5)
    assert (judgement.rule_map, judgement.tags) == ("cautious", ["cautious_rules"])


def test_without_points_the_rule_map_is_none() -> None:
    judgement = judged(0.2, model=DecisionModel())
    assert (judgement.rule_map, judgement.tags, judgement.from_rules) == ("none", [], 0.0)
    assert judgement.probability == pytest.approx(0.2)


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 300), st.integers(0, 300))
def test_the_score_is_monotonic_in_model_and_points(p: float, q: float, few: int, many: int) -> None:
    for model in (MODEL, DecisionModel()):
        low = judged(min(p, q), min(few, many), model=model)
        high = judged(max(p, q), max(few, many), model=model)
        assert low.probability <= high.probability
        assert low.risk_score <= high.risk_score
        assert ACTIONS.index(low.action) <= ACTIONS.index(high.action)


def test_configured_thresholds_override_the_bundles() -> None:
    plain = DecisionModel(refer_above=200, soft_challenge_above=500, hard_block_above=800)
    assert [judged(p, model=plain).action for p in (0.2, 0.21, 0.51, 0.81)] == list(ACTIONS)
    fixed = DecisionSettings(refer_above=300, soft_challenge_above=600, hard_block_above=900)
    actions = [judged(p, model=plain, decision=fixed).action for p in (0.3, 0.31, 0.61, 0.91)]
    assert actions == list(ACTIONS)
    assert judge_of(fixed, plain, Rulebook(RULES, ("amount",))).thresholds == (300, 600, 900)


def test_below_the_coverage_floor_only_forced_actions_exceed_refer() -> None:
    little = judged(0.9999, coverage=0.29)
    assert (little.action, little.tags) == ("refer_to_analyst", ["low_coverage"])
    assert little.risk_score > 800
    assert judged(0.9999, coverage=0.3).action == "hard_block"
    assert judged(0.9999, hits=(forcing("soft_challenge"),), coverage=0.1).action == "soft_challenge"
    assert judged(0.9999, blocked=True, coverage=0.1).action == "hard_block"
    allowed = judged(0.001, coverage=0.1)
    assert (allowed.action, allowed.tags) == ("allow", ["low_coverage"])


def test_a_configured_coverage_floor_overrides_the_bundles() -> None:
    assert judged(0.9999, coverage=0.1, decision=DecisionSettings(coverage_floor=0.05)).action == "hard_block"
    assert judged(0.9999, coverage=0.5, decision=DecisionSettings(coverage_floor=0.6)).action == "refer_to_analyst"


def test_rules_and_block_list_force_an_action_for_any_score() -> None:
    assert judged(0.001, hits=(forcing("soft_challenge"), forcing("refer_to_analyst"))).action == "soft_challenge"
    assert judged(0.001, blocked=True).action == "hard_block"
    assert judged(0.9999, hits=(forcing("refer_to_analyst"),)).action == "hard_block"


def test_an_unusual_allowed_payment_is_referred_and_tagged() -> None:
    unusual = judged(0.001, anomaly=4.0)
    assert (unusual.action, unusual.tags) == ("refer_to_analyst", ["unusual"])
    assert judged(0.001, anomaly=3.99).action == "allow"


def test_a_payment_with_a_stricter_action_is_not_tagged_unusual() -> None:
    assert judged(0.9999, anomaly=9.0).tags == []
    assert judged(0.001, hits=(forcing("refer_to_analyst"),), anomaly=9.0).tags == []


def test_a_payment_of_low_coverage_is_not_tagged_unusual() -> None:
    judgement = judged(0.001, anomaly=9.0, coverage=0.1)
    assert (judgement.action, judgement.tags) == ("allow", ["low_coverage"])


# -- all together --------------------------------------------------------------------------------------------------------


def expected_action(
    score: int, limits: tuple[int, int, int], coverage: float, floor: float, forced: list[str], unusual: bool
) -> tuple[str, list[str]]:
    """Action and tags, by what docs/events.md says of them."""
    rank = sum(score > limit for limit in limits)
    tags = []
    if coverage < floor:
        tags.append("low_coverage")
        rank = min(rank, 1)
    rank = max([rank, *map(ACTIONS.index, forced)])
    if rank == 0 and unusual and not tags:
        return ACTIONS[1], ["unusual"]
    return ACTIONS[rank], tags


@settings(max_examples=1000, deadline=None)
@given(
    st.floats(0, 1),
    st.lists(st.integers(0, 1000), min_size=3, max_size=3).map(sorted),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sets(st.sampled_from(ACTIONS)),
    st.booleans(),
    st.floats(0, 6),
)
def test_action_and_tags_of_any_combination(
    probability: float,
    limits: list[int],
    coverage: float,
    floor: float,
    forced: set[Action],
    blocked: bool,
    anomaly: float,
) -> None:
    refer, challenge, block = limits
    decision = DecisionSettings(
        refer_above=refer, soft_challenge_above=challenge, hard_block_above=block, coverage_floor=floor,
        block_list_action="soft_challenge",
    )  # fmt: skip
    hits = tuple(map(forcing, sorted(forced)))
    found = judged(probability, hits=hits, blocked=blocked, anomaly=anomaly, coverage=coverage, decision=decision)
    assert found.risk_score == risk_score(found.probability)
    actions = [*forced, *(["soft_challenge"] if blocked else [])]
    expected = expected_action(found.risk_score, (refer, challenge, block), coverage, floor, actions, anomaly >= 4.0)
    assert (found.action, found.tags) == expected
