"""TrainingFrame: validation and slices by time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.frame import RuleSetIdentity, TrainingError, check_frame, finite, joined_frames
from models.time_slices import slice_by_time
from tests.models.synthetic import LABEL_DELAY_MS, MINUTE_MS, START_MS, synthetic_frame

FRAME = synthetic_frame(1_000)


def test_slices_are_consecutive_and_contain_every_row_once() -> None:
    slices = slice_by_time(FRAME, 0.6, 0.2)
    times = FRAME.timestamps_ms
    assert slices.training_end_ms == START_MS + 600 * MINUTE_MS
    assert slices.blending_end_ms == START_MS + 800 * MINUTE_MS
    assert times[slices.training].tolist() == [START_MS + MINUTE_MS * minute for minute in range(600)]
    assert times[slices.blending].tolist() == [START_MS + MINUTE_MS * minute for minute in range(600, 800)]
    assert times[slices.evaluation].tolist() == [START_MS + MINUTE_MS * minute for minute in range(800, 1_000)]


def test_transactions_of_the_same_moment_stay_in_one_slice() -> None:
    hours = FRAME.timestamps_ms // (97 * MINUTE_MS)
    slices = slice_by_time(replace(FRAME, timestamps_ms=hours), 0.6, 0.2)
    parts = [set(hours[rows].tolist()) for rows in (slices.training, slices.blending, slices.evaluation)]
    assert all(parts)
    assert max(parts[0]) < min(parts[1])
    assert max(parts[1]) < min(parts[2])


def test_labels_that_arrive_after_a_slice_are_not_learned_from_but_evaluated() -> None:
    frame = replace(FRAME, label_known_at_ms=FRAME.timestamps_ms + LABEL_DELAY_MS // 10)
    slices = slice_by_time(frame, 0.6, 0.2)
    assert frame.timestamps_ms[slices.training].max() == START_MS + 540 * MINUTE_MS
    assert frame.timestamps_ms[slices.blending].max() == START_MS + 740 * MINUTE_MS
    assert frame.timestamps_ms[slices.evaluation].max() == START_MS + 999 * MINUTE_MS


def test_rows_without_a_known_label_are_in_no_slice() -> None:
    known = np.arange(1_000) % 2 == 0
    slices = slice_by_time(replace(FRAME, label_known=known), 0.6, 0.2)
    used = np.concatenate([slices.training, slices.blending, slices.evaluation])
    assert sorted(used.tolist()) == list(range(0, 1_000, 2))


def test_left_out_patterns_are_only_evaluated() -> None:
    slices = slice_by_time(FRAME, 0.6, 0.2, ("odd_balance",))
    assert "odd_balance" not in FRAME.patterns[np.concatenate([slices.training, slices.blending])].tolist()
    assert "odd_balance" in FRAME.patterns[slices.evaluation].tolist()
    assert "takeover" in FRAME.patterns[slices.training].tolist()


@pytest.mark.parametrize(
    ("slice_name", "first_minute", "last_minute"),
    [("training", 0, 600), ("blending", 600, 800), ("evaluation", 800, 1000)],
)
@pytest.mark.parametrize(("label", "lack"), [(False, "no fraud"), (True, "no legitimate transaction")])
def test_a_slice_of_one_class_is_refused_by_name(
    slice_name: str, first_minute: int, last_minute: int, label: bool, lack: str
) -> None:
    minutes = (FRAME.timestamps_ms - START_MS) // MINUTE_MS
    labels = np.where((minutes >= first_minute) & (minutes < last_minute), label, FRAME.labels)
    with pytest.raises(TrainingError, match=f"the {slice_name} slice has {lack} among"):
        slice_by_time(replace(FRAME, labels=labels), 0.6, 0.2)


def test_a_slice_without_known_labels_is_refused() -> None:
    frame = replace(FRAME, label_known_at_ms=np.full(1_000, START_MS + 10**12), label_delay_ms=36 * 60 * MINUTE_MS)
    expected = (
        r"the training slice has no transaction with a known label: a label counts 1.5 days after its transaction "
    )
    with pytest.raises(TrainingError, match=expected + r"\(--label-delay\)"):
        slice_by_time(frame, 0.6, 0.2)


@pytest.mark.parametrize("fractions", [(0.0, 0.2), (0.6, 0.4), (0.6, -0.1)])
def test_fractions_that_leave_a_slice_empty_are_refused(fractions: tuple[float, float]) -> None:
    with pytest.raises(TrainingError, match="must be positive, below 1 in sum"):
        slice_by_time(FRAME, *fractions)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"names": FRAME.names[:-1]}, "11 feature names for 12 feature columns"),
        ({"names": ("amount", *FRAME.names[:-1])}, "must be distinct; repeated: amount"),
        ({"features": FRAME.features.astype(np.float64)}, "float32 matrix .* not float64"),
        ({"labels": FRAME.labels[1:]}, "labels has 999 values for 1000 rows"),
        ({"label_known_at_ms": FRAME.timestamps_ms[2:]}, "label_known_at_ms has 998 values"),
        ({"rule_points": np.zeros(999, np.int32), "rule_set": ("bank", 1, "")}, "rule_points has 999 values"),
        ({"rule_points": np.zeros(1000, np.int32)}, "rule_points and rule_set must be given together"),
        ({"groups": {"device": (3, 12)}}, "group device has a column outside of the 12 feature columns"),
        ({"description": {"made": object()}}, "description of the data must consist of JSON values"),
    ],
)
def test_inconsistent_columns_are_refused_with_the_cause(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        check_frame(replace(FRAME, **changes))


def test_too_few_rows_are_refused_with_the_number_needed() -> None:
    with pytest.raises(TrainingError, match="120 transactions are too few to train on; give at least 500"):
        check_frame(synthetic_frame(120))


def test_infinities_become_the_largest_floats_and_nan_is_kept() -> None:
    largest = float(np.finfo(np.float32).max)
    given = np.array([[np.inf, -np.inf, np.nan, 1.5]], np.float32)
    assert finite(given)[0, [0, 1, 3]].tolist() == [largest, -largest, 1.5]
    assert np.isnan(finite(given)[0, 2])
    assert np.isposinf(given[0, 0])


def test_joined_frames_contain_all_rows_with_distinct_users() -> None:
    bank = RuleSetIdentity("bank", 1, "0123456789abcdef")
    first = replace(FRAME, rule_points=np.arange(1_000, dtype=np.int32), rule_set=bank)
    second = replace(
        synthetic_frame(600, seed=5), rule_points=np.zeros(600, np.int32), rule_set=bank, label_known_at_ms=None
    )
    joined = joined_frames([first, second])
    check_frame(joined)
    for column in ("features", "labels", "timestamps_ms", "amounts", "label_known", "patterns", "rule_points"):
        np.testing.assert_array_equal(getattr(joined, column)[:1_000], getattr(first, column))
        np.testing.assert_array_equal(getattr(joined, column)[1_000:], getattr(second, column))
    assert joined.user_ids[0] == f"1:{first.user_ids[0]}"
    assert joined.user_ids[1_000] == f"2:{second.user_ids[0]}"
    assert joined.label_known_at_ms is None
    assert joined.description == {"banks": [first.description, second.description]}
    assert (joined.groups, joined.rule_set) == (first.groups, bank)


def test_frames_with_different_features_or_rules_are_not_joined() -> None:
    other = replace(FRAME, rule_points=np.zeros(1_000, np.int32), rule_set=RuleSetIdentity("bank", 2, ""))
    with pytest.raises(TrainingError, match="different features or rules"):
        joined_frames([FRAME, other])
