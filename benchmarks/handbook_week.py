"""One date of the protocol: training on logged features, evaluation of the job's decisions in the test week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.handbook_baseline import Settings, fit, predict, tune
from benchmarks.handbook_frame import Logged, LoggedDecisions
from benchmarks.handbook_protocol import DELAY_DAYS, TEST_DAYS, TRAIN_DAYS, Columns, Metrics, measure, split
from cli.progress import progress_bar
from models.explain import Agreement, agreement_with_tree_shap
from models.frame import RuleSetIdentity, TrainingFrame
from models.metrics import DAY_MS
from models.offline import offline_probabilities
from models.period import Period
from models.settings import TrainSettings
from models.settings_by_data import settings_for
from models.train import TrainedEnsemble, save_bundle, train
from udfs.features.feature_set import feature_set_of
from udfs.rules.pack_files import rule_set_of
from udfs.rules.rule_map import content_of
from udfs.scoring.bundle import load_bundle

RULES = "bank"  # the job's default rule set
Rows = npt.NDArray[np.int64]


class DateResult(msgspec.Struct, kw_only=True):
    """Content of metrics.json.

    `ours` is measured by the decisions' probability, `risk_score` by the risk score, `model_alone` by the model without
    rules. `greatest_difference` is the maximum difference of the model's probability to the offline evaluation.
    """

    train_start: str
    train_transactions: int
    train_frauds: int
    test_transactions: int
    measured_transactions: int
    measured_frauds: int
    ours: Metrics
    risk_score: Metrics
    model_alone: Metrics
    trees_alone: Metrics
    handbook: Metrics | None = None
    handbook_settings: dict[str, Any] | None = None
    online_offline_rows: int
    greatest_difference: float
    explanations: Agreement
    bundle_version: str
    blend: dict[str, float]
    rules_weight: float
    refer_above: int
    trees: int
    settings: str


@dataclass(frozen=True)
class TrainedWeek:
    """The bundle, and its models before the export to ONNX."""

    bundle: Path
    version: str
    ensemble: TrainedEnsemble
    settings: TrainSettings


class LoggedWeeks:
    """Logged features from the first date's train week to the last date's."""

    def __init__(self, columns: Columns, files: Sequence[Path], first_day: int, last_day: int) -> None:
        self.columns = columns
        self.decisions = LoggedDecisions(columns.transaction_ids)
        end_row = self._first(last_day + TRAIN_DAYS)
        self._logged = self.decisions.read(files, self._first(first_day), end_row)

    def train_frame(self, day: int) -> TrainingFrame:
        """The train week as a training frame. Raises ValueError where the job logged only part of it."""
        columns = self.columns
        first, end = self._first(day), self._first(day + TRAIN_DAYS)
        logged = self._logged.part((self._logged.rows >= first) & (self._logged.rows < end))
        rows, expected = logged.rows, np.arange(first, end)
        if not np.array_equal(np.sort(rows), expected):
            raise ValueError(f"the job logged {len(rows)} of the train week's {len(expected)} transactions; run again")
        times_ms = columns.timestamps_ms[rows]
        feature_set, rule_set = feature_set_of(), rule_set_of(RULES)
        return TrainingFrame(
            features=logged.features,
            names=feature_set.names,
            feature_set_version=feature_set.version,
            labels=columns.labels[rows],
            timestamps_ms=times_ms,
            amounts=columns.amounts[rows],
            user_ids=columns.user_ids[rows],
            label_known=np.ones(len(rows), bool),
            patterns=np.full(len(rows), None, object),
            description={"source": "handbook", "train_start": str(np.datetime64(day, "D"))},
            label_known_at_ms=times_ms + DELAY_DAYS * DAY_MS,
            groups=feature_set.groups,
            rule_points=logged.points,
            rule_set=RuleSetIdentity(rule_set.name, rule_set.version, content_of(rule_set)),
        )

    def _first(self, day: int) -> int:
        return int(np.searchsorted(self.columns.timestamps_ms, day * DAY_MS))

    def test_rows(self, day: int) -> tuple[int, int]:
        """The test week's first row, and the first row after it."""
        first = day + TRAIN_DAYS + DELAY_DAYS
        return self._first(first), self._first(first + TEST_DAYS)


