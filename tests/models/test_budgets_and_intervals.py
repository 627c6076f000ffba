"""Thresholds for a budget of users per day, and bootstrap intervals over customers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from models.budgets import budget_threshold
from models.intervals import CustomerBootstrap, card_precision
from models.metrics import DAY_MS, card_precision_at_k


def made(rows: int = 3_000, users: int = 400, seed: int = 1) -> tuple[np.ndarray, ...]:  # type: ignore[type-arg]
    random = np.random.default_rng(seed)
    who = random.integers(0, users, rows)
    bad = random.random(users) < 0.05
    labels = bad[who] & (random.random(rows) < 0.6)
    scores = np.round(1 / (1 + np.exp(-random.normal(-2 + 3 * labels, 1))), 3)
    times_ms = np.sort(random.integers(0, 5 * DAY_MS, rows))
    return labels, scores, who, times_ms


@pytest.mark.parametrize("budget", [1, 7, 30, 100_000])
def test_a_budget_gives_the_lowest_threshold_within_it(budget: int) -> None:
    labels, scores, who, times_ms = made()
    found = budget_threshold(labels, scores, who, times_ms, budget)

    def users_a_day(threshold: float) -> float:
        above = scores > threshold
        return len(set(zip(who[above].tolist(), (times_ms[above] // DAY_MS).tolist(), strict=True))) / 5

    assert users_a_day(found.threshold) == pytest.approx(found.users_a_day)
    assert found.users_a_day <= budget
    lower = scores[scores < found.threshold]
    if len(lower) and found.threshold > 0:
        assert users_a_day(float(lower.max()) - 1e-9) > budget
    above = scores > found.threshold
    assert found.recall == pytest.approx((above & labels).sum() / labels.sum())


def test_unit_weights_give_the_figures_of_scikit_learn() -> None:
    labels, scores, who, times_ms = made()
    drawn = CustomerBootstrap(labels, scores, who, times_ms)
    once = np.ones(len(np.unique(who)))
    found = drawn._figures(once, (0.5,))
    assert found["auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert found["average_precision"] == pytest.approx(average_precision_score(labels, scores))
    above = scores > 0.5
    assert found["precision 0.5"] == pytest.approx(labels[above].mean())
    assert found["recall 0.5"] == pytest.approx((labels & above).sum() / labels.sum())
    assert card_precision(drawn._days, once, 20) == pytest.approx(
        card_precision_at_k(labels, scores, who, times_ms, 20)
    )


def test_a_customer_drawn_twice_counts_like_two_customers() -> None:
    labels, scores, who, times_ms = made(600, 60)
    weights = np.bincount(np.random.default_rng(0).integers(0, 60, 60), minlength=60).astype(float)
    rows = np.concatenate([np.repeat(np.flatnonzero(who == user), int(weights[user])) for user in range(60)])
    found = CustomerBootstrap(labels, scores, who, times_ms)._figures(weights, (0.5,))
    assert found["auc"] == pytest.approx(roc_auc_score(labels[rows], scores[rows]))
    assert found["average_precision"] == pytest.approx(average_precision_score(labels[rows], scores[rows]))


def test_intervals_contain_the_figure_and_are_wider_than_by_row() -> None:
    labels, scores, who, times_ms = made()
    by_customer = CustomerBootstrap(labels, scores, who, times_ms).intervals((0.5,), 20, draws=60)
    alone = CustomerBootstrap(labels, scores, np.arange(len(who)), times_ms).intervals((0.5,), 20, draws=60)
    for name, figure in (("auc", roc_auc_score(labels, scores)), ("recall 0.5", (scores > 0.5)[labels].mean())):
        assert by_customer[name].low < figure < by_customer[name].high
    width = by_customer["average_precision"].high - by_customer["average_precision"].low
    assert width > alone["average_precision"].high - alone["average_precision"].low
