"""The report as one HTML file: nothing is fetched when it is opened, and the same run gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reporting import words
from reporting.charts.alerts_over_time import alerts_over_time
from reporting.charts.figure import Chart
from reporting.charts.precision_recall import precision_recall
from reporting.charts.reliability_curve import reliability_curve
from reporting.charts.roc_near_zero import roc_near_zero
from reporting.charts.score_distribution import score_distribution
from reporting.headline import headline, in_one_sentence
from reporting.identity import transaction_key
from reporting.meanings import MEANINGS
from reporting.run_files import Run
from reporting.summary import Summary
from reporting.truth import NOT_NAMED
from udfs.outputs import Alert

MOST_ROWS = 200  # of a table, so that a run with thousands of rules or patterns still makes a readable page
MAX_REASON_LENGTH = 300


class TopAlert(msgspec.Struct, frozen=True):
    """An alert with what it turned out to be: `fraud`, `legitimate`, or empty where nobody knows."""

    alert: Alert
    outcome: str
    pattern: str


def write_report(run: Run, summary: Summary, path: Path) -> None:
    """Write the page. Raises OSError where the file cannot be written."""
    path.write_text(report_html(run, summary), encoding="utf-8", newline="\n")


def report_html(run: Run, summary: Summary) -> str:
    """The page as text. Everything that comes from the run's files is escaped; only our own drawings are not."""
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
            sentence=in_one_sentence(summary),
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
    """Templates with the filters that all pages share; what is not ours is escaped."""
    environment = Environment(
        loader=PackageLoader("reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "amount": words.amount,
        "count": words.count,
        "drawing": _drawing,
        "milliseconds": words.milliseconds,
        "moment": words.moment,
        "percent": words.percent,
        "ratio": words.ratio,
        "raw": _raw,
        "second": words.second,
        "words": _words,
    }
    environment.globals |= {"plural": words.plural, "action_words": words.ACTION_WORDS}
    return environment


def _drawing(chart: Chart) -> Markup:
    """matplotlib's SVG, in which all text is escaped already."""
    return Markup(chart.svg)


def _raw(value: float | int | None) -> str:
    """The number itself, for programs that read the page."""
    return "" if value is None else repr(value)


def _words(value: Any, length: int = MAX_REASON_LENGTH) -> str:
    return words.shortened(words.visible(str(value)), length)
