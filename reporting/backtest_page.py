"""Renders a backtest as one self-contained HTML page; the same backtest gives the same bytes."""

from __future__ import annotations

from models.backtest.report import BacktestReport
from reporting.html import page_environment
from udfs.records.outputs import ACTIONS


def backtest_html(report: BacktestReport) -> str:
    """The page as text; all text of rules and payments is escaped."""
    return (
        page_environment()
        .get_template("backtest.html.j2")
        .render(
            report=report,
            actions=ACTIONS,
            sets=(("before", report.before), ("after", report.after), ("model alone", report.model_alone)),
            newly={rule.id: _newly_alerted(rule.actions) for rule in report.rule_figures},
        )
    )


def _newly_alerted(actions: dict[str, dict[str, int]]) -> int:
    return sum(count for action, count in actions.get("allow", {}).items() if action != "allow")
