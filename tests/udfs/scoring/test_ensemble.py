"""The ensemble scores like XGBoost, accepts any number, and explains its predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.train import train_bundle
from tests.models.synthetic import FEATURE_SET_VERSION, GROUPS, NAMES, TINY, awkward_rows, synthetic_frame
from udfs.scoring.bundle import Bundle, load_bundle
from udfs.scoring.ensemble import UNUSUAL_DEVIATIONS, Ensemble, ScoredBatch

FRAME = synthetic_frame(2_500)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle")
    train_bundle(FRAME, path, TINY)
    return path


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return load_bundle(folder, NAMES, FEATURE_SET_VERSION)


@pytest.fixture(scope="module")
def ensemble(bundle: Bundle) -> Ensemble:
    return Ensemble(bundle)


class Prediction(NamedTuple):
    """One row of a batch."""

    probability: float
    margin: float
    anomaly: float
    coverage: float
    batch: ScoredBatch
    row: int

    def explain(self, k: int) -> list[tuple[str, float, str]]:
        trees, anomaly = self.batch.explain(self.row, k)
        return [
            *((NAMES[position], value, "tree") for position, value in trees),
            *((NAMES[position], value, "anomaly") for position, value in anomaly),
        ]


def numbers(prediction: Prediction) -> tuple[float, float, float, float]:
    return prediction.probability, prediction.margin, prediction.anomaly, prediction.coverage


def score_many(ensemble: Ensemble, rows: Sequence[dict[str, float]]) -> list[Prediction]:
    """As the core gives rows to the model: a value beyond float32 is infinite."""
    with np.errstate(over="ignore"):
        batch = ensemble.score(np.array([[*row.values()] for row in rows], np.float64).astype(np.float32))
    scores = zip(batch.scores.tolist(), batch.coverages, strict=True)
    return [Prediction(*summary, coverage, batch, row) for row, (summary, coverage) in enumerate(scores)]


def score(ensemble: Ensemble, row: dict[str, float]) -> Prediction:
    return score_many(ensemble, [row])[0]


def features_of(row: np.ndarray[tuple[int], np.dtype[np.float32]]) -> dict[str, float]:
    return dict(zip(NAMES, row.tolist(), strict=True))


@pytest.mark.parametrize(
    "rows", [FRAME.features[:300], awkward_rows(300, len(NAMES))], ids=["training data", "awkward"]
)
def test_single_rows_score_like_the_same_rows_in_a_batch(
    ensemble: Ensemble, rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]
) -> None:
    single = np.array([numbers(score(ensemble, features_of(row))) for row in rows])
    np.testing.assert_allclose(single[:, :3], ensemble.predict_many(rows), rtol=1e-4, atol=1e-6)
    assert ((single[:, 0] >= 0) & (single[:, 0] <= 1)).all()
    assert (single[:, 2] > 0).all()


def test_a_score_does_not_depend_on_earlier_rows(ensemble: Ensemble) -> None:
    first = numbers(score(ensemble, features_of(FRAME.features[0])))
    score(ensemble, dict.fromkeys(NAMES, math.nan))
    score(ensemble, dict.fromkeys(NAMES, 1e300))
    assert numbers(score(ensemble, features_of(FRAME.features[0]))) == first


def test_the_probability_is_the_blend_of_margin_and_error(bundle: Bundle, ensemble: Ensemble) -> None:
    blend = bundle.manifest.blend
    for row in FRAME.features[:50]:
        probability, margin, anomaly, _ = numbers(score(ensemble, features_of(row)))
        log_odds = blend.margin * margin + blend.log_error * math.log(anomaly) + blend.offset
        assert probability == pytest.approx(1 / (1 + math.exp(-log_odds)), rel=1e-4)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("huge", [1e39, 1e308, math.inf])
def test_values_beyond_float32_score_like_the_largest_values(ensemble: Ensemble, huge: float, sign: int) -> None:
    features = {**features_of(FRAME.features[3]), "amount": sign * huge}
    largest = {**features, "amount": sign * float(np.finfo(np.float32).max)}
    assert numbers(score(ensemble, features)) == numbers(score(ensemble, largest))


def test_missing_values_stay_missing_beside_values_beyond_float32(ensemble: Ensemble) -> None:
    features = {**features_of(FRAME.features[3]), "amount": 1e39, "distance_km": math.nan, "speed_kmh": math.inf}
    largest = float(np.finfo(np.float32).max)
    assert numbers(score(ensemble, features)) == numbers(score(ensemble, {**features, "amount": largest}))


@settings(deadline=None, max_examples=150)
@given(values=st.lists(st.floats(), min_size=len(NAMES), max_size=len(NAMES)))
def test_any_row_of_floats_gets_a_finite_score(ensemble: Ensemble, values: list[float]) -> None:
    prediction = score(ensemble, dict(zip(NAMES, values, strict=True)))
    assert all(map(math.isfinite, numbers(prediction)))
    assert 0.0 <= prediction.probability <= 1.0


def test_tree_reasons_are_the_largest_positive_contributions(bundle: Bundle, ensemble: Ensemble) -> None:
    fraud = np.flatnonzero(FRAME.patterns == "takeover")[:20]
    for row in FRAME.features[fraud]:
        reasons = [reason for reason in score(ensemble, features_of(row)).explain(3) if reason[2] == "tree"]
        contributions = bundle.explainer(row[None])[0].tolist()
        towards_fraud = sorted((value for value in contributions if value > 0), reverse=True)[:3]
        assert [contribution for _, contribution, _ in reasons] == towards_fraud
        assert all(contributions[NAMES.index(name)] == contribution for name, contribution, _ in reasons)


def test_all_contributions_and_the_bias_add_up_to_the_margin(bundle: Bundle, ensemble: Ensemble) -> None:
    for row in FRAME.features[:50]:
        margin = score(ensemble, features_of(row)).margin
        contributions = bundle.explainer(row[None])
        assert contributions.sum() + bundle.manifest.margin_bias == pytest.approx(margin, abs=1e-5)


def test_anomaly_reasons_are_features_with_large_errors(bundle: Bundle, ensemble: Ensemble) -> None:
    features = {**features_of(FRAME.features[0]), "always_one": 50.0, "sign": -300.0, "never_known": -3.0}
    prediction = score(ensemble, features)
    row = np.array([list(features.values())], np.float32)
    squared = bundle.model(row)[0, 3:]
    manifest = bundle.manifest
    expected = {
        name: (value - mean) / deviation
        for name, value, mean, deviation in zip(
            NAMES, squared.tolist(), manifest.error_means, manifest.error_deviations, strict=True
        )
    }
    reasons = [reason for reason in prediction.explain(2) if reason[2] == "anomaly"]
    assert {name for name, _, _ in reasons} == {
        "always_one",
        "sign",
    }  # features never known in training are not anomalous
    for name, deviations, _ in reasons:
        assert deviations == pytest.approx(expected[name], rel=1e-4)
        assert deviations > UNUSUAL_DEVIATIONS
    assert reasons[0][1] >= reasons[1][1]


def test_an_ordinary_transaction_has_no_anomaly_reasons(ensemble: Ensemble) -> None:
    legitimate = FRAME.features[~FRAME.labels]
    known = ~np.isnan(legitimate).all(axis=0)
    ordinary = np.full(len(NAMES), np.nan, np.float32)
    ordinary[known] = np.nanmedian(legitimate[:, known], axis=0)
    prediction = score(ensemble, features_of(ordinary))
    assert [reason for reason in prediction.explain(5) if reason[2] == "anomaly"] == []


def test_a_prediction_explains_its_vector_after_later_batches(ensemble: Ensemble) -> None:
    rows = [features_of(row) for row in FRAME.features[np.flatnonzero(FRAME.labels)[:3]]]
    alone = [score(ensemble, row).explain(12) for row in rows]
    assert alone[0] != alone[1]
    together = score_many(ensemble, rows)
    score_many(ensemble, rows[::-1])
    ensemble.predict_many(FRAME.features[:10])
    assert [prediction.explain(12) for prediction in together] == alone
    assert together[0].explain(0) == []


def test_scoring_in_blocks_does_not_change_the_scores(ensemble: Ensemble) -> None:
    rows = np.tile(FRAME.features, (4, 1))
    scores = ensemble.predict_many(rows)
    assert scores.shape == (10_000, 3)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores[7_500:], scores[:2_500], rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(
        ensemble.predict_many(np.asfortranarray(rows[:100])), ensemble.predict_many(rows[:100])
    )


def test_no_rows_give_no_scores(ensemble: Ensemble) -> None:
    assert ensemble.predict_many(np.empty((0, len(NAMES)), np.float32)).shape == (0, 3)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((2, 11), np.float32), np.zeros((2, 12)), np.zeros(12, np.float32)],
    ids=["narrow", "float64", "flat"],
)
def test_a_matrix_of_another_shape_or_type_is_refused(ensemble: Ensemble, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"the bundle takes float32 \[N, 12\]"):
        ensemble.predict_many(wrong)


def test_coverage_is_the_importance_of_features_with_known_groups(bundle: Bundle, ensemble: Ensemble) -> None:
    manifest = bundle.manifest
    rows = FRAME.features[:300].copy()
    random = np.random.default_rng(4)
    for places in GROUPS.values():
        rows[np.ix_(random.random(300) < 0.4, places)] = np.nan
    scored = score_many(ensemble, [features_of(row) for row in rows])
    for row, prediction in zip(rows, scored, strict=True):
        missing = {group for group, places in GROUPS.items() if np.isnan(row[list(places)]).all()}
        unknown = {place for group in missing for place in GROUPS[group]}
        expected = sum(share for place, share in enumerate(manifest.importance) if place not in unknown)
        assert prediction.coverage == pytest.approx(expected / sum(manifest.importance))
    assert len({prediction.coverage for prediction in scored}) > 8
