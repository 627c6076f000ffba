"""Metrics of a bundle on input with fewer features than in training."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from models.calibrate_rules import final_probabilities
from models.decision_budget import risk_scores
from models.evaluate import RELIABILITY_EDGES
from models.feature_facts import coverage_of
from models.fitting import Rows
from models.frame import TrainingFrame
from models.metrics import average_precision, expected_calibration_error, reliability
from models.scoring_graph import run_summaries
from models.sparse_views import VIEWS, view_of
from udfs.scoring.bundle import DecisionModel


class Measured(NamedTuple):
    """The scoring graph, the decision model and the features' importance."""

    graph: bytes
    decision: DecisionModel
    importance: tuple[float, ...]


def sparse_measures(frame: TrainingFrame, rows: Rows, measured: Measured) -> list[dict[str, Any]]:
    """One entry per view of `models.sparse_views` (only the full view without groups), in JSON values.

    Rules are left out, since they would have to be evaluated again on each view.
    """
    labels, found = frame.labels[rows], []
    for view in VIEWS if frame.groups else VIEWS[:1]:
        features = view_of(frame.features[rows], frame.groups, view)
        outputs = run_summaries(measured.graph, features, np.arange(len(features)))
        probabilities = final_probabilities(measured.decision, None, outputs[:, 0], None)
        allowed = risk_scores(probabilities) <= measured.decision.refer_above
        found.append(
            {
                "view": view,
                "coverage": coverage_of(frame.groups, measured.importance, features),
                "average_precision": average_precision(labels, probabilities),
                "legitimate_allowed": float(allowed[~labels].mean()) if (~labels).any() else None,
                "frauds_referred": float((~allowed[labels]).mean()) if labels.any() else None,
                "calibration_error": expected_calibration_error(reliability(labels, probabilities, RELIABILITY_EDGES)),
            }
        )
    return found
