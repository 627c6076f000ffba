"""Prints the result of a parity check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from models.parity import ParityReport, Place

MOST_ROWS = 20
WIDTH_OF_A_FILE = 160


def show_parity(report: ParityReport) -> None:
    """Print the result in one line, the features with most mismatches with an example each, and details."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    click.echo(
        f"{report.compared:,} transactions compared with {report.decisions:,} logged decisions, feature set "
        f"{report.feature_set_version}: {_percent(report.mismatching, report.compared)} mismatch, "
        f"{report.missing:,} without a decision, {report.surplus:,} decisions in surplus"
    )
    if report.differences:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in ("feature", "mismatching", "example: transaction", "of user", "logged", "recomputed"):
            table.add_column(heading, justify="right" if heading in {"mismatching", "logged", "recomputed"} else "left")
        for row in report.differences[:MOST_ROWS]:
            table.add_row(
                row.feature,
                _percent(row.transactions, report.compared),
                _name(row.example),
                row.example.user_id,
                _value(row.logged),
                _value(row.recomputed),
            )
        console = Console()
        if not console.is_terminal:
            console = Console(width=WIDTH_OF_A_FILE)
        console.print(table)
        if len(report.differences) > MOST_ROWS:
            click.echo(f"and {len(report.differences) - MOST_ROWS} features more")
    for line in _detail_lines(report):
        click.echo(f"  {line}")


def _detail_lines(report: ParityReport) -> list[str]:
    lines = []
    for description, examples in (
        ("without a decision", report.missing_examples),
        ("in surplus", report.surplus_examples),
    ):
        if examples:
            names = ", ".join(f"{_name(example)} of {example.user_id}" for example in examples)
            lines.append(f"{description}, for example: {names}")
    if report.not_logged:
        lines.append(f"features of this version that decisions lack: {', '.join(report.not_logged)}")
    if report.not_recomputed:
        lines.append(f"features of decisions that this version does not have: {', '.join(report.not_recomputed)}")
    degraded = {status: count for status, count in report.enrichment.items() if status != "ok"}
    if degraded:
        counts = ", ".join(f"{count:,} {status}" for status, count in sorted(degraded.items()))
        lines.append(
            f"enrichment not ok in {counts}: features from a store may differ; "
            f"{report.mismatching_not_ok:,} of the {report.mismatching:,} mismatching are among them"
        )
    if report.repeated:
        lines.append(f"{report.repeated:,} lines are repeated in identical bytes, as at-least-once allows")
    return lines + report.notes


def _name(place: Place) -> str:
    return place.transaction_id if place.enrichment in ("", "ok") else f"{place.transaction_id} ({place.enrichment})"


def _percent(count: int, total: int) -> str:
    share = f"{count / total:.4%}" if total else "-"
    return f"{count:,} ({share})"


def _value(value: float | None) -> str:
    return "not known" if value is None else repr(value)
