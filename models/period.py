"""Training on a given period, for short histories: its last days calibrate a first fit, then all of it is fitted again.

      from                        calibration            until        known until (the moment of training)
       |------------ fit 1 -------------|---- blend ------|...............|
       |---------------------- fit 2, the bundle's -------|

Both fits use only labels known at the moment of training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.frame import TrainingError, TrainingFrame
from models.metrics import DAY_MS
from models.time_slices import check_slice

LEAST_DAYS_TO_CUT_AT_MIDNIGHT = 3


@dataclass(frozen=True)
class Period:
    """Transactions in [from_ms, until_ms) with labels known by `known_until_ms`; None: by the end of the data."""

    from_ms: int
    until_ms: int
    known_until_ms: int | None = None


@dataclass(frozen=True)
class PeriodSlices:
    """Row numbers in order of time; `calibrating` is the later part of `all_rows`, `fitting` the rest."""

    fitting: npt.NDArray[np.int64]
    calibrating: npt.NDArray[np.int64]
    all_rows: npt.NDArray[np.int64]
    calibration_from_ms: int


def slice_period(
    frame: TrainingFrame, period: Period, calibration_share: float, left_out_patterns: tuple[str, ...] = ()
) -> PeriodSlices:
    """Split the period so that the last `calibration_share` of its time calibrates.

    Periods of at least LEAST_DAYS_TO_CUT_AT_MIDNIGHT are split at midnight UTC. Rows of `left_out_patterns` are excluded.
    Raises TrainingError if a slice lacks rows, frauds or legitimate transactions.
    """
    if not (period.from_ms < period.until_ms and 0 < calibration_share < 1):
        raise TrainingError(
            "the training period must start before its end, and the calibration share lie within 0 to 1"
        )
    times_ms = frame.timestamps_ms
    usable = (times_ms >= period.from_ms) & (times_ms < period.until_ms) & frame.label_known
    if period.known_until_ms is not None:
        if frame.label_known_at_ms is None:
            raise TrainingError("the frame has no label times (label_known_at_ms): omit the moment of training")
        usable &= frame.label_known_at_ms <= period.known_until_ms
    usable &= ~np.isin(frame.patterns.astype(str), left_out_patterns)
    rows = np.flatnonzero(usable)
    rows = rows[np.argsort(times_ms[rows], kind="stable")]
    cut_ms = period.until_ms - round((period.until_ms - period.from_ms) * calibration_share)
    if period.until_ms - period.from_ms >= LEAST_DAYS_TO_CUT_AT_MIDNIGHT * DAY_MS:
        cut_ms = round(cut_ms / DAY_MS) * DAY_MS
    cut = int(np.searchsorted(times_ms[rows], cut_ms))
    check_slice("training", frame, rows[:cut])
    check_slice("calibration", frame, rows[cut:])
    return PeriodSlices(rows[:cut], rows[cut:], rows, cut_ms)
