"""Renders the report as one self-contained HTML file; the same run gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reporting import formatting
from reporting.charts.alerts_over_time import alerts_over_time
from reporting.charts.figure import Chart
from reporting.charts.precision_recall import precision_recall
from reporting.charts.reliability_curve import reliability_curve
from reporting.charts.roc_near_zero import roc_near_zero
from reporting.charts.score_distribution import score_distribution
from reporting.headline import headline, run_sentence
from reporting.identity import transaction_key
from reporting.meanings import MEANINGS
from reporting.run_files import Run
from reporting.summary import Summary
from reporting.truth import NOT_NAMED
from udfs.records.outputs import Alert

MOST_ROWS = 200  # of a table; a run may have thousands of rules or patterns
MAX_REASON_LENGTH = 300


class TopAlert(msgspec.Struct, frozen=True):
    """An alert with its outcome: `fraud`, `legitimate`, or empty if not known; `pattern` is empty without a name."""

    alert: Alert
    outcome: str
    pattern: str


def write_report(run: Run, summary: Summary, path: Path) -> None:
    """Write the page to `path`. Raises OSError."""
    path.write_text(report_html(run, summary), encoding="utf-8", newline="\n")


def report_html(run: Run, summary: Summary) -> str:
    """The page as text. All text of the run's files is escaped; only the SVG charts are inserted as they are."""
    decisions, outcomes, accuracy = run.decisions, run.outcomes, summary.accuracy
    charts = (
        score_distribution(decisions, outcomes),
        precision_recall(decisions, outcomes, accuracy),
        roc_near_zero(decisions, outcomes, accuracy),
        reliability_curve(decisions, outcomes),
        alerts_over_time(run.alerts),
    )
    return (
        page_environment()
        .get_template("report.html.j2")
        .render(
            summary=summary,
            accuracy=accuracy,
            sentence=run_sentence(summary),
            headline=headline(summary),
            charts={chart.name: chart for chart in charts},
            top_alerts=[_with_outcome(run, alert) for alert in run.alerts.top],
            facts=run.facts.all,
            meanings=MEANINGS,
            most_rows=MOST_ROWS,
        )
    )


def _with_outcome(run: Run, alert: Alert) -> TopAlert:
    outcomes = run.outcomes
    if outcomes is None or alert.transaction_id is None:
        return TopAlert(alert, "", "")
    rows = np.flatnonzero(run.decisions.key == np.uint64(transaction_key(alert.user_id, alert.transaction_id)))
    if not len(rows) or not outcomes.known[rows[0]]:
        return TopAlert(alert, "", "")
    pattern = int(outcomes.pattern[rows[0]])
    return TopAlert(
        alert,
        "fraud" if outcomes.is_fraud[rows[0]] else "legitimate",
        "" if pattern == NOT_NAMED else outcomes.pattern_names[pattern],
    )


def page_environment() -> Environment:
    """The Jinja environment of all pages: shared filters, autoescaping on."""
    environment = Environment(
        loader=PackageLoader("reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "amount": formatting.amount,
        "count": formatting.count,
        "drawing": _drawing,
        "milliseconds": formatting.milliseconds,
        "moment": formatting.moment,
        "percent": formatting.percent,
        "ratio": formatting.ratio,
        "raw": _raw,
        "second": formatting.second,
        "text": _text,
    }
    environment.globals |= {"plural": formatting.plural, "action_labels": formatting.ACTION_LABELS}
    return environment


def _drawing(chart: Chart) -> Markup:
    """The chart's SVG as markup; matplotlib has escaped its text."""
    return Markup(chart.svg)


def _raw(value: float | int | None) -> str:
    """The unformatted number, for the value attribute of <data>."""
    return "" if value is None else repr(value)


def _text(value: Any, length: int = MAX_REASON_LENGTH) -> str:
    return formatting.shortened(formatting.visible(str(value)), length)
