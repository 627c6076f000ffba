"""Slices of a training frame by time, each with frauds and legitimate transactions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.frame import TrainingError, TrainingFrame
from models.metrics import DAY_MS


@dataclass(frozen=True)
class TimeSlices:
    """Row numbers of three consecutive periods, each in order of time, without rows that must not be used.

    Rows of one moment are in one slice. `training_end_ms` and `blending_end_ms` are the exclusive ends of the slices.
    """

    training: npt.NDArray[np.int64]
    blending: npt.NDArray[np.int64]
    evaluation: npt.NDArray[np.int64]
    training_end_ms: int
    blending_end_ms: int


def slice_by_time(
    frame: TrainingFrame, training_fraction: float, blending_fraction: float, left_out_patterns: tuple[str, ...] = ()
) -> TimeSlices:
    """Split the frame by event time, with about the given fractions of all rows in the first two slices.

    Rows of `left_out_patterns` are excluded from the first two. Raises TrainingError if a slice lacks rows, frauds or
    legitimate transactions.
    """
    if not (training_fraction > 0 and blending_fraction > 0 and training_fraction + blending_fraction < 1):
        raise TrainingError(
            f"the fractions {training_fraction} and {blending_fraction} must be positive, below 1 in sum"
        )
    if len(frame.timestamps_ms) == 0:
        raise TrainingError("there is no transaction to train on: give a history with transactions and their labels")
    order = np.argsort(frame.timestamps_ms, kind="stable")
    times = frame.timestamps_ms[order]
    training_end_ms = int(times[int(len(times) * training_fraction)])
    blending_end_ms = int(times[int(len(times) * (training_fraction + blending_fraction))])
    training_stop, blending_stop = np.searchsorted(times, [training_end_ms, blending_end_ms]).tolist()

    learnable = frame.label_known & ~np.isin(frame.patterns.astype(str), left_out_patterns)
    slices = TimeSlices(
        training=_usable(order[:training_stop], learnable, frame.label_known_at_ms, training_end_ms),
        blending=_usable(order[training_stop:blending_stop], learnable, frame.label_known_at_ms, blending_end_ms),
        evaluation=_usable(order[blending_stop:], frame.label_known, None, blending_end_ms),
        training_end_ms=training_end_ms,
        blending_end_ms=blending_end_ms,
    )
    for name in ("training", "blending", "evaluation"):
        check_slice(name, frame, getattr(slices, name))
    return slices


def _usable(
    rows: npt.NDArray[np.int64],
    allowed: npt.NDArray[np.bool_],
    known_at_ms: npt.NDArray[np.int64] | None,
    end_ms: int,
) -> npt.NDArray[np.int64]:
    usable: npt.NDArray[np.int64] = rows[allowed[rows]]
    if known_at_ms is not None:
        usable = usable[known_at_ms[usable] <= end_ms]
    return usable


def check_slice(name: str, frame: TrainingFrame, rows: npt.NDArray[np.int64]) -> None:
    """Raise TrainingError unless the slice has frauds and legitimate transactions."""
    labels = frame.labels[rows]
    frauds = int(labels.sum())
    advice = "use a longer history or more labels"
    if len(labels) == 0:
        raise TrainingError(
            f"the {name} slice has no transaction with a known label: a label counts "
            f"{frame.label_delay_ms / DAY_MS:g} days after its transaction (--label-delay), or when it became known, if "
            f"that is later (a mapping's delay_days); {advice}"
        )
    if frauds == 0:
        raise TrainingError(f"the {name} slice has no fraud among {len(labels)} labelled transactions; {advice}")
    if frauds == len(labels):
        raise TrainingError(f"the {name} slice has no legitimate transaction among {len(labels)}; {advice}")
