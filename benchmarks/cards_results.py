"""What the benchmark measured: metrics.json, and a table on the terminal."""

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
CARDS_A_DAY = 100
CALIBRATION_EDGES = (0.0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)


class Metrics(msgspec.Struct, frozen=True):
    """Of one score. Recalls by "at most this false-positive rate"; what has no case is null."""

    auc_roc: float
    average_precision: float
    recall_at_false_positive_rate: dict[str, float]
    calibration_error: float
    card_precision_at_100: float


class Part(msgspec.Struct, frozen=True):
    """Some transactions: how many, how many frauds and users, and the first and last time (UTC)."""

    transactions: int
    frauds: int
    users: int
    first: str
    last: str


class Job(msgspec.Struct, frozen=True):
    """How fast the streaming job was, its start not counted; a record is a transaction or a label."""

    seconds: float
    records: int
    transactions: int
    transactions_per_second: float
    transactions_per_hour: float


class Result(msgspec.Struct, kw_only=True):
    """metrics.json. `ours` is the decisions' probability, `ours_model` the model's alone, `ours_risk_score` score / 1000.

    `learned` are the transactions before the date whose labels were known by then, `measured` those of the later file
    from the date on; the other transactions of the stream are history. Seconds are by step.
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
    """The metrics of probabilities [n] on transactions [n]."""
    return Metrics(
        roc_auc(labels, probabilities),
        average_precision(labels, probabilities),
        {str(rate): recall_at_false_positive_rate(labels, probabilities, rate) for rate in FALSE_POSITIVE_RATES},
        expected_calibration_error(reliability(labels, probabilities, CALIBRATION_EDGES)),
        card_precision_at_k(labels, probabilities, user_ids, times_ms, CARDS_A_DAY),
    )


def part_of(labels: npt.NDArray[np.bool_], user_ids: npt.NDArray[Any], times_ms: npt.NDArray[np.int64]) -> Part:
    """Some transactions [n] in figures."""
    first, last = (
        str(np.datetime64(int(moment), "s")) + "Z" for moment in (times_ms.min() // 1000, times_ms.max() // 1000)
    )
    return Part(len(labels), int(labels.sum()), len(np.unique(user_ids)), first, last)


def write_results(result: Result, folder: Path) -> None:
    """metrics.json."""
    (folder / "metrics.json").write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")


def print_results(result: Result) -> None:
    """The scores side by side, what was learned from and measured, and the time."""
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
    click.echo("AP: average precision; at … %: share of frauds caught at that share of false positives; calibr.:")
    click.echo("mean distance of probability and outcome; CP@100: card precision of the 100 likeliest cards a day")
    click.echo(
        f"\nthe job: {job.transactions:,} transactions with as many labels in {job.seconds:.0f} s, "
        f"{job.transactions_per_second:,.0f} transactions/s ({job.transactions_per_hour / 1e6:.1f} million an hour)"
    )
    steps = ", ".join(f"{name} {seconds:.0f}" for name, seconds in result.seconds.items())
    click.echo(f"{result.seconds_in_all:.0f} s in all: {steps}")
