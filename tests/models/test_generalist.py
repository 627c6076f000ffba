"""Generalist trees: monotone constraints, training rows and weight."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from models.autoencoder import fit_autoencoder
from models.boosting import LearningRows
from models.detectors import join_detectors
from models.frame import TrainingFrame
from models.generalist import can_be_unusual, direction_of, directions_of, fit_generalist, rows_to_learn
from models.settings import TrainSettings
from models.unseen_weight import DEFAULT_WEIGHT, WEIGHTS, learn_weight
from tests.models.synthetic import GROUPS, NAMES, TINY, synthetic_frame

ROWS = 6_000
PATTERNS = ("far", "fast", "new", "night")
FEATURES = ("km_from_home", "txn_count_1h", "is_new_device", "amount_vs_user_avg", "weekday", "seconds_since_last")
SETTINGS = msgspec.structs.replace(TINY, generalist_trees=40, epochs=8)


def world(seed: int = 1) -> TrainingFrame:
    """Four kinds of fraud, each raising one pair of features; the weekday is uninformative."""
    random = np.random.default_rng(seed)
    kind = np.where(random.random(ROWS) < 0.08, random.integers(1, 5, ROWS), 0)
    columns = [
        np.exp(random.normal(2, 1, ROWS) + 2.5 * np.isin(kind, (1, 2))),
        random.poisson(1 + 4.0 * np.isin(kind, (2, 3))),
        random.random(ROWS) < np.where(np.isin(kind, (3, 4)), 0.9, 0.04),
        np.exp(random.normal(0, 0.7, ROWS) + 1.5 * np.isin(kind, (4, 1))),
        random.integers(0, 7, ROWS),
        random.exponential(3_000, ROWS) * np.where(kind > 0, 0.3, 1.0),
    ]
    names = np.array([None, *PATTERNS], object)
    return replace(
        synthetic_frame(ROWS, seed),
        features=np.column_stack(columns).astype(np.float32),
        names=FEATURES,
        labels=kind > 0,
        patterns=names[kind],
        groups={"device": (2,), "geography": (0,)},
    )


FRAME = world()
ALL = np.arange(ROWS)


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("km_from_home", 1),
        ("merchant_fraud_rate_7d", 1),
        ("is_new_device", 1),
        ("amount_vs_user_avg", 1),
        ("seconds_since_last", -1),
        ("used_otp", -1),
        ("amount", 0),
        ("weekday", 0),
        ("of another catalogue", 0),
    ],
)
def test_directions_agree_with_the_signals_of_features(name: str, direction: int) -> None:
    assert direction_of(name) == direction


def test_features_that_are_never_a_reason_are_not_counted() -> None:
    assert [can_be_unusual(name) for name in ("user_age_years", "amount_log", "km_from_home", "of another catalogue")] == [
        False, False, True, True,
    ]  # fmt: skip


def test_the_margin_is_monotone_in_features_with_a_direction() -> None:
    generalist = fit_generalist(LearningRows(FRAME.features, FRAME.labels, ALL), FEATURES, SETTINGS)
    directions = directions_of(FEATURES)
    rows = FRAME.features[:200]
    for place, direction in enumerate(directions):
        values = np.quantile(FRAME.features[:, place], np.linspace(0, 1, 25)).astype(np.float32)
        margins = []
        for value in [*values, np.float32(10 * values[-1])]:
            changed = rows.copy()
            changed[:, place] = value
            margins.append(generalist.boosting.margins(changed))
        steps = np.diff(np.array(margins), axis=0) * direction
        assert (steps >= -1e-6).all()
        assert (steps > 0.0).any() or direction == 0


def test_the_usual_margin_is_the_median_of_legitimate_rows() -> None:
    generalist = fit_generalist(LearningRows(FRAME.features, FRAME.labels, ALL), FEATURES, SETTINGS)
    margins = generalist.boosting.margins(FRAME.features[~FRAME.labels]).astype(np.float64)
    assert generalist.usual_margin == pytest.approx(np.median(margins), abs=1e-6)
    added = replace(generalist, weight=0.5).log_anomalies(FRAME.features[~FRAME.labels])
    np.testing.assert_allclose(added, 0.5 * (margins - np.median(margins)), atol=1e-6)


def test_training_rows_are_all_frauds_and_a_sample_in_order() -> None:
    rows = np.random.default_rng(3).permutation(ROWS)[:4_000]
    chosen = rows_to_learn(rows, FRAME.labels, msgspec.structs.replace(SETTINGS, generalist_rows=500))
    assert set(chosen[FRAME.labels[chosen]].tolist()) == set(rows[FRAME.labels[rows]].tolist())
    assert (~FRAME.labels[chosen]).sum() == 500
    places = {row: place for place, row in enumerate(rows.tolist())}
    order = [places[row] for row in chosen.tolist()]
    assert order == sorted(order)


def test_same_rows_and_seed_give_the_same_trees() -> None:
    first, second = (
        fit_generalist(LearningRows(FRAME.features, FRAME.labels, ALL), FEATURES, SETTINGS) for _ in range(2)
    )
    assert first.boosting.booster.save_raw("json") == second.boosting.booster.save_raw("json")


@pytest.mark.parametrize("lost", [*([group] for group in GROUPS), list(GROUPS)], ids=str)
def test_missing_features_do_not_raise_the_joint_anomaly(lost: list[str]) -> None:
    frame = synthetic_frame(3_000)
    legitimate = frame.features[~frame.labels]
    autoencoder = fit_autoencoder(legitimate, msgspec.structs.replace(TrainSettings.quick(), epochs=15), groups=GROUPS)
    generalist = fit_generalist(LearningRows(frame.features, frame.labels, np.arange(3_000)), NAMES, SETTINGS)
    detectors = join_detectors(autoencoder, generalist, legitimate, GROUPS)
    other = synthetic_frame(3_000, seed=2)
    features = other.features[~other.labels]
    dropped = features.copy()
    for group in lost:
        dropped[:, list(GROUPS[group])] = np.nan
    before, after = detectors.log_anomalies(features), detectors.log_anomalies(dropped)
    assert (after - before).mean() < 0.05 * before.std()


def learned_weight(frame: TrainingFrame) -> float:
    rows, later = ALL[: ROWS // 2], ALL[ROWS // 2 :]
    legitimate = rows[~frame.labels[rows]]
    autoencoder = fit_autoencoder(frame.features[legitimate], SETTINGS)
    return learn_weight(frame, rows, later, autoencoder, SETTINGS)


def test_the_weight_maximises_recall_of_left_out_patterns() -> None:
    rows, later = ALL[: ROWS // 2], ALL[ROWS // 2 :]
    autoencoder = fit_autoencoder(FRAME.features[rows[~FRAME.labels[rows]]], SETTINGS)
    errors = np.log(autoencoder.anomalies(FRAME.features[later]))
    legitimate = ~FRAME.labels[later]
    found = dict.fromkeys(WEIGHTS, 0.0)
    for pattern in PATTERNS:
        seen = rows[FRAME.patterns[rows] != pattern]
        generalist = fit_generalist(LearningRows(FRAME.features, FRAME.labels, seen), FEATURES, SETTINGS)
        for weight in WEIGHTS:
            scores = errors + weight * generalist.boosting.margins(FRAME.features[later])
            allowed = int(0.03 * legitimate.sum())
            limit = np.sort(scores[legitimate])[-allowed - 1]
            found[weight] += float((scores[FRAME.patterns[later] == pattern] > limit).mean())
    assert found[learned_weight(FRAME)] == pytest.approx(max(found.values()), abs=0.02)


def test_without_pattern_names_the_weight_is_the_default() -> None:
    assert learned_weight(replace(FRAME, patterns=np.full(ROWS, None, object))) == DEFAULT_WEIGHT


def test_without_later_frauds_the_weight_is_the_default() -> None:
    changed = replace(FRAME, labels=FRAME.labels & (ALL < ROWS // 2))
    assert learned_weight(changed) == DEFAULT_WEIGHT
