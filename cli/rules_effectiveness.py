"""`fraud rules effectiveness`: were live and shadow rules right, by the labels that came later."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.progress import progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from models.backtest.effectiveness import EffectivenessReport, SetEffect
    from models.backtest.labels import Unlabelled


@click.command(name="effectiveness")
@click.option("--over", "place", required=True, metavar="RUN|PARQUET|STORE",
              help="Decisions: a run's folder, Parquet of `fraud store export`, or a decision store's URL.")  # fmt: skip
@click.option("--until", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), metavar="TIME",
              help="Use nothing that was not known by then (UTC): neither payments nor labels.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="File for json.  [default: standard output]")
@click.option("--unlabelled", type=click.Choice(["legitimate", "unknown"]), default="legitimate", show_default=True,
              help="What a payment is that has no label after 30 days.")  # fmt: skip
@click.option("--events", type=click.Path(path_type=Path),
              help="Events that were scored, with labels; those that the run names by default.")  # fmt: skip
@click.option("--labels", multiple=True, type=click.Path(path_type=Path),
              help="More files with labels; may be given again.")  # fmt: skip
def effectiveness(
    place: str,
    until: object,
    form: str,
    out: Path | None,
    unlabelled: Unlabelled,
    events: Path | None,
    labels: tuple[Path, ...],
) -> None:
    """Join the hits that decisions recorded, of live and of shadow rules, with the labels that came later.

    Precision has bounds that hold however often one looks. A shadow set is compared with the live rules on the same
    payments: exact McNemar test, differences with intervals over users. See docs/backtest.md.

    \b
    fraud rules effectiveness --over sqlite:///out/console/store.sqlite
    fraud rules effectiveness --over decisions.parquet --until 2026-03-01 --format json
    """
    from datetime import UTC, datetime

    from cli.decision_table import Over, decision_table
    from models.backtest.effectiveness import effectiveness as look
    from udfs.process.owner_only import owner_only

    click.get_current_context().with_resource(owner_only())
    until_ms = int(until.replace(tzinfo=UTC).timestamp() * 1000) if isinstance(until, datetime) else None
    with decision_table(Over(place, events, labels)) as table:
        horizon_ms = until_ms if until_ms is not None else table.newest_moment_ms() or 0
        with progress_bar("joining hits and labels") as progress:
            report = look(table, horizon_ms, until_ms, unlabelled, progress)
    if form == "table":
        return _show(report)
    import msgspec

    content = msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
    if out is None:
        return click.echo(content.decode(), nl=False)
    try:
        out.write_bytes(content)
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {error.strerror}; choose another path with --out") from None
    click.echo(str(out))


def _show(report: EffectivenessReport) -> None:
    from rich.console import Console

    from reporting.formatting import moment
    from reporting.terminal_table import WIDTH, fit

    console = Console(width=max(WIDTH, Console().width))
    click.echo(
        f"{report.payments:,} decisions, {report.frauds:,} frauds, {report.legitimate:,} legitimate; "
        f"labels until {moment(report.horizon_ms)} UTC"
    )
    for found in (report.live, *report.shadows):
        for table in (_rules(found), *([] if found.comparison is None else _comparisons(found))):
            click.echo()
            fit(table, console.width, console)
            console.print(table)
    if not report.shadows:
        click.echo("\nno decision has results of shadow rules")


def _rules(found: SetEffect) -> Table:
    from rich.markup import escape

    from reporting.formatting import amount, count, percent
    from reporting.terminal_table import table_of

    versions = ", ".join(map(str, found.versions))
    title = f"{escape(found.set)}, version {versions}: {found.alerts:,} alerts on {found.payments:,} payments"
    if found.failed:
        title += f", failed on {found.failed:,} more"
    table = table_of(title, "rule", "hits", "frauds", "precision", "95 %", "at every look", "money caught", "wrongly")
    for rule in sorted(found.rules, key=lambda rule: (-rule.frauds, -rule.hits, rule.id)):
        precision, bounds = rule.precision, rule.bounds
        table.add_row(
            escape(rule.id), count(rule.hits), count(rule.frauds), percent(precision.value),
            "—" if precision.low is None else f"{percent(precision.low)} to {percent(precision.high)}",
            f"{percent(bounds.low)} to {percent(bounds.high)}", amount(rule.amount_caught), amount(rule.amount_wrong),
        )  # fmt: skip
    return table


def _comparisons(found: SetEffect) -> list[Table]:
    from rich.markup import escape

    from reporting.formatting import count, percent
    from reporting.terminal_table import table_of

    comparison = found.comparison
    assert comparison is not None
    pairs = table_of(
        f"{escape(found.set)} and live on the same {comparison.payments:,} payments with a known outcome", "payments",
        "both", "live only", "shadow only", "McNemar-p", "shadow's share, at every look", "verdict",
    )  # fmt: skip
    for name, pair in (("frauds", comparison.frauds), ("legitimate", comparison.legitimate)):
        bounds = f"{percent(pair.shadow_share.low)} to {percent(pair.shadow_share.high)}"
        pairs.add_row(
            name,
            count(pair.both),
            count(pair.live_only),
            count(pair.shadow_only),
            f"{pair.p_value:.4f}",
            bounds,
            pair.verdict,
        )
    moved = table_of("Differences, over users", "figure", "live", "shadow", "shadow - live", "95 %")
    for item in comparison.differences:
        interval = "—" if item.low is None else f"{_figure(item.low)} to {_figure(item.high)}"
        moved.add_row(item.name, _figure(item.live), _figure(item.shadow), _figure(item.difference), interval)
    return [pairs, moved]


def _figure(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:,.4f}" if abs(value) < 10 else f"{value:,.0f}"
