"""The ensemble scores single rows as XGBoost does, never fails on a number, and says why."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.train import train_bundle
from tests.models.synthetic import FEATURE_SET_VERSION, GROUPS, NAMES, TINY, awkward_rows, synthetic_frame
from udfs.bundle import Bundle, load_bundle
from udfs.ensemble import UNUSUAL_DEVIATIONS, Ensemble, Prediction

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


def features_of(row: np.ndarray[tuple[int], np.dtype[np.float32]]) -> dict[str, float]:
    return dict(zip(NAMES, row.tolist(), strict=True))


@pytest.mark.parametrize(
    "rows", [FRAME.features[:300], awkward_rows(300, len(NAMES))], ids=["training data", "awkward"]
)
def test_single_rows_score_as_the_same_rows_together(
    ensemble: Ensemble, rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]
) -> None:
    single = np.array([ensemble.score(features_of(row)) for row in rows])
    np.testing.assert_allclose(single[:, :3], ensemble.predict_many(rows), rtol=1e-4, atol=1e-6)
    assert ((single[:, 0] >= 0) & (single[:, 0] <= 1)).all()
    assert (single[:, 2] > 0).all()


def test_a_row_scores_the_same_whatever_was_scored_before(ensemble: Ensemble) -> None:
    first = ensemble.score(features_of(FRAME.features[0]))
    ensemble.score(dict.fromkeys(NAMES, math.nan))
    ensemble.score(dict.fromkeys(NAMES, 1e300))
    assert ensemble.score(features_of(FRAME.features[0])) == first


def test_the_probability_is_the_blend_of_margin_and_error(bundle: Bundle, ensemble: Ensemble) -> None:
    blend = bundle.manifest.blend
    for row in FRAME.features[:50]:
        probability, margin, anomaly, _ = ensemble.score(features_of(row))
        log_odds = blend.margin * margin + blend.log_error * math.log(anomaly) + blend.offset
        assert probability == pytest.approx(1 / (1 + math.exp(-log_odds)), rel=1e-4)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("huge", [1e39, 1e308, math.inf])
def test_numbers_beyond_float32_score_as_the_largest_of_their_sign(ensemble: Ensemble, huge: float, sign: int) -> None:
    features = {**features_of(FRAME.features[3]), "amount": sign * huge}
    largest = {**features, "amount": sign * float(np.finfo(np.float32).max)}
    assert ensemble.score(features) == ensemble.score(largest)


def test_missing_values_stay_missing_beside_a_number_beyond_float32(ensemble: Ensemble) -> None:
    features = {**features_of(FRAME.features[3]), "amount": 1e39, "distance_km": math.nan, "speed_kmh": math.inf}
    largest = float(np.finfo(np.float32).max)
    assert ensemble.score(features) == ensemble.score({**features, "amount": largest})


@settings(deadline=None, max_examples=150)
@given(values=st.lists(st.floats(), min_size=len(NAMES), max_size=len(NAMES)))
def test_every_row_of_floats_gets_a_finite_score(ensemble: Ensemble, values: list[float]) -> None:
    prediction = ensemble.score(dict(zip(NAMES, values, strict=True)))
    assert all(map(math.isfinite, prediction))
    assert 0.0 <= prediction.probability <= 1.0


@pytest.mark.parametrize("number", [10**400, "1.0", None], ids=["beyond float64", "text", "nothing"])
def test_what_cannot_be_a_float_is_refused(ensemble: Ensemble, number: object) -> None:
    with pytest.raises(ValueError, match="the bundle takes 12 numbers"):
        ensemble.score({**features_of(FRAME.features[0]), "sign": number})  # type: ignore[dict-item]


def test_integers_and_booleans_are_numbers(ensemble: Ensemble) -> None:
    features = features_of(FRAME.features[0])
    whole = {**features, "count_1h": 2, "new_device": True}
    assert ensemble.score(whole) == ensemble.score({**features, "count_1h": 2.0, "new_device": 1.0})


def test_a_wrong_number_of_features_is_refused_with_both_numbers(ensemble: Ensemble) -> None:
    with pytest.raises(ValueError, match="11 features given, the bundle takes 12"):
        ensemble.score(dict.fromkeys(NAMES[1:], 0.0))


def test_tree_reasons_are_the_largest_contributions_towards_fraud(bundle: Bundle, ensemble: Ensemble) -> None:
    fraud = np.flatnonzero(FRAME.patterns == "takeover")[:20]
    for row in FRAME.features[fraud]:
        ensemble.score(features_of(row))
        reasons = [reason for reason in ensemble.explain(3) if reason[2] == "tree"]
        contributions = bundle.explainer.run(["contributions"], {"x": row[None]})[0][0].tolist()
        towards_fraud = sorted((value for value in contributions if value > 0), reverse=True)[:3]
        assert [contribution for _, contribution, _ in reasons] == towards_fraud
        assert all(contributions[NAMES.index(name)] == contribution for name, contribution, _ in reasons)


def test_all_contributions_and_the_bias_add_up_to_the_margin(bundle: Bundle, ensemble: Ensemble) -> None:
    for row in FRAME.features[:50]:
        margin = ensemble.score(features_of(row)).margin
        contributions = bundle.explainer.run(["contributions"], {"x": row[None]})[0]
        assert contributions.sum() + bundle.manifest.margin_bias == pytest.approx(margin, abs=1e-5)


def test_anomaly_reasons_name_what_was_reconstructed_unusually_badly(bundle: Bundle, ensemble: Ensemble) -> None:
    features = {**features_of(FRAME.features[0]), "always_one": 50.0, "sign": -300.0, "never_known": -3.0}
    ensemble.score(features)
    row = np.array([list(features.values())], np.float32)
    squared = bundle.model.run(["out"], {"x": row})[0][0, 3:]
    manifest = bundle.manifest
    expected = {
        name: (value - mean) / deviation
        for name, value, mean, deviation in zip(
            NAMES, squared.tolist(), manifest.error_means, manifest.error_deviations, strict=True
        )
    }
    reasons = [reason for reason in ensemble.explain(2) if reason[2] == "anomaly"]
    assert {name for name, _, _ in reasons} == {"always_one", "sign"}  # what training never knew is not unusual
    for name, deviations, _ in reasons:
        assert deviations == pytest.approx(expected[name], rel=1e-4)
        assert deviations > UNUSUAL_DEVIATIONS
    assert reasons[0][1] >= reasons[1][1]


def test_an_ordinary_transaction_has_no_anomaly_reasons(ensemble: Ensemble) -> None:
    legitimate = FRAME.features[~FRAME.labels]
    known = ~np.isnan(legitimate).all(axis=0)
    ordinary = np.full(len(NAMES), np.nan, np.float32)
    ordinary[known] = np.nanmedian(legitimate[:, known], axis=0)
    ensemble.score(features_of(ordinary))
    assert [reason for reason in ensemble.explain(5) if reason[2] == "anomaly"] == []


def test_explaining_is_about_the_row_scored_last_and_leaves_it_alone(ensemble: Ensemble) -> None:
    rows = [features_of(row) for row in FRAME.features[np.flatnonzero(FRAME.labels)[:2]]]
    explained = []
    for row in rows:
        ensemble.score(row)
        explained.append(ensemble.explain(12))
    assert explained[0] != explained[1]
    ensemble.score(rows[0])
    ensemble.predict_many(FRAME.features[:10])
    assert ensemble.explain(12) == explained[0]
    assert ensemble.explain(0) == []


def test_many_rows_are_scored_in_blocks_that_do_not_show(ensemble: Ensemble) -> None:
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


def test_predictions_are_read_by_name(ensemble: Ensemble) -> None:
    prediction = ensemble.score(features_of(FRAME.features[0]))
    assert isinstance(prediction, Prediction)
    assert (prediction.probability, prediction.margin, prediction.anomaly, prediction.coverage) == tuple(prediction)


def test_coverage_is_the_importance_of_the_features_whose_groups_are_all_known(
    bundle: Bundle, ensemble: Ensemble
) -> None:
    manifest = bundle.manifest
    rows = FRAME.features[:300].copy()
    random = np.random.default_rng(4)
    for places in GROUPS.values():
        rows[np.ix_(random.random(300) < 0.4, places)] = np.nan
    scored = ensemble.score_many([features_of(row) for row in rows])
    for row, prediction in zip(rows, scored, strict=True):
        missing = {group for group, places in GROUPS.items() if np.isnan(row[list(places)]).all()}
        unknown = {place for group in missing for place in GROUPS[group]}
        expected = sum(share for place, share in enumerate(manifest.importance) if place not in unknown)
        assert prediction.coverage == pytest.approx(expected / sum(manifest.importance))
    assert len({prediction.coverage for prediction in scored}) > 8