def train_week(logged: LoggedWeeks, day: int, bundle: Path) -> TrainedWeek:
    """Trains on the train week with the labels known at the start of the test week, and saves the bundle."""
    frame = logged.train_frame(day)
    end = day + TRAIN_DAYS
    period = Period(day * DAY_MS, end * DAY_MS, (end + DELAY_DAYS) * DAY_MS)
    settings = settings_for(frame, period, TrainSettings(name="handbook"))
    with progress_bar("training") as progress:
        ensemble = train(frame, settings, lambda _, share: progress(round(1000 * share), 1000), period)
        progress(1000, 1000)
    return TrainedWeek(bundle, save_bundle(ensemble, frame, bundle, settings).version, ensemble, settings)


def evaluate_week(
    logged: LoggedWeeks, day: int, trained: TrainedWeek, files: Sequence[Path], folder: Path
) -> DateResult:
    """Writes decisions.parquet of the test week, compares it with the offline evaluation and computes the metrics.

    Raises ValueError unless there is exactly one decision per transaction.
    """
    columns, ensemble = logged.columns, trained.ensemble
    first, end = logged.test_rows(day)
    found = logged.decisions.read(files, first, end)
    if not np.array_equal(np.sort(found.rows), np.arange(first, end)):
        raise ValueError(f"{len(found.rows)} decisions on the test week's {end - first} transactions")
    _write_decisions(folder / "decisions.parquet", columns, found)
    offline = offline_probabilities(ensemble.fitted, ensemble.blend.weights, found.features)
    train_rows, measured = split(columns, day)

    def measured_by(scores: npt.NDArray[Any]) -> Metrics:
        by_row = np.full(len(columns.labels), np.nan)
        by_row[found.rows] = scores
        return measure(columns, measured, by_row[measured])

    feature_set, decision = feature_set_of(), ensemble.decision
    return DateResult(
        train_start=str(np.datetime64(day, "D")),
        train_transactions=len(train_rows),
        train_frauds=int(columns.labels[train_rows].sum()),
        test_transactions=end - first,
        measured_transactions=len(measured),
        measured_frauds=int(columns.labels[measured].sum()),
        ours=measured_by(found.probabilities),
        risk_score=measured_by(found.risk_scores),
        model_alone=measured_by(found.model_probabilities),
        trees_alone=measured_by(ensemble.fitted.boosting.margins(found.features)),
        online_offline_rows=len(found.rows),
        greatest_difference=float(np.abs(offline - found.model_probabilities).max()),
        explanations=agreement_with_tree_shap(
            load_bundle(trained.bundle, feature_set.names, feature_set.version),
            ensemble.fitted.boosting,
            found.features[found.risk_scores > decision.refer_above],
        ),
        bundle_version=trained.version,
        blend=msgspec.to_builtins(ensemble.blend.weights),
        rules_weight=decision.rules_weight,
        refer_above=decision.refer_above,
        trees=len(ensemble.fitted.forest.trees),
        settings=trained.settings.why,
    )


def score_baseline(result: DateResult, features: npt.NDArray[np.float32], columns: Columns, day: int) -> DateResult:
    """Adds the metrics of the handbook's features and tuned XGBoost on the same weeks."""
    with progress_bar("the handbook's own"):
        train_rows, measured = split(columns, day)
        settings: Settings = tune(features, columns, day)
        probabilities = predict(fit(features, columns, train_rows, settings), features[measured])
    result.handbook = measure(columns, measured, probabilities)
    result.handbook_settings = settings._asdict()
    return result


def _write_decisions(path: Path, columns: Columns, found: Logged) -> None:
    rows = found.rows
    table = pa.table(
        {
            "transaction_id": columns.transaction_ids[rows],
            "user_id": columns.user_ids[rows],
            "timestamp": pa.array(columns.timestamps_ms[rows], pa.timestamp("ms", tz="UTC")),
            "probability": found.probabilities,
            "risk_score": found.risk_scores,
        }
    )
    pq.write_table(table, path)
