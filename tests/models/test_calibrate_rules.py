"""Calibration of model and rules: average precision not below the model's, calibrated, equal to the scorer's blend."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from models.calibrate_rules import calibrate, final_probabilities
from models.decision_budget import FalsePositiveRate, FixedThresholds
from models.frame import RuleSetIdentity
from models.metrics import expected_calibration_error, reliability
from udfs.rules.rule_map import RuleMap, content_of
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import Rulebook
from udfs.scoring.bundle import DecisionModel
from udfs.scoring.decider import judge_of
from udfs.scoring.decision_settings import DecisionSettings

BANK = RuleSetIdentity("bank", 1, "0123456789abcdef")
EMPTY = RuleSet("bank", 1, ((0, 0), (100, 1000)), ())
ROWS = 30_000
TIMES_MS = np.arange(ROWS, dtype=np.int64) * 60_000
AMOUNTS = np.ones(ROWS)
EDGES = tuple(np.linspace(0, 1, 21))


def history(seed: int, rules_help: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, the model's probabilities and labels: the log-odds rise by `rules_help` per 10 points beyond the model's."""
    random = np.random.default_rng(seed)
    model = random.normal(-5, 2, ROWS)
    points = random.choice([0, 10, 20, 40], ROWS, p=[0.9, 0.05, 0.03, 0.02])
    chances = 1 / (1 + np.exp(-(model + rules_help * points / 10)))
    return points, 1 / (1 + np.exp(-model)), random.random(ROWS) < chances


def calibrated(points: np.ndarray, model: np.ndarray, labels: np.ndarray) -> tuple[RuleMap | None, DecisionModel]:
    found = calibrate(points, model, labels, BANK, TIMES_MS, AMOUNTS)
    return found.rule_map, found.decision


@pytest.mark.parametrize("seed", range(3))
def test_informative_rules_raise_average_precision_on_other_data(seed: int) -> None:
    rule_map, decision = calibrated(*history(seed, rules_help=1.0))
    assert decision.rules_weight > 0
    assert decision.rule_maps == (rule_map,)
    points, model, labels = history(seed + 10, rules_help=1.0)
    final = final_probabilities(decision, rule_map, model, points)
    assert average_precision_score(labels, final) > average_precision_score(labels, model) + 0.02
    assert expected_calibration_error(reliability(labels, final, EDGES)) < 0.005


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rules_help", [0.0, -1.0])
def test_uninformative_rules_never_lower_average_precision(seed: int, rules_help: float) -> None:
    points, model, labels = history(seed, rules_help)
    rule_map, decision = calibrated(points, model, labels)
    final = final_probabilities(decision, rule_map, model, points)
    assert average_precision_score(labels, final) >= average_precision_score(labels, model) - 1e-9
    if rules_help < 0:
        assert (decision.model_weight, decision.rules_weight, decision.offset) == (1.0, 0.0, 0.0)
        np.testing.assert_allclose(final, model, rtol=1e-9)


def test_rules_informative_in_only_one_half_have_no_weight() -> None:
    points, model, labels = history(1, rules_help=1.5)
    _, _, other = history(1, rules_help=-1.5)
    late = np.arange(ROWS) >= ROWS // 2
    found = calibrate(points, model, np.where(late, other, labels), BANK, TIMES_MS, AMOUNTS)
    assert found.decision.rules_weight == 0.0
    without, with_rules = found.average_precision_cross_fitted or (0.0, 1.0)
    assert with_rules < without


def test_the_order_of_the_rows_makes_no_difference() -> None:
    points, model, labels = history(2, rules_help=1.0)
    order = np.random.default_rng(0).permutation(ROWS)
    first = calibrate(points, model, labels, BANK, TIMES_MS, AMOUNTS)
    other = calibrate(points[order], model[order], labels[order], BANK, TIMES_MS[order], AMOUNTS)
    assert other.rule_map == first.rule_map
    assert other.decision.rules_weight == pytest.approx(first.decision.rules_weight, rel=1e-6)


def test_final_probabilities_are_those_of_the_scorers_blend() -> None:
    points, model, labels = history(3, rules_help=1.0)
    rule_map, decision = calibrated(points, model, labels)
    assert rule_map is not None
    # The scorer looks up the map by the content hash, here that of the empty rule set.
    own = msgspec.structs.replace(rule_map, content=content_of(EMPTY))
    rulebook = Rulebook(EMPTY, ())
    judge = judge_of(DecisionSettings(), msgspec.structs.replace(decision, rule_maps=(own,)), rulebook)
    assert judge.rule_map == "calibrated"
    probabilities = np.concatenate([model[:500], [0.0, 1.0, 1e-30]])
    asked = np.concatenate([points[:500], [0, 40, 7]])
    expected = [
        judge.judge((float(p), 0.0, 0.0, 1.0), int(at), [], rulebook.core, False)[0]
        for p, at in zip(probabilities, asked, strict=True)
    ]
    np.testing.assert_allclose(final_probabilities(decision, rule_map, probabilities, asked), expected, rtol=1e-9)


def test_rows_without_rule_points_use_the_model_alone() -> None:
    points, model, labels = history(4, rules_help=1.0)
    points[::3] = -1
    rule_map, decision = calibrated(points, model, labels)
    assert rule_map is not None
    assert rule_map.rows == (points >= 0).sum()
    untouched = final_probabilities(decision, rule_map, model, points)[::3]
    np.testing.assert_allclose(untouched, final_probabilities(decision, None, model, None)[::3])


@pytest.mark.parametrize("kept", [0, 15])
def test_with_too_few_frauds_rules_have_no_weight_and_thresholds_are_found(kept: int) -> None:
    points, model, labels = history(5, rules_help=1.0)
    frauds = np.flatnonzero(labels)
    labels = np.isin(np.arange(ROWS), frauds[:kept])
    found = calibrate(points, model, labels, BANK, TIMES_MS, AMOUNTS, FalsePositiveRate(0.01))
    assert (found.rule_map is None) == (kept == 0)
    assert found.decision.rules_weight == 0.0
    assert found.average_precision_cross_fitted is None
    assert (np.floor(1000 * model[~labels] + 0.5) > found.decision.refer_above).mean() <= 0.01


def test_recalibration_keeps_the_base_and_replaces_the_map() -> None:
    points, model, labels = history(6, rules_help=1.0)
    mine = RuleMap("bank", 1, BANK.content, (0,), (0.5,), 1, 1)
    other = RuleMap("other", 1, "ffffffffffffffff", (0,), (0.5,), 1, 1)
    base = DecisionModel(rule_maps=(mine, other), unusual_above=4.0, coverage_floor=0.4)
    found = calibrate(points, model, labels, BANK, TIMES_MS, AMOUNTS, FixedThresholds(), base)
    assert found.decision.rule_maps == (other, found.rule_map)
    assert (found.decision.unusual_above, found.decision.coverage_floor) == (4.0, 0.4)
    assert found.decision.refer_above == 500


def test_without_rules_the_model_decides_alone() -> None:
    _, model, labels = history(7, rules_help=0.0)
    found = calibrate(None, model, labels, None, TIMES_MS, AMOUNTS)
    assert found.rule_map is None
    assert found.decision.rule_maps == ()
    np.testing.assert_allclose(final_probabilities(found.decision, None, model, None), model, rtol=1e-9)
