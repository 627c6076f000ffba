"""Fitting of rule maps: isotonic, smoothed, with few knots, and read by the scorer."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from models.frame import RuleSetIdentity
from models.rule_maps import MOST_BLOCKS, PRIOR_ROWS, fit_rule_map, shifts_of
from udfs.rules.rule_map import RuleMap, check_rule_map, learned_shifts

BANK = RuleSetIdentity("bank", 3, "0123456789abcdef")


def drawn(rows: int, seed: int, kinds: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Fraud rates increase with the points from .002 to .5, with noise between neighbours."""
    random = np.random.default_rng(seed)
    points = random.choice(np.arange(kinds) * 15, rows, p=np.r_[0.8, np.full(kinds - 1, 0.2 / (kinds - 1))])
    rates = np.clip(0.002 + 0.5 * (points / points.max()) ** 2 + random.normal(0, 0.03, kinds)[points // 15], 0, 1)
    return points, random.random(rows) < rates


@pytest.mark.parametrize("seed", range(5))
def test_rates_are_those_of_isotonic_regression_smoothed_towards_the_mean(seed: int) -> None:
    points, labels = drawn(5_000, seed)
    found = fit_rule_map(points, labels, BANK)
    reference = IsotonicRegression().fit(points, labels.astype(float)).predict(points)
    for rate in np.unique(reference):
        block = reference == rate
        smoothed = (labels[block].sum() + PRIOR_ROWS * labels.mean()) / (block.sum() + PRIOR_ROWS)
        lowest, highest = points[block].min(), points[block].max()
        for at in (lowest, highest):
            assert found.rates[found.points.index(at)] == pytest.approx(smoothed)
    assert (found.rows, found.frauds) == (5_000, int(labels.sum()))
    assert (found.rule_set, found.version, found.content) == BANK
    check_rule_map(found)


def test_many_sums_of_points_become_few_increasing_knots() -> None:
    points, labels = drawn(60_000, 1, kinds=60)
    found = fit_rule_map(points, labels, BANK)
    check_rule_map(found)
    assert 3 <= len(set(found.rates)) <= MOST_BLOCKS
    assert len(found.points) <= 2 * MOST_BLOCKS
    high = points >= 45 * 15
    assert shifts_of(found, np.array([800])) == pytest.approx(
        np.log(labels[high].mean() / (1 - labels[high].mean())) - np.log(found.rates[0] / (1 - found.rates[0])), abs=0.5
    )


def test_uninformative_points_do_not_shift_log_odds() -> None:
    random = np.random.default_rng(2)
    points = random.choice([0, 20, 40], 4_000)
    labels = random.random(4_000) < np.array([0.05, 0.03, 0.01])[points // 20]
    assert shifts_of(fit_rule_map(points, labels, BANK), points).tolist() == [0.0] * 4_000


def test_shifts_are_what_the_serving_side_adds() -> None:
    points, labels = drawn(3_000, 3)
    found = fit_rule_map(points, labels, BANK)
    table = learned_shifts(found)
    asked = np.array([0, 1, 7, 15, 74, 75, 76, 5_000])
    assert shifts_of(found, asked).tolist() == [table[min(at, len(table) - 1)] for at in asked.tolist()]


def test_zero_is_a_knot_although_every_transaction_had_points() -> None:
    found = fit_rule_map(np.array([10] * 90 + [30] * 10), np.array([False] * 92 + [True] * 8), BANK)
    assert found.points[0] == 0
    assert isinstance(found, RuleMap)
    assert shifts_of(found, np.array([0])).tolist() == [0.0]


def test_few_hits_are_smoothed_towards_the_mean() -> None:
    points = np.array([0] * 10_000 + [50] * 2)
    labels = np.array([False] * 9_990 + [True] * 12)
    found = fit_rule_map(points, labels, BANK)
    assert found.rates[-1] < 0.2


@pytest.mark.parametrize("label", [True, False])
def test_a_single_class_is_refused(label: bool) -> None:
    with pytest.raises(ValueError, match="needs both frauds and legitimate payments"):
        fit_rule_map(np.arange(5), np.full(5, label), BANK)
