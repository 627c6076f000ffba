"""Training on a period.

day 0 .. day 6 train | day 7 .. : later      calibration: days 5 and 6
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.frame import TrainingError
from models.metrics import DAY_MS
from models.model_card import headline_of, model_card
from models.offline import offline_probabilities
from models.period import Period, slice_period
from models.train import train, train_bundle
from models.tuning import tune
from tests.models.synthetic import TINY, synthetic_frame
from udfs.scoring.bundle import load_bundle
from udfs.scoring.ensemble import Ensemble

ROWS = 4_000
START_MS = 19_700 * DAY_MS
_BASE = synthetic_frame(ROWS)
_ORDER = np.argsort(_BASE.timestamps_ms)
_RANK = np.empty(ROWS, np.int64)
_RANK[_ORDER] = np.arange(ROWS)
TIMES_MS = START_MS + _RANK * (10 * DAY_MS // ROWS)
FRAME = replace(_BASE, timestamps_ms=TIMES_MS, label_known_at_ms=TIMES_MS + 7 * DAY_MS)
WEEK = Period(START_MS, START_MS + 7 * DAY_MS, START_MS + 14 * DAY_MS)


def test_the_last_days_calibrate_and_other_weeks_are_unused() -> None:
    slices = slice_period(FRAME, WEEK, 0.3)
    days = (TIMES_MS - START_MS) // DAY_MS
    assert sorted(slices.fitting) == np.flatnonzero(days < 5).tolist()
    assert sorted(slices.calibrating) == np.flatnonzero((days == 5) | (days == 6)).tolist()
    assert (np.diff(TIMES_MS[slices.all_rows]) > 0).all()


def test_labels_known_after_training_change_no_byte(tmp_path: Path) -> None:
    late = (TIMES_MS - START_MS) // DAY_MS == 3
    known_at_ms = np.where(late, START_MS + 15 * DAY_MS, FRAME.label_known_at_ms)
    frame = replace(FRAME, label_known_at_ms=known_at_ms)
    first = train_bundle(frame, tmp_path / "a", TINY, period=WEEK)
    flipped = replace(frame, labels=frame.labels ^ late)
    assert train_bundle(flipped, tmp_path / "b", TINY, period=WEEK).files == first.files
    later = Period(WEEK.from_ms, WEEK.until_ms, START_MS + 15 * DAY_MS)
    assert train_bundle(flipped, tmp_path / "c", TINY, period=later).files != first.files


def test_a_period_without_frauds_is_refused() -> None:
    with pytest.raises(TrainingError, match="the training slice has no fraud"):
        slice_period(replace(FRAME, labels=np.zeros(ROWS, bool)), WEEK, 0.3)
    with pytest.raises(TrainingError, match="must start before its end"):
        slice_period(FRAME, Period(START_MS, START_MS), 0.3)


def test_period_bundles_are_repeatable_and_agree_with_offline(tmp_path: Path) -> None:
    manifest = train_bundle(FRAME, tmp_path / "a", TINY, period=WEEK)
    assert train_bundle(FRAME, tmp_path / "b", TINY, period=WEEK) == manifest
    trained = train(FRAME, TINY, period=WEEK)
    bundle = load_bundle(tmp_path / "a", FRAME.names, FRAME.feature_set_version)
    online = Ensemble(bundle).predict_many(FRAME.features)[:, 0]
    offline = offline_probabilities(trained.fitted, trained.blend.weights, FRAME.features)
    assert np.abs(online - offline).max() < 1e-5
    assert manifest.metrics["training"]["rows"] == 2_800
    assert manifest.metrics["blending"]["rows"] == manifest.metrics["calibration"]["rows"] == 800


def test_the_model_card_states_the_manifests_figures(tmp_path: Path) -> None:
    manifest = train_bundle(FRAME, tmp_path, TINY, period=WEEK)
    card = model_card(manifest)
    measured = manifest.metrics["calibration"]
    assert f"# Model card: tiny {manifest.version}" in card
    assert f"| ensemble | {measured['scores']['ensemble']['auc']:.3f} | " in card
    assert f"| 100 | {measured['alert_budgets'][1]['threshold']:.4f} | " in card
    assert "2,800 transactions" in card
    assert any("average precision" in line for line in headline_of(manifest))


def test_tuning_ignores_the_calibration_days_and_is_repeatable() -> None:
    found = tune(FRAME, TINY, WEEK, seconds=1e9, most_trials=3)
    assert found.trials == 3
    assert found.average_precision >= found.average_precision_before > 0.3
    later = TIMES_MS >= START_MS + 5 * DAY_MS
    assert tune(replace(FRAME, labels=FRAME.labels ^ later), TINY, WEEK, 1e9, most_trials=3) == found
