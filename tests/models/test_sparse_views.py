"""Sparse copies: dropped groups, independence of labels, and their effect on sparse input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from models.sparse_views import (
    FOUR_COLUMNS,
    FULL,
    VIEWS,
    WITH_MERCHANT,
    WITHOUT_PROFILES,
    draw_sparse_rows,
    dropped_features,
    is_dropped,
    members_of,
    view_of,
)
from models.train import train_bundle
from tests.models.synthetic import FEATURE_SET_VERSION, GROUPS, NAMES, TINY, synthetic_frame
from udfs.scoring.bundle import load_bundle
from udfs.scoring.ensemble import Ensemble

FRAME = synthetic_frame()
ROWS = np.arange(1_000, 3_000)


def test_named_views_drop_the_groups_of_their_name() -> None:
    groups = ("device", "profile", "merchant", "category", "entity_history", "logins", "feeds", "device_profile")
    assert [group for group in groups if not is_dropped(FOUR_COLUMNS, group)] == []
    assert [group for group in groups if not is_dropped(WITH_MERCHANT, group)] == [
        "merchant", "category", "entity_history",
    ]  # fmt: skip
    assert [group for group in groups if is_dropped(WITHOUT_PROFILES, group)] == [
        "profile", "logins", "feeds", "device_profile",
    ]  # fmt: skip
    assert not any(is_dropped(FULL, group) for group in groups)


def test_a_view_is_a_copy_without_the_features_of_its_groups() -> None:
    seen = view_of(FRAME.features, GROUPS, WITHOUT_PROFILES)
    np.testing.assert_array_equal(np.isnan(seen[:, [1, 8]]), True)
    kept = [place for place in range(12) if place not in (1, 8)]
    np.testing.assert_array_equal(seen[:, kept], FRAME.features[:, kept])
    assert not np.isnan(FRAME.features[:, 8]).any()
    assert view_of(FRAME.features, GROUPS, FULL) is FRAME.features


def test_copies_are_of_distinct_rows_in_order_and_a_quarter_of_each_kind() -> None:
    copies = draw_sparse_rows(ROWS, GROUPS, GROUPS, 0.5, len(NAMES), seed=3)
    assert 900 < len(copies) < 1_000  # copies of the last quarter that would drop nothing are left out
    assert (np.diff(copies.rows) > 0).all()
    assert ((copies.rows >= 1_000) & (copies.rows < 3_000)).all()
    lost = copies.dropped.astype(int).tolist()
    for view in (FOUR_COLUMNS, WITH_MERCHANT, WITHOUT_PROFILES):
        pattern = [int(is_dropped(view, group)) for group in GROUPS]
        assert lost.count(pattern) > 200
    # In the last quarter each group is dropped in half of the rows, with probabilities from low to high per row.
    others = [row for row in lost if 0 < sum(row) < 3]
    assert len({tuple(row) for row in others}) > 6


def test_unknown_groups_are_not_dropped_and_no_copy_equals_its_row() -> None:
    copies = draw_sparse_rows(ROWS, GROUPS, ("merchant",), 0.5, len(NAMES), seed=3)
    place = list(GROUPS).index("merchant")
    assert copies.dropped[:, place].all()
    assert copies.dropped.sum() == len(copies)
    assert 300 < len(copies) < 450  # a quarter as four columns, and half of the last quarter
    assert len(draw_sparse_rows(ROWS, GROUPS, (), 0.5, len(NAMES), seed=3)) == 0


def test_copies_equal_their_rows_except_dropped_features() -> None:
    copies = draw_sparse_rows(ROWS, GROUPS, GROUPS, 0.5, len(NAMES), seed=3)
    whole = copies.features(FRAME.features, 0, len(copies))
    for number in range(200):
        original, copy = FRAME.features[copies.rows[number]], whole[number]
        lost = {
            place
            for hit, places in zip(copies.dropped[number], GROUPS.values(), strict=True)
            if hit
            for place in places
        }
        for place in range(len(NAMES)):
            assert (
                np.isnan(copy[place]) if place in lost else np.array_equal(copy[place], original[place], equal_nan=True)
            )
    np.testing.assert_array_equal(copies.features(FRAME.features, 300, 400), whole[300:400])


def test_copies_do_not_depend_on_labels() -> None:
    first = draw_sparse_rows(ROWS, GROUPS, GROUPS, 0.5, len(NAMES), seed=3)
    again = draw_sparse_rows(ROWS, GROUPS, GROUPS, 0.5, len(NAMES), seed=3)
    np.testing.assert_array_equal(first.dropped, again.dropped)
    np.testing.assert_array_equal(first.rows, again.rows)
    share = FRAME.labels[first.rows].mean() / FRAME.labels[ROWS].mean()
    assert 0.8 < share < 1.2
    assert len(draw_sparse_rows(ROWS, {}, (), 0.5, len(NAMES), seed=3)) == 0


def test_half_of_a_batch_drops_groups_at_random_rates() -> None:
    lost = dropped_features(np.random.default_rng(1), members_of(GROUPS, 12), 20_000, 0.5)
    assert not lost[:, [0, 2, 3, 9, 10, 11]].any()
    assert lost[:, 6].mean() == pytest.approx(0.25, abs=0.02)  # half of the rows, each with a mean probability of 1/2
    np.testing.assert_array_equal(lost[:, 4], lost[:, 5])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[float, Ensemble]:
    ensembles = {}
    for share in (0.0, 0.5):
        folder = tmp_path_factory.mktemp("trained")
        settings = msgspec.structs.replace(TINY, sparse_share=share, trees=60)
        train_bundle(FRAME, folder, settings)
        ensembles[share] = Ensemble(load_bundle(folder, NAMES, FEATURE_SET_VERSION))
    return ensembles


def test_sparse_copies_keep_sparse_input_from_looking_like_fraud(
    trained: dict[float, Ensemble],
) -> None:
    later = synthetic_frame(6_000, seed=9)
    rich = {share: ensemble.predict_many(later.features)[:, 0] for share, ensemble in trained.items()}
    precision = {share: average_precision_score(later.labels, scores) for share, scores in rich.items()}
    assert precision[0.5] > precision[0.0] - 0.02
    base_rate = later.labels.mean()
    for view in VIEWS[1:]:
        sparse = trained[0.5].predict_many(np.ascontiguousarray(view_of(later.features, GROUPS, view)))[:, 0]
        assert (sparse[~later.labels] <= 0.5).mean() >= 0.98
        assert sparse.mean() == pytest.approx(base_rate, rel=0.3)  # calibrated on the remaining features


def test_the_model_card_reports_metrics_on_sparse_input(tmp_path: Path) -> None:
    from models.model_card import model_card

    manifest = train_bundle(FRAME, tmp_path, TINY)
    rows = {row["view"]: row for row in manifest.metrics["evaluation"]["sparse"]}
    assert tuple(rows) == VIEWS
    assert rows[FULL]["coverage"] == pytest.approx(1.0, abs=0.02)
    places = sorted({place for group in GROUPS.values() for place in group})
    assert rows[FOUR_COLUMNS]["coverage"] == pytest.approx(1.0 - sum(manifest.importance[place] for place in places))
    ensemble = Ensemble(load_bundle(tmp_path, NAMES, FEATURE_SET_VERSION))
    last = FRAME.timestamps_ms >= np.sort(FRAME.timestamps_ms)[3_200]
    seen = np.ascontiguousarray(view_of(FRAME.features[last], GROUPS, FOUR_COLUMNS))
    scores = ensemble.predict_many(seen)[:, 0].astype(float)
    allowed = np.floor(1000 * scores + 0.5) <= manifest.decision.refer_above
    assert rows[FOUR_COLUMNS]["legitimate_allowed"] == pytest.approx(allowed[~FRAME.labels[last]].mean())
    assert rows[FOUR_COLUMNS]["average_precision"] == pytest.approx(
        average_precision_score(FRAME.labels[last], scores), abs=1e-6
    )
    assert f"| {FOUR_COLUMNS} | " in model_card(manifest)


def test_a_frame_without_groups_trains_on_its_rows_alone(tmp_path: Path) -> None:
    manifest = train_bundle(replace(FRAME, groups={}), tmp_path, TINY)
    assert [row["view"] for row in manifest.metrics["evaluation"]["sparse"]] == [FULL]
    assert manifest.group_known == {}
