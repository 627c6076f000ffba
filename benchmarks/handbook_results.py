"""Results of the handbook benchmark: a table on the terminal and metrics.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
import numpy as np

from benchmarks.handbook_protocol import Metrics
from benchmarks.handbook_week import DateResult

NAMES = ("auc_roc", "average_precision", "card_precision_at_100")


def write_results(result: DateResult, folder: Path) -> None:
    """Writes metrics.json to the date's folder."""
    (folder / "metrics.json").write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")


def print_results(results: Sequence[DateResult]) -> None:
    """Prints the metrics side by side, one line per date and the mean."""
    click.echo(
        f"\n{'':12}{'this project':^24}{'its risk score':^24}{'its model alone':^24}{'handbook, 15 features':^24}"
    )
    click.echo(f"{'train start':12}" + f"{'AUC':>7} {'AP':>7} {'CP@100':>7} " * 4)
    columns = [
        [_values(part) for part in (result.ours, result.risk_score, result.model_alone, result.handbook)]
        for result in results
    ]
    for result, values in zip(results, columns, strict=True):
        click.echo(f"{result.train_start:12}" + _line(values))
    if len(results) > 1:
        click.echo(f"{'mean':12}" + _line(np.mean(columns, axis=0).tolist()))
    greatest = max(result.greatest_difference for result in results)
    rows = sum(result.online_offline_rows for result in results)
    overlap = np.average(
        [result.explanations.top_3_overlap for result in results],
        weights=[result.explanations.alerts for result in results],
    )
    click.echo(
        f"\nmodel probability, job against offline evaluation: maximum difference {greatest:.1e} over {rows:,} rows"
    )
    alerts = sum(result.explanations.alerts for result in results)
    click.echo(f"reasons against exact TreeSHAP: {overlap:.1%} of the top three agree, over {alerts:,} alerts")


def _values(metrics: Metrics | None) -> list[float]:
    return [float("nan") if metrics is None else getattr(metrics, name) for name in NAMES]


def _line(parts: Sequence[Sequence[float]]) -> str:
    return "".join(f"{value:7.4f} " for part in parts for value in part)
