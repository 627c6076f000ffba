"""Prints the result of a parity check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from udfs.records.outputs import SHORT_OF_VALUES

if TYPE_CHECKING:
    from rich.console import Console

    from models.parity import ParityReport, Place

MOST_ROWS = 20
WIDTH_OF_A_FILE = 160


def show_parity(report: ParityReport) -> None:
    """Print the result in one line, the features with most mismatches with an example each, and details."""
    from rich.console import Console

    click.echo(
        f"{report.compared:,} transactions compared with {report.decisions:,} logged decisions, feature set "
        f"{report.feature_set_version}: {_percent(report.mismatching, report.compared)} mismatch, "
        f"{report.missing:,} without a decision, {report.surplus:,} decisions in surplus"
    )
    if report.differences:
        console = Console()
        print_differences(report, console if console.is_terminal else Console(width=WIDTH_OF_A_FILE))
        if len(report.differences) > MOST_ROWS:
            click.echo(f"and {len(report.differences) - MOST_ROWS} features more")
    for line in _detail_lines(report):
        click.echo(f"  {line}")


def print_differences(report: ParityReport, console: Console) -> None:
    """Print a row a feature, the most frequent first; where the terminal is narrow texts wrap, no number is cropped."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from reporting.terminal_table import fit

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("feature", "mismatching", "example: transaction", "of user", "logged", "recomputed"):
        is_number = heading in {"mismatching", "logged", "recomputed"}
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in report.differences[:MOST_ROWS]:
        texts = (
            row.feature,
            _percent(row.transactions, report.compared),
            _name(row.example),
            row.example.user_id,
            _value(row.logged),
            _value(row.recomputed),
        )
        table.add_row(*map(Text, texts))
    fit(table, console.width, console)
    console.print(table)


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
    degraded = {status: count for status, count in report.enrichment.items() if status in SHORT_OF_VALUES}
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
