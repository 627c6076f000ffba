"""Calibrates blend, rules and thresholds on the slice after training, and measures the result on a slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.blend import BlendFit
from models.budgets import budget_threshold
from models.calibrate_rules import calibrate, final_probabilities
from models.decision_budget import risk_scores, threshold_results
from models.evaluate import RELIABILITY_EDGES, evaluate
from models.fitting import Fitted, Rows, blend_on
from models.frame import TrainingFrame
from models.metrics import average_precision, expected_calibration_error, reliability
from models.scoring_graph import run_summaries
from models.settings import TrainSettings
from models.sparse_measures import Measured, sparse_measures
from models.unusual_budget import choose_unusual_above
from udfs.rules.rule_map import RuleMap
from udfs.scoring.bundle import DecisionModel


@dataclass(frozen=True)
class CalibratedEnsemble:
    """Result of the calibration, with its metrics on the same slice as JSON values."""

    blend: BlendFit
    decision: DecisionModel
    rule_map: RuleMap | None
    metrics: dict[str, Any]


def calibrate_on(frame: TrainingFrame, rows: Rows, fitted: Fitted, settings: TrainSettings) -> CalibratedEnsemble:
    """Calibrate on rows that the models were not fitted on."""
    blend = blend_on(frame, rows, fitted, settings)
    summaries = run_summaries(fitted.graph(blend.weights), frame.features, rows)
    probabilities, anomalies = summaries[:, 0], summaries[:, 2]
    points = None if frame.rule_points is None else frame.rule_points[rows]
    found = calibrate(
        points,
        probabilities,
        frame.labels[rows],
        frame.rule_set,
        frame.timestamps_ms[rows],
        frame.amounts[rows],
        settings.budget,
        DecisionModel(coverage_floor=settings.coverage_floor),
    )
    scores = risk_scores(final_probabilities(found.decision, found.rule_map, probabilities, points))
    unusual = choose_unusual_above(
        scores > found.decision.refer_above, anomalies, frame.labels[rows], settings.unusual_share_of_alerts
    )
    decision = msgspec.structs.replace(found.decision, unusual_above=unusual.above)
    before, after = found.average_precision_cross_fitted or (None, None)
    metrics = {
        "average_precision": blend.average_precision,
        "average_precision_of_trees": blend.average_precision_of_trees,
        "cross_fitted_without_rules": before,
        "cross_fitted_with_rules": after,
        "unusual": unusual.gave,
    }
    return CalibratedEnsemble(blend, decision, found.rule_map, metrics)


def measure_on(
    frame: TrainingFrame,
    rows: Rows,
    fitted: Fitted,
    calibrated: CalibratedEnsemble,
    importance: tuple[float, ...],
    settings: TrainSettings,
) -> dict[str, Any]:
    """Metrics of the model, of the decision by model and rules, and on sparse input, over labelled rows; JSON values."""
    labels, users, times_ms = frame.labels[rows], frame.user_ids[rows], frame.timestamps_ms[rows]
    graph = fitted.graph(calibrated.blend.weights)
    predictions = run_summaries(graph, frame.features, rows)
    evaluation = evaluate(labels, predictions, times_ms, frame.amounts[rows], users, frame.patterns[rows])
    budgets = [
        budget_threshold(labels, predictions[:, 0], users, times_ms, budget) for budget in settings.alert_budgets
    ]
    return {
        **msgspec.to_builtins(evaluation),
        "alert_budgets": msgspec.to_builtins(budgets),
        "decision": _decided(frame, rows, predictions[:, 0], calibrated),
        "sparse": sparse_measures(frame, rows, Measured(graph, calibrated.decision, importance)),
    }


def _decided(
    frame: TrainingFrame, rows: Rows, probabilities: npt.NDArray[np.float32], calibrated: CalibratedEnsemble
) -> dict[str, Any]:
    labels, decision = frame.labels[rows], calibrated.decision
    points = None if frame.rule_points is None else frame.rule_points[rows]
    scores = risk_scores(final_probabilities(decision, calibrated.rule_map, probabilities, points))
    bins = reliability(labels, scores / 1000.0, RELIABILITY_EDGES)
    return {
        "average_precision_of_risk_score": average_precision(labels, scores),
        "average_precision_of_model": average_precision(labels, probabilities),
        "calibration_error": expected_calibration_error(bins),
        "thresholds": {
            name: threshold_results(threshold, scores, labels, frame.amounts[rows], frame.timestamps_ms[rows])
            for name, threshold in (
                ("refer", decision.refer_above),
                ("soft_challenge", decision.soft_challenge_above),
                ("hard_block", decision.hard_block_above),
            )
        },
    }
