"""Evaluation of the model's probabilities over a scored run with known truth (`fraud evaluate`)."""

from __future__ import annotations

import msgspec
import numpy as np

from models.budgets import BudgetThreshold, budget_threshold
from models.evaluate import FALSE_POSITIVE_RATES
from models.intervals import CustomerBootstrap, Interval
from models.metrics import (
    ReliabilityBin,
    at_threshold,
    average_precision,
    brier_score,
    card_precision_at_k,
    caught_above,
    caught_from,
    expected_calibration_error,
    recall_at_false_positive_rate,
    reliability,
    roc_auc,
    scores_at_false_positive_rates,
)
from reporting.charts.reliability_curve import EDGES
from reporting.decisions import Column
from reporting.detection import CARDS_PER_DAY, calibration_error, card_precision_applies, defined
from reporting.errors import RunFilesError
from reporting.run_files import Run
from reporting.truth import NOT_NAMED

UNNAMED = "(no pattern named)"


class Figure(msgspec.Struct, frozen=True):
    """A figure and its 95 % bootstrap interval over customers; None = not defined for this run."""

    value: float | None
    low: float | None = None
    high: float | None = None


class ThresholdRow(msgspec.Struct, frozen=True):
    """Alerts on probabilities above a threshold. `amount_saved`: amount of the alerted frauds, in major units."""

    threshold: float
    alerts: int
    precision: Figure
    recall: Figure
    f1: float | None
    false_positive_rate: float | None
    amount_saved: float


class PatternRow(msgspec.Struct, frozen=True):
    """One fraud pattern: its frauds, and its recall above each threshold and at overall false-positive rates."""

    pattern: str
    frauds: int
    amount: float
    recall_above: dict[str, float]
    recall_at_false_positive_rate: dict[str, float]


class MonthRow(msgspec.Struct, frozen=True):
    """Metrics of one calendar month (UTC)."""

    month: str
    transactions: int
    frauds: int
    auc: float | None
    average_precision: float | None
    card_precision_100: float | None
    predicted_fraud_share: float
    fraud_share: float


