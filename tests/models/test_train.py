"""Training a whole bundle on a synthetic history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from models.frame import TrainingError, TrainingFrame
from models.settings import TrainSettings
from models.train import train_bundle
from tests.models.synthetic import LABEL_DELAY_MS, MINUTE_MS, START_MS, TINY, synthetic_frame
from udfs.scoring.bundle import Manifest, load_bundle, read_manifest
from udfs.scoring.ensemble import Ensemble

FRAME = synthetic_frame()
FILES = ("manifest.json", "model.onnx", "explain.onnx")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    folder = tmp_path_factory.mktemp("trained")
    return folder, train_bundle(FRAME, folder, TINY)


def minutes_of(frame: TrainingFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return (frame.timestamps_ms - START_MS) // MINUTE_MS


def predictions_of(folder: Path) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    bundle = load_bundle(folder, FRAME.names, FRAME.feature_set_version)
    return Ensemble(bundle).predict_many(FRAME.features)


def test_same_frame_and_settings_give_the_same_bytes(trained: tuple[Path, Manifest], tmp_path: Path) -> None:
    again = train_bundle(FRAME, tmp_path, TINY)
    assert again == trained[1]
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (trained[0] / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_the_returned_manifest_is_the_one_in_the_folder(trained: tuple[Path, Manifest]) -> None:
    folder, manifest = trained
    assert read_manifest(folder) == manifest
    assert manifest.feature_names == FRAME.names
    assert manifest.description == {"source": "synthetic", "seed": 1}
    assert manifest.settings["trees"] == 25
    assert set(manifest.libraries) == {"numpy", "onnx", "onnxruntime", "scikit-learn", "scipy", "xgboost"}


def test_metrics_are_those_of_the_last_fifth(trained: tuple[Path, Manifest]) -> None:
    folder, manifest = trained
    last = minutes_of(FRAME) >= 3_200
    labels, predictions = FRAME.labels[last], predictions_of(folder)[last]
    found = manifest.metrics["evaluation"]
    assert (found["rows"], found["frauds"]) == (800, int(labels.sum()))
    for column, name in enumerate(("ensemble", "xgboost", "autoencoder")):
        expected = average_precision_score(labels, predictions[:, column])
        assert found["scores"][name]["average_precision"] == pytest.approx(expected)
        assert found["scores"][name]["auc"] == pytest.approx(roc_auc_score(labels, predictions[:, column]))
    alerted = predictions[:, 0] > 0.5
    at_half = found["thresholds"][0]
    assert at_half["precision"] == pytest.approx((alerted & labels).sum() / alerted.sum())
    assert at_half["recall"] == pytest.approx((alerted & labels).sum() / labels.sum())
    amount = FRAME.amounts[last]
    assert found["fraud_amount"] == pytest.approx(amount[labels].sum())
    assert found["fraud_amount_caught_above"]["0.5"] == pytest.approx(amount[labels & alerted].sum())
    takeover = FRAME.patterns[last] == "takeover"
    assert found["patterns"]["takeover"]["frauds"] == takeover.sum()
    assert found["patterns"]["takeover"]["recall_above"]["0.5"] == pytest.approx(alerted[takeover].mean())
    assert set(found["patterns"]) == {"takeover", "odd_balance"}


def test_the_ensemble_ranks_the_blending_slice_no_worse_than_the_trees(trained: tuple[Path, Manifest]) -> None:
    folder, manifest = trained
    minutes = minutes_of(FRAME)
    blending = (minutes >= 2_400) & (minutes < 3_200)
    predictions = predictions_of(folder)[blending].astype(np.float64)
    labels = FRAME.labels[blending]
    assert manifest.metrics["blending"]["rows"] == 800
    assert (
        average_precision_score(labels, predictions[:, 0]) >= average_precision_score(labels, predictions[:, 1]) - 1e-9
    )


def test_a_learned_ensemble_separates_fraud(trained: tuple[Path, Manifest]) -> None:
    scores = trained[1].metrics["evaluation"]["scores"]
    assert scores["ensemble"]["auc"] > 0.85
    assert scores["ensemble"]["average_precision"] > 0.5
    assert trained[1].metrics["evaluation"]["expected_calibration_error"] < 0.05


def test_the_last_slice_changes_the_metrics_and_nothing_else(trained: tuple[Path, Manifest], tmp_path: Path) -> None:
    last = minutes_of(FRAME) >= 3_200
    features = np.where(last[:, None], FRAME.features * 3, FRAME.features)
    other = train_bundle(replace(FRAME, labels=FRAME.labels ^ last, features=features), tmp_path, TINY)
    assert other.files == trained[1].files
    assert other.metrics["evaluation"] != trained[1].metrics["evaluation"]


def test_labels_not_known_in_time_do_not_matter(tmp_path: Path) -> None:
    minutes = minutes_of(FRAME)
    late = ((minutes >= 2_000) & (minutes < 2_400)) | ((minutes >= 2_800) & (minutes < 3_200))
    known_at_ms = np.where(late, FRAME.timestamps_ms + LABEL_DELAY_MS, FRAME.timestamps_ms)
    frame = replace(FRAME, label_known_at_ms=known_at_ms)
    flipped = replace(frame, labels=FRAME.labels ^ late)
    first = train_bundle(frame, tmp_path / "a", TINY)
    assert train_bundle(flipped, tmp_path / "b", TINY).files == first.files
    assert train_bundle(replace(flipped, label_known_at_ms=None), tmp_path / "c", TINY).files != first.files


def test_the_autoencoder_detects_a_pattern_unseen_in_training(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(TINY, left_out_patterns=("odd_balance",), epochs=20)
    manifest = train_bundle(FRAME, tmp_path, settings)
    recalls = manifest.metrics["evaluation"]["patterns"]["odd_balance"]["recall_at_false_positive_rate"]
    assert recalls["autoencoder"]["0.03"] > recalls["xgboost"]["0.03"] + 0.2


def test_infinite_features_are_trained_on_like_very_large_ones(tmp_path: Path) -> None:
    features = FRAME.features.copy()
    features[::50, 4] = np.inf
    manifest = train_bundle(replace(FRAME, features=features), tmp_path, TINY)
    assert manifest.metrics["evaluation"]["scores"]["ensemble"]["auc"] > 0.8


def test_progress_only_rises_and_ends_at_one(tmp_path: Path) -> None:
    reported: list[tuple[str, float]] = []
    train_bundle(FRAME, tmp_path, TINY, lambda stage, fraction: reported.append((stage, fraction)))
    fractions = [fraction for _, fraction in reported]
    assert fractions == sorted(fractions)
    assert reported[-1] == ("done", 1.0)
    assert {stage for stage, _ in reported} >= {"growing trees", "training the autoencoder"}


def test_a_frame_that_cannot_train_leaves_no_folder_behind(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the training slice has no fraud"):
        train_bundle(replace(FRAME, labels=np.zeros(len(FRAME.labels), bool)), tmp_path / "none", TINY)
    assert not (tmp_path / "none").exists()


def test_an_older_bundle_in_the_folder_is_replaced(tmp_path: Path) -> None:
    first = train_bundle(FRAME, tmp_path, TINY)
    second = train_bundle(FRAME, tmp_path, msgspec.structs.replace(TINY, seed=7))
    assert second.version != first.version
    assert read_manifest(tmp_path) == second


def test_quick_settings_differ_only_in_effort() -> None:
    full, quick = TrainSettings(), TrainSettings.quick()
    assert quick.trees < full.trees
    assert quick.epochs < full.epochs
    assert quick.hidden_layers == full.hidden_layers == (32, 16, 8, 16, 32)
    assert (full.trees, full.depth, full.max_bin) == (200, 5, 4096)
