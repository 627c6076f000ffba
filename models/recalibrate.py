"""Recalibrates a bundle for a rule set: new rule map, blend and thresholds, unchanged model."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from models.calibrate_rules import Calibrated, calibrate
from models.decision_budget import Budget
from models.frame import TrainingError, TrainingFrame
from models.manifest import write_bundle
from udfs.scoring.bundle import EXPLAIN_FILE, MODEL_FILE, Bundle, Manifest
from udfs.scoring.ensemble import Ensemble

LEAST_ROWS = 500
LEAST_FRAUDS = 20
LATER_SHARE = 0.3

Rows = npt.NDArray[np.int64]


class Recalibrated(NamedTuple):
    """The written bundle and its calibration data: `rows` payments from `from_ms` on with `frauds` known frauds.

    `is_unseen`: the model was fitted on none of them.
    """

    manifest: Manifest
    calibrated: Calibrated
    from_ms: int
    rows: int
    frauds: int
    is_unseen: bool


def recalibrate(
    frame: TrainingFrame, bundle: Bundle, folder: Path, out: Path, budget: Budget | None = None
) -> Recalibrated:
    """Calibrate the frame's rule set on payments after the model's training data, and write the new bundle to `out`.

    `folder` is the folder of `bundle`. If there are too few later payments, the last 30 % of all are used. Without a
    `budget` that of the bundle is used again. Raises TrainingError for too few payments or frauds, or without rule points.
    """
    manifest = bundle.manifest
    if frame.rule_points is None or frame.rule_set is None:
        raise TrainingError("the frame has no rule points: replay the history with a rule set")
    usable = np.flatnonzero(frame.label_known & (frame.rule_points >= 0))
    rows, is_unseen = _later_rows(frame, usable, manifest)
    labels = frame.labels[rows]
    if len(rows) < LEAST_ROWS or int(labels.sum()) < LEAST_FRAUDS or labels.all():
        raise TrainingError(
            f"{len(rows)} labelled payments with {int(labels.sum())} frauds are too few to calibrate rules; at least "
            f"{LEAST_ROWS} with {LEAST_FRAUDS} frauds are required (a payment counts after the label delay)"
        )
    if not frame.rule_points[rows].any():
        raise TrainingError("no payment has rule points: check that the rules fit the columns of the data")
    probabilities = Ensemble(bundle).predict_many(frame.features[rows])[:, 0]
    calibrated = calibrate(
        frame.rule_points[rows],
        probabilities,
        labels,
        frame.rule_set,
        frame.timestamps_ms[rows],
        frame.amounts[rows],
        budget or _budget_of(manifest),
        manifest.decision,
    )
    written = write_bundle(
        out,
        msgspec.structs.replace(manifest, decision=calibrated.decision),
        (folder / MODEL_FILE).read_bytes(),
        (folder / EXPLAIN_FILE).read_bytes(),
    )
    from_ms = int(frame.timestamps_ms[rows].min())
    return Recalibrated(written, calibrated, from_ms, len(rows), int(labels.sum()), is_unseen)


def _later_rows(frame: TrainingFrame, usable: Rows, manifest: Manifest) -> tuple[Rows, bool]:
    until_ms = manifest.metrics.get("training", {}).get("until_ms")
    if isinstance(until_ms, int):
        unseen = usable[frame.timestamps_ms[usable] >= until_ms]
        if len(unseen) >= LEAST_ROWS and int(frame.labels[unseen].sum()) >= LEAST_FRAUDS:
            return unseen, True
    times_ms = frame.timestamps_ms[usable]
    if not len(times_ms):
        return usable, False
    from_ms = np.quantile(times_ms, 1.0 - LATER_SHARE)
    return usable[times_ms >= from_ms], False


def _budget_of(manifest: Manifest) -> Budget | None:
    """The budget of the bundle's thresholds."""
    chosen_for = manifest.decision.budget.get("chosen_for")
    return None if chosen_for is None else msgspec.convert(chosen_for, Budget)
