"""Recalibration of a bundle for a rule set, with an unchanged model."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models.calibrate_rules import final_probabilities
from models.decision_budget import FixedThresholds
from models.frame import RuleSetIdentity, TrainingError, TrainingFrame
from models.metrics import average_precision
from models.recalibrate import recalibrate
from models.train import train_bundle
from tests.models.synthetic import FEATURE_SET_VERSION, NAMES, TINY, synthetic_frame
from udfs.scoring.bundle import Bundle, load_bundle
from udfs.scoring.ensemble import Ensemble

RULES = RuleSetIdentity("own", 4, "c0ffee")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bundle]:
    folder = tmp_path_factory.mktemp("bundle")
    train_bundle(synthetic_frame(), folder, TINY)
    return folder, load_bundle(folder, NAMES, FEATURE_SET_VERSION)


def with_points(frame: TrainingFrame, seed: int = 3) -> TrainingFrame:
    """A frame with informative rule points: most frauds have 40 or more, few others do."""
    random = np.random.default_rng(seed)
    points = np.where(frame.labels, random.choice([0, 40, 80], len(frame.labels), p=[0.2, 0.4, 0.4]),
                      random.choice([0, 40, 80], len(frame.labels), p=[0.9, 0.09, 0.01])).astype(np.int32)  # fmt: skip
    return replace(frame, rule_points=points, rule_set=RULES)


def test_the_new_bundle_has_map_blend_thresholds_and_same_model(trained: tuple[Path, Bundle], tmp_path: Path) -> None:
    folder, bundle = trained
    frame = with_points(synthetic_frame(rows=6_000, seed=9))
    result = recalibrate(frame, bundle, folder, tmp_path / "new")
    decision = result.manifest.decision
    assert result.manifest.version != bundle.manifest.version
    assert result.manifest.files == bundle.manifest.files
    assert [known.content for known in decision.rule_maps] == [RULES.content]
    (rule_map,) = decision.rule_maps
    assert (rule_map.rule_set, rule_map.version, rule_map.rows, rule_map.frauds) == (
        "own", 4, result.rows, result.frauds,
    )  # fmt: skip
    assert all(later >= earlier for earlier, later in pairwise(rule_map.rates))
    observed = [frame.labels[frame.rule_points == points].mean() for points in (0, 40, 80)]
    rates = dict(zip(rule_map.points, rule_map.rates, strict=True))
    assert [rates[points] for points in (0, 40, 80)] == pytest.approx(observed, rel=0.35)
    load_bundle(tmp_path / "new", NAMES, FEATURE_SET_VERSION)


def test_informative_rules_raise_average_precision_elsewhere(trained: tuple[Path, Bundle], tmp_path: Path) -> None:
    folder, bundle = trained
    result = recalibrate(with_points(synthetic_frame(rows=6_000, seed=9)), bundle, folder, tmp_path / "new")
    assert result.manifest.decision.rules_weight > 0
    other = with_points(synthetic_frame(rows=6_000, seed=21), seed=5)
    model = Ensemble(bundle).predict_many(other.features)[:, 0]
    blended = final_probabilities(result.manifest.decision, result.calibrated.rule_map, model, other.rule_points)
    assert average_precision(other.labels, blended) > average_precision(other.labels, model) + 0.02
    assert abs(blended.mean() - other.labels.mean()) < 0.01


def test_payments_after_the_training_are_preferred(trained: tuple[Path, Bundle], tmp_path: Path) -> None:
    folder, bundle = trained
    until_ms = bundle.manifest.metrics["training"]["until_ms"]
    later = recalibrate(with_points(synthetic_frame(rows=6_000, seed=9)), bundle, folder, tmp_path / "a")
    assert later.is_unseen
    assert later.from_ms >= until_ms
    frame = with_points(synthetic_frame(rows=2_000, seed=9))
    assert frame.timestamps_ms.max() < until_ms
    seen = recalibrate(frame, bundle, folder, tmp_path / "b")
    assert (seen.is_unseen, seen.rows) == (False, pytest.approx(600, abs=1))


def test_a_given_budget_overrides_the_bundles_own(trained: tuple[Path, Bundle], tmp_path: Path) -> None:
    folder, bundle = trained
    frame = with_points(synthetic_frame(rows=6_000, seed=9))
    chosen = recalibrate(frame, bundle, folder, tmp_path / "new", FixedThresholds(11, 22, 33)).manifest.decision
    assert (chosen.refer_above, chosen.soft_challenge_above, chosen.hard_block_above) == (11, 22, 33)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule_points": None}, "has no rule points"),
        ({"rule_points": np.zeros(6_000, np.int32)}, "no payment has rule points"),
        ({"labels": np.zeros(6_000, bool)}, "with 0 frauds are too few"),
        ({"label_known": np.zeros(6_000, bool)}, "0 labelled payments"),
    ],
)
def test_history_without_frauds_or_points_is_refused(
    trained: tuple[Path, Bundle], tmp_path: Path, change: dict[str, object], message: str
) -> None:
    folder, bundle = trained
    frame = replace(with_points(synthetic_frame(rows=6_000, seed=9)), **change)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match=message):
        recalibrate(frame, bundle, folder, tmp_path / "new")
    assert not (tmp_path / "new").exists()
