"""Results of the card benchmark: metrics.json and a table on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
import numpy.typing as npt

from models.metrics import (
    average_precision,
    card_precision_at_k,
    expected_calibration_error,
    recall_at_false_positive_rate,
    reliability,
    roc_auc,
)

FALSE_POSITIVE_RATES = (0.001, 0.005, 0.01)
CARDS_PER_DAY = 100
CALIBRATION_EDGES = (0.0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)


class Metrics(msgspec.Struct, frozen=True):
    """Metrics of one score. Recall keys are maximum false-positive rates; undefined values are null."""

    auc_roc: float
    average_precision: float
    recall_at_false_positive_rate: dict[str, float]
    calibration_error: float
    card_precision_at_100: float


class Part(msgspec.Struct, frozen=True):
    """Size of a set of transactions: number, frauds, users, and first and last time (UTC)."""

    transactions: int
    frauds: int
    users: int
    first: str
    last: str


class Job(msgspec.Struct, frozen=True):
    """Throughput of the streaming job without its start-up; records are transactions and labels."""

    seconds: float
    records: int
    transactions: int
    transactions_per_second: float
    transactions_per_hour: float


class Result(msgspec.Struct, kw_only=True):
    """Content of metrics.json.

    `ours` is measured by the decisions' probability, `ours_model` by the model's, `ours_risk_score` by the risk score.
    `learned` are the transactions before the date whose labels were known by then, `measured` those of the later file
    from the date on; the other transactions of the stream are history. `seconds` is by step.
    """

    until: str
    learned: Part
    measured: Part
    history_of_later_file: int
    history_of_first_file: int
    duplicates_dropped: dict[str, int]
    unreadable_dropped: dict[str, int]
    ours: Metrics
    ours_model: Metrics
    ours_risk_score: Metrics
    xgboost: Metrics
    xgboost_features: tuple[str, ...]
    bundle_version: str
    settings: dict[str, Any]
    trees: int
    blend: dict[str, Any]
    job: Job
    seconds: dict[str, float]
    seconds_in_all: float


def measure(
    labels: npt.NDArray[np.bool_],
    probabilities: npt.NDArray[np.float64],
    user_ids: npt.NDArray[Any],
    times_ms: npt.NDArray[np.int64],
) -> Metrics:
    """Metrics of probabilities [n] of transactions [n]."""
    return Metrics(
        roc_auc(labels, probabilities),
        average_precision(labels, probabilities),
        {str(rate): recall_at_false_positive_rate(labels, probabilities, rate) for rate in FALSE_POSITIVE_RATES},
        expected_calibration_error(reliability(labels, probabilities, CALIBRATION_EDGES)),
        card_precision_at_k(labels, probabilities, user_ids, times_ms, CARDS_PER_DAY),
    )


def part_of(labels: npt.NDArray[np.bool_], user_ids: npt.NDArray[Any], times_ms: npt.NDArray[np.int64]) -> Part:
    """Summarises transactions [n]."""
    first, last = (
        str(np.datetime64(int(moment), "s")) + "Z" for moment in (times_ms.min() // 1000, times_ms.max() // 1000)
    )
    return Part(len(labels), int(labels.sum()), len(np.unique(user_ids)), first, last)


def write_results(result: Result, folder: Path) -> None:
    """Writes metrics.json."""
    (folder / "metrics.json").write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")


def print_results(result: Result) -> None:
    """Prints the scores side by side, the sizes of training and test data, and times."""
    learned, measured, job = result.learned, result.measured, result.job
    click.echo(
        f"\nlearned from {learned.transactions:,} transactions, {learned.frauds:,} frauds, {learned.users:,} users"
    )
    click.echo(
        f"measured     {measured.transactions:,} transactions, {measured.frauds:,} frauds, {measured.users:,} users, "
        f"{measured.first} to {measured.last}"
    )
    rates = "".join(f"{f'at {100 * rate:g} %':>9}" for rate in FALSE_POSITIVE_RATES)
    click.echo(f"\n{'':32}{'AUC':>8}{'AP':>8}{rates}{'calibr.':>9}{'CP@100':>8}")
    names = {
        "this project, decision": result.ours,
        "this project, risk score": result.ours_risk_score,
        "this project, model alone": result.ours_model,
        f"XGBoost, {len(result.xgboost_features)} plain columns": result.xgboost,
    }
    for name, metrics in names.items():
        recalls = "".join(f"{metrics.recall_at_false_positive_rate[str(rate)]:9.3f}" for rate in FALSE_POSITIVE_RATES)
        click.echo(
            f"{name:32}{metrics.auc_roc:8.4f}{metrics.average_precision:8.4f}{recalls}"
            f"{metrics.calibration_error:9.5f}{metrics.card_precision_at_100:8.4f}"
        )
    click.echo(
        "AP: average precision; at … %: recall at that false-positive rate; calibr.: expected calibration error;"
    )
    click.echo("CP@100: card precision of the 100 cards with the highest scores per day")
    click.echo(
        f"\njob: {job.transactions:,} transactions with as many labels in {job.seconds:.0f} s, "
        f"{job.transactions_per_second:,.0f} transactions/s ({job.transactions_per_hour / 1e6:.1f} million per hour)"
    )
    steps = ", ".join(f"{name} {seconds:.0f}" for name, seconds in result.seconds.items())
    click.echo(f"total {result.seconds_in_all:.0f} s: {steps}")
