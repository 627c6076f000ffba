"""Shows a backtest in the terminal."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.backtest.report import BacktestReport, RuleFigures, SetFigures
from models.backtest.wilson import Share
from reporting.formatting import ACTION_LABELS, amount, count, moment, percent
from reporting.terminal_table import WIDTH, fit, table_of
from udfs.records.outputs import ACTIONS

FACTS = ("action", "before", "after", "model alone")


def show(report: BacktestReport) -> None:
    """Print the rule set's figures, those of each rule, and what limits them."""
    console = Console(width=max(WIDTH, Console().width))
    data, against = report.data, report.against
    before = f"against {against.name} version {against.version}" if against else "against what was decided then"
    click.echo(f"backtest {report.id}: {report.rules.name} version {report.rules.version}, {before}")
    click.echo(
        f"{data.decisions:,} decisions from {moment(data.first_ms)} to {moment(data.last_ms)} UTC, "
        f"{data.frauds:,} frauds, {data.legitimate:,} legitimate; labels until {moment(report.horizon_ms)}"
    )
    for note in report.notes:
        click.echo(f"note: {note}")
    for table in (_actions(report), _quality(report), _rules(report.rule_figures), _money(report.rule_figures)):
        click.echo()
        fit(table, console.width, console)
        console.print(table)
    if report.removed:
        click.echo(f"\nno longer there: {', '.join(report.removed)}")


def _actions(report: BacktestReport) -> Table:
    table = table_of("Decisions by action", *FACTS)
    for action in ACTIONS:
        sets = (report.before, report.after, report.model_alone)
        table.add_row(ACTION_LABELS[action], *(count(found.actions[action]) for found in sets))
    return table


def _quality(report: BacktestReport) -> Table:
    table = table_of("Alerts", "", "before", "after", "model alone")
    sets = (report.before, report.after, report.model_alone)

    def row(name: str, *cells: str) -> None:
        table.add_row(name, *cells)

    row("alerts a day", *(_number(found.alerts_a_day) for found in sets))
    row("precision", *(_share(found.precision) for found in sets))
    row("fraud caught", *(_share(found.caught) for found in sets))
    row("money caught", *(amount(found.amount_caught) for found in sets))
    row("money wrongly alerted", *(amount(found.amount_wrong) for found in sets))
    row("… of it stopped", *(amount(found.amount_wrongly_stopped) for found in sets))
    for place, cohort in enumerate(report.after.cohorts):
        row(f"precision after {cohort.days} days", *(_cohort(found, place) for found in sets))
    return table


def _cohort(found: SetFigures, place: int) -> str:
    return _share(found.cohorts[place].precision)


def _rules(rules: list[RuleFigures]) -> Table:
    table = table_of(
        "Rules", "rule", "change", "hits", "before", "of all", "frauds", "precision (95 %)", "caught", "unique frauds"
    )
    for rule in rules:
        table.add_row(
            escape(rule.id), rule.change, count(rule.hits), count(rule.hits_before), percent(rule.trigger_rate),
            count(rule.frauds), _share(rule.precision), percent(rule.caught.value), count(rule.unique_frauds),
        )  # fmt: skip
    return table


def _money(rules: list[RuleFigures]) -> Table:
    table = table_of(
        "Money and effect of rules", "rule", "caught", "wrongly", "alerts a day", "newly alerted", "overlaps most with"
    )
    for rule in rules:
        newly = sum(rule.actions.get("allow", {}).get(action, 0) for action in ACTIONS[1:])
        overlap = f"{rule.overlaps[0].rule_id} {percent(rule.overlaps[0].share)}" if rule.overlaps else ""
        table.add_row(
            escape(rule.id), amount(rule.amount_caught), amount(rule.amount_wrong), _number(rule.alerts_a_day),
            count(newly), escape(overlap),
        )  # fmt: skip
    return table


def _share(found: Share) -> str:
    if found.value is None or found.low is None or found.high is None:
        return "—"
    return f"{percent(found.value)} ({percent(found.low)} to {percent(found.high)})"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:,.1f}"
