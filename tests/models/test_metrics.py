"""Metrics compared with scikit-learn, or with direct counting."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from models.metrics import (
    DAY_MS,
    at_threshold,
    average_precision,
    brier_score,
    card_precision_at_k,
    expected_calibration_error,
    recall_at_false_positive_rate,
    reliability,
    roc_auc,
    threshold_at_false_positive_rate,
)

Cases = list[tuple[bool, float]]
SCORES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.7, 0.9, 1.0])  # few values: many ties
CASES = st.lists(st.tuples(st.booleans(), SCORES), min_size=2, max_size=40)
MIXED_CASES = CASES.filter(lambda cases: len({label for label, _ in cases}) == 2)
quickly = settings(deadline=None, max_examples=100)


def arrays(cases: Cases) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    return np.array([label for label, _ in cases]), np.array([score for _, score in cases])


@quickly
@given(MIXED_CASES)
def test_auc_and_average_precision_agree_with_scikit_learn(cases: Cases) -> None:
    labels, scores = arrays(cases)
    assert roc_auc(labels, scores) == pytest.approx(sklearn_metrics.roc_auc_score(labels, scores), abs=1e-12)
    expected = sklearn_metrics.average_precision_score(labels, scores)
    assert average_precision(labels, scores) == pytest.approx(expected, abs=1e-12)
    assert brier_score(labels, scores) == pytest.approx(sklearn_metrics.brier_score_loss(labels, scores), abs=1e-12)


@quickly
@given(MIXED_CASES, st.sampled_from([0.0, 0.3, 0.5, 0.9]))
def test_threshold_metrics_agree_with_counting_one_by_one(cases: Cases, threshold: float) -> None:
    caught = sum(label and score > threshold for label, score in cases)
    false_alarms = sum(not label and score > threshold for label, score in cases)
    frauds = sum(label for label, _ in cases)
    found = at_threshold(*arrays(cases), threshold)
    assert found.alerts == caught + false_alarms
    assert found.recall == caught / frauds
    assert found.false_positive_rate == false_alarms / (len(cases) - frauds)
    if found.alerts:
        assert found.precision == caught / found.alerts
        labels, scores = arrays(cases)
        assert found.f1 == pytest.approx(sklearn_metrics.f1_score(labels, scores > threshold))
    else:
        assert math.isnan(found.precision)
        assert found.f1 == 0.0


@quickly
@given(MIXED_CASES, st.sampled_from([0.0, 0.01, 0.1, 0.29, 0.5, 1.0]))
def test_recall_at_a_false_positive_rate_is_the_best_over_every_threshold(cases: Cases, rate: float) -> None:
    frauds = [score for label, score in cases if label]
    others = [score for label, score in cases if not label]
    best = 0.0
    for threshold in {score for _, score in cases}:
        if sum(score >= threshold for score in others) <= rate * len(others) + 1e-12:
            best = max(best, sum(score >= threshold for score in frauds) / len(frauds))
    assert recall_at_false_positive_rate(*arrays(cases), rate) == best


def test_the_threshold_is_infinite_if_the_top_score_is_legitimate() -> None:
    labels, scores = np.array([False, True]), np.array([0.9, 0.1])
    assert threshold_at_false_positive_rate(labels, scores, 0.0) == math.inf
    assert threshold_at_false_positive_rate(labels, scores, 1.0) == 0.1


@pytest.mark.parametrize("label", [True, False])
def test_metrics_that_need_both_classes_are_undefined_on_one(label: bool) -> None:
    labels, scores = np.array([label, label]), np.array([0.1, 0.9])
    assert math.isnan(roc_auc(labels, scores))
    assert math.isnan(recall_at_false_positive_rate(labels, scores, 0.01))
    assert math.isnan(average_precision(labels, scores)) == (not label)


def test_reliability_compares_mean_prediction_with_observed_share() -> None:
    labels = np.array([False, False, True, True, True])
    bins = reliability(labels, np.array([0.0, 0.2, 0.2, 0.6, 1.0]), (0.0, 0.2, 0.5, 1.0))
    assert [(part.lower, part.upper, part.rows) for part in bins] == [(0.0, 0.2, 1), (0.2, 0.5, 2), (0.5, 1.0, 2)]
    assert [part.predicted for part in bins] == pytest.approx([0.0, 0.2, 0.8])
    assert [part.observed for part in bins] == [0.0, 0.5, 1.0]
    assert expected_calibration_error(bins) == pytest.approx((0.0 + 2 * 0.3 + 2 * 0.2) / 5)


def test_a_user_caught_on_one_day_makes_room_on_the_next() -> None:
    """Day 0: a (fraud) .9, b .8        Day 1: a (fraud) .9, b .8, c (fraud) .7"""
    users = np.array(["a", "b", "a", "b", "c"])
    labels = np.array([True, False, True, False, True])
    scores = np.array([0.9, 0.8, 0.9, 0.8, 0.7])
    times = np.array([0, 1, DAY_MS, DAY_MS + 1, DAY_MS + 2])
    assert card_precision_at_k(labels, scores, users, times, 2) == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert card_precision_at_k(labels, scores, users, times, 1) == pytest.approx((1 / 1 + 0 / 1) / 2)
    assert card_precision_at_k(labels, scores, users, times, 1, forget_caught=False) == 1.0


@pytest.mark.parametrize("forget_caught", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_card_precision_agrees_with_grouping_a_table_day_by_day(seed: int, forget_caught: bool) -> None:
    random = np.random.default_rng(seed)
    rows = 400
    users, days = random.integers(0, 40, rows), random.integers(0, 6, rows)
    labels, scores = random.random(rows) < 0.1, random.random(rows)
    table = pd.DataFrame({"user": users, "day": days, "fraud": labels, "score": scores})
    detected: list[int] = []
    precisions = []
    for _, day in table.groupby("day"):
        ranked = day.groupby("user").max().sort_values("score", ascending=False)
        if forget_caught:
            ranked = ranked[~ranked.index.isin(detected)]
        top = ranked.head(7)
        detected += top.index[top["fraud"]].tolist()
        precisions.append(top["fraud"].sum() / 7)
    found = card_precision_at_k(labels, scores, users, days * DAY_MS + 5, 7, forget_caught)
    assert found == pytest.approx(np.mean(precisions))
