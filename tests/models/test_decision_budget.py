"""Thresholds by budget, compared with an exhaustive search."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.decision_budget import (
    AlertsPerDay,
    Budget,
    ChosenThresholds,
    Cost,
    FalsePositiveRate,
    FixedThresholds,
    choose_thresholds,
    risk_scores,
)
from udfs.core._native import risk_score

DAY_MS = 86_400_000
RANDOM = np.random.default_rng(5)
ROWS = 20_000
LOG_ODDS = RANDOM.normal(-5, 2, ROWS)
PROBABILITIES = 1 / (1 + np.exp(-LOG_ODDS))
LABELS = RANDOM.random(ROWS) < PROBABILITIES
AMOUNTS = np.exp(RANDOM.normal(4, 1, ROWS))
TIMES_MS = np.linspace(0, 10 * DAY_MS, ROWS).astype(np.int64)
SCORES = risk_scores(PROBABILITIES)


def chosen(budget: Budget) -> ChosenThresholds:
    return choose_thresholds(budget, LABELS, PROBABILITIES, AMOUNTS, TIMES_MS)


def lowest(is_within: Callable[[np.ndarray], bool]) -> int:
    return next(threshold for threshold in range(1001) if is_within(threshold < SCORES))


def test_scores_are_rounded_as_decisions_round_them() -> None:
    awkward = np.array([0.0, 0.0004999, 0.0005, 0.1235, 0.7004999, 0.9995, 1.0, *PROBABILITIES[:500]])
    assert risk_scores(awkward).tolist() == [risk_score(value) for value in awkward.tolist()]


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.004, 0.05, 1.0])
def test_the_lowest_threshold_within_a_false_positive_rate(rate: float) -> None:
    found = chosen(FalsePositiveRate(rate))
    assert found.refer_above == lowest(lambda above: (above & ~LABELS).sum() <= rate * (~LABELS).sum())
    gave = found.budget["gave"]["refer"]
    above = found.refer_above < SCORES
    assert gave["false_positive_rate"] == pytest.approx((above & ~LABELS).sum() / (~LABELS).sum())
    assert gave["recall"] == pytest.approx((above & LABELS).sum() / LABELS.sum())
    assert gave["alerts"] == above.sum()
    assert gave["amount_caught"] == pytest.approx(AMOUNTS[above & LABELS].sum())
    assert found.budget["chosen_for"] == {"kind": "false_positive_rate", "rate": rate}


@pytest.mark.parametrize("alerts", [1.0, 12.5, 100.0, 1e6])
def test_the_lowest_threshold_within_so_many_alerts_a_day(alerts: float) -> None:
    found = chosen(AlertsPerDay(alerts))
    assert found.refer_above == lowest(lambda above: above.sum() <= alerts * 10)
    assert found.budget["gave"]["refer"]["alerts_a_day"] <= alerts


def cost_of(refer: int, block: int, budget: Cost) -> float:
    reviewed, stopped = (refer < SCORES) & (block >= SCORES), block < SCORES
    let_through = LABELS & (refer >= SCORES)
    return float(budget.review * reviewed.sum() + budget.stop * (stopped & ~LABELS).sum() + AMOUNTS[let_through].sum())


@pytest.mark.parametrize("budget", [Cost(5.0, 50.0), Cost(20.0, 200.0), Cost(1.0, 3.0), Cost(500.0, 600.0)])
def test_by_cost_no_other_referral_would_have_been_cheaper(budget: Cost) -> None:
    found = chosen(budget)
    block = found.hard_block_above
    assert block == max(found.refer_above, int(np.ceil(1000 * (1 - budget.review / budget.stop))))
    best = min(range(block + 1), key=lambda refer: cost_of(refer, block, budget))
    assert cost_of(found.refer_above, block, budget) == pytest.approx(cost_of(best, block, budget))


def test_challenges_and_blocks_are_never_below_referrals() -> None:
    usual = chosen(FalsePositiveRate(0.004))
    assert (usual.soft_challenge_above, usual.hard_block_above) == (700, 900)
    strict = choose_thresholds(
        FalsePositiveRate(0.0), np.array([True, False]), np.array([0.97, 0.95]), np.ones(2), np.array([0, DAY_MS])
    )
    assert (strict.refer_above, strict.soft_challenge_above, strict.hard_block_above) == (950, 950, 950)


def test_fixed_thresholds_are_kept_and_their_results_reported() -> None:
    found = chosen(FixedThresholds(400, 600, 800))
    assert (found.refer_above, found.soft_challenge_above, found.hard_block_above) == (400, 600, 800)
    assert found.budget["gave"]["hard_block"]["alerts"] == (SCORES > 800).sum()
