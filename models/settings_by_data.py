"""Training settings by the size of the training data: shallow trees and a low rate for small data, deeper for large.

Only training rows are counted. The limits were chosen on history before the weeks of the benchmarks and on simulated
history (docs/models.md).
"""

from __future__ import annotations

import msgspec
import numpy as np

from models.frame import TrainingFrame
from models.metrics import DAY_MS
from models.period import Period, slice_period
from models.settings import TrainSettings
from models.time_slices import slice_by_time

MEDIUM_FRAUDS = 1_000
LARGE_FRAUDS = 3_000
LARGE_ROWS = 200_000


def settings_by_data(rows: int, frauds: int, days: float, settings: TrainSettings) -> TrainSettings:
    """`settings` with depth, rate, trees and sampling for the given numbers of rows, frauds and days, and with `why`."""
    counted = f"{rows:,} rows with {frauds:,} frauds of {days:.0f} days to learn from"
    if frauds >= LARGE_FRAUDS and rows >= LARGE_ROWS:
        return msgspec.structs.replace(
            settings,
            depth=6,
            learning_rate=0.08,
            trees=500,
            row_fraction=0.8,
            max_bin=512,
            stop_early=True,
            calibration_share=0.2,
            why=f"large ({counted}): deep trees, as many as the later days reward",
        )
    if frauds >= MEDIUM_FRAUDS:
        return msgspec.structs.replace(
            settings,
            depth=5,
            learning_rate=0.1,
            trees=200,
            row_fraction=1.0,
            max_bin=1024,
            why=f"medium ({counted}): the default",
        )
    return msgspec.structs.replace(
        settings,
        depth=4,
        learning_rate=0.05,
        trees=200,
        row_fraction=0.8,
        max_bin=4096,
        why=f"small ({counted}): shallow, slow trees on samples of the rows",
    )


def settings_for(frame: TrainingFrame, period: Period | None, settings: TrainSettings) -> TrainSettings:
    """`settings_by_data` for the training rows of the frame. Raises TrainingError."""
    if period is None:
        learned = slice_by_time(
            frame, settings.training_fraction, settings.blending_fraction, settings.left_out_patterns
        ).training
    else:
        learned = slice_period(frame, period, settings.calibration_share, settings.left_out_patterns).all_rows
    times_ms = frame.timestamps_ms[learned]
    days = float(np.ptp(times_ms)) / DAY_MS
    return settings_by_data(len(learned), int(frame.labels[learned].sum()), days, settings)