class EvaluationReport(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of an evaluation. Figures are of the model's probability; those with prefix `risk_` are of the
    decision's probability, from which the action follows.
    """

    run: str
    bundles: tuple[str, ...]
    transactions: int
    unlabelled: int
    customers: int
    frauds: int
    first_ms: int
    last_ms: int
    amount_of_frauds: float
    auc: Figure
    average_precision: Figure
    card_precision_100: Figure
    recall_at_false_positive_rate: dict[str, float | None]
    brier_score: float | None
    expected_calibration_error: float | None
    risk_average_precision: float | None
    risk_calibration_error: float | None
    thresholds: tuple[ThresholdRow, ...]
    budgets: tuple[BudgetThreshold, ...]
    patterns: tuple[PatternRow, ...]
    months: tuple[MonthRow, ...]
    reliability: tuple[ReliabilityBin, ...]


def evaluate_run(run: Run, thresholds: tuple[float, ...], budgets: tuple[int, ...]) -> EvaluationReport:
    """Measure a run. Raises RunFilesError where its truth has no fraud or no legitimate transaction."""
    outcomes, decisions = run.outcomes, run.decisions
    if outcomes is None:
        raise RunFilesError(f"{run.name}: no truth to measure by; give it with --truth")
    known = outcomes.known
    labels, probabilities = outcomes.is_fraud[known], decisions.probability[known]
    users, times_ms, amounts = decisions.user[known], decisions.time_ms[known], decisions.amount[known]
    if not labels.any() or labels.all():
        raise RunFilesError(f"{run.name}: {int(labels.sum())} frauds among {len(labels)} labelled transactions; "
                            "both kinds are needed to measure anything")  # fmt: skip
    intervals = CustomerBootstrap(labels, probabilities, users, times_ms).intervals(thresholds, CARDS_PER_DAY)
    bins = reliability(labels, probabilities, EDGES)

    def with_interval(value: float, name: str) -> Figure:
        interval = intervals.get(name, Interval(np.nan, np.nan))
        return Figure(defined(value), defined(interval.low), defined(interval.high))

    rows = []
    for threshold in thresholds:
        found = at_threshold(labels, probabilities, threshold)
        rows.append(
            ThresholdRow(
                threshold,
                found.alerts,
                with_interval(found.precision, f"precision {threshold}"),
                with_interval(found.recall, f"recall {threshold}"),
                defined(found.f1),
                defined(found.false_positive_rate),
                float(amounts[labels & (probabilities > threshold)].sum()),
            )
        )
    pattern_numbers = outcomes.pattern[known]
    cards = _card_precision(labels, probabilities, users, times_ms)
    return EvaluationReport(
        run=run.name,
        bundles=decisions.bundles,
        transactions=len(labels),
        unlabelled=int((~known).sum()),
        customers=len(np.unique(users)),
        frauds=int(labels.sum()),
        first_ms=int(times_ms.min()),
        last_ms=int(times_ms.max()),
        amount_of_frauds=float(amounts[labels].sum()),
        auc=with_interval(roc_auc(labels, probabilities), "auc"),
        average_precision=with_interval(average_precision(labels, probabilities), "average_precision"),
        card_precision_100=Figure(None) if cards is None else with_interval(cards, "card_precision"),
        recall_at_false_positive_rate={
            str(rate): defined(recall_at_false_positive_rate(labels, probabilities, rate))
            for rate in FALSE_POSITIVE_RATES
        },
        brier_score=defined(brier_score(labels, probabilities)),
        expected_calibration_error=defined(expected_calibration_error(bins)),
        risk_average_precision=defined(average_precision(labels, decisions.risk_probability[known])),
        risk_calibration_error=calibration_error(decisions.risk_probability, outcomes),
        thresholds=tuple(rows),
        budgets=tuple(budget_threshold(labels, probabilities, users, times_ms, budget) for budget in budgets),
        patterns=_patterns(labels, probabilities, amounts, pattern_numbers, outcomes.pattern_names, thresholds),
        months=_months(labels, probabilities, users, times_ms),
        reliability=tuple(bins),
    )


def _card_precision(labels: Column, probabilities: Column, users: Column, times_ms: Column) -> float | None:
    """Card precision@100; None where the days have too few users for it."""
    if not card_precision_applies(users, times_ms):
        return None
    return defined(card_precision_at_k(labels, probabilities, users, times_ms, CARDS_PER_DAY))


def _patterns(
    labels: Column,
    probabilities: Column,
    amounts: Column,
    numbers: Column,
    names: tuple[str, ...],
    thresholds: tuple[float, ...],
) -> tuple[PatternRow, ...]:
    limits = scores_at_false_positive_rates(labels, probabilities, FALSE_POSITIVE_RATES)
    rows = []
    for number in np.unique(numbers[labels]).tolist():
        inside = labels & (numbers == number)
        scores = probabilities[inside]
        rows.append(
            PatternRow(
                UNNAMED if number == NOT_NAMED else names[number],
                len(scores),
                float(amounts[inside].sum()),
                caught_above(scores, thresholds),
                caught_from(scores, limits),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.frauds, row.pattern)))


def _months(labels: Column, probabilities: Column, users: Column, times_ms: Column) -> tuple[MonthRow, ...]:
    months = times_ms.astype("datetime64[ms]").astype("datetime64[M]")
    rows = []
    for month in np.unique(months):
        inside = months == month
        y, p = labels[inside], probabilities[inside]
        rows.append(
            MonthRow(
                str(month),
                len(y),
                int(y.sum()),
                defined(roc_auc(y, p)),
                defined(average_precision(y, p)),
                _card_precision(y, p, users[inside], times_ms[inside]),
                float(p.mean()),
                float(y.mean()),
            )
        )
    return tuple(rows)
