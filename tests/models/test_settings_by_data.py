"""Training settings by the size of the training data."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from models.metrics import DAY_MS
from models.period import Period
from models.settings import TrainSettings
from models.settings_by_data import settings_by_data, settings_for
from tests.models.synthetic import MINUTE_MS, START_MS, synthetic_frame

FRAME = synthetic_frame()


@pytest.mark.parametrize(
    ("rows", "frauds", "size", "depth", "rate", "stop_early"),
    [
        (60_000, 400, "small", 4, 0.05, False),
        (2_000_000, 900, "small", 4, 0.05, False),
        (246_000, 1_500, "medium", 5, 0.1, False),
        (40_000, 5_000, "medium", 5, 0.1, False),
        (1_300_000, 6_000, "large", 6, 0.08, True),
    ],
)
def test_depth_and_rate_depend_on_rows_and_frauds(
    rows: int, frauds: int, size: str, depth: int, rate: float, stop_early: bool
) -> None:
    given = TrainSettings(name="mine", seed=7, reasons="shapley")
    chosen = settings_by_data(rows, frauds, 30.0, given)
    assert (chosen.depth, chosen.learning_rate, chosen.stop_early) == (depth, rate, stop_early)
    assert chosen.why.startswith(f"{size} ({rows:,} rows with {frauds:,} frauds of 30 days")
    assert (chosen.name, chosen.seed, chosen.reasons, chosen.sparse_share) == ("mine", 7, "shapley", 0.5)


def test_the_small_settings_are_those_of_a_short_period() -> None:
    short = TrainSettings.short_period()
    chosen = settings_by_data(60_000, 400, 7.0, TrainSettings())
    assert msgspec.structs.replace(chosen, why=short.why) == short


def test_evaluation_rows_are_not_counted() -> None:
    minutes = (FRAME.timestamps_ms - START_MS) // MINUTE_MS
    later = minutes >= 3_200
    before = settings_for(FRAME, None, TrainSettings())
    assert settings_for(replace(FRAME, labels=FRAME.labels ^ later), None, TrainSettings()) == before
    frauds = int(FRAME.labels[minutes < 2_400].sum())
    assert f"2,400 rows with {frauds:,} frauds of 2 days" in before.why


def test_all_rows_of_a_period_are_counted() -> None:
    times_ms = START_MS + (FRAME.timestamps_ms - START_MS) * 5
    frame = replace(FRAME, timestamps_ms=times_ms, label_known_at_ms=times_ms)
    period = Period(START_MS, START_MS + 10 * DAY_MS)
    inside = (times_ms >= period.from_ms) & (times_ms < period.until_ms)
    why = settings_for(frame, period, TrainSettings()).why
    assert f"{int(inside.sum()):,} rows with {int(FRAME.labels[inside].sum()):,} frauds of 10 days" in why
    assert np.ptp(times_ms) > 13 * DAY_MS
