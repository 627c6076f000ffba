"""Writes the evaluation as one HTML file with its charts, and the same figures as JSON."""

from __future__ import annotations

from pathlib import Path

import msgspec
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import precision_recall_curve

from reporting.charts.curve import thinned
from reporting.charts.figure import FRAUD, INK, Chart, draw_svg
from reporting.charts.reliability_curve import reliability_curve
from reporting.evaluation import EvaluationReport
from reporting.html import page_environment
from reporting.run_files import Run

NAME, TITLE = "precision-recall", "Precision and recall of the probability"
SIZE = (540, 320)


def write_evaluation(report: EvaluationReport, run: Run, folder: Path) -> tuple[Path, Path]:
    """Write evaluation.html and evaluation.json into `folder`; returns both paths. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    page, figures = folder / "evaluation.html", folder / "evaluation.json"
    charts = (_precision_recall(report, run), reliability_curve(run.decisions, run.outcomes, "model"))
    html = (
        page_environment()
        .get_template("evaluation.html.j2")
        .render(report=report, charts={chart.name: chart for chart in charts})
    )
    page.write_text(html, encoding="utf-8", newline="\n")
    figures.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    return page, figures


def _precision_recall(report: EvaluationReport, run: Run) -> Chart:
    assert run.outcomes is not None  # evaluate_run requires it
    known = run.outcomes.known
    precision, recall, _ = precision_recall_curve(run.outcomes.is_fraud[known], run.decisions.probability[known])

    def draw(axes: Axes) -> None:
        axes.plot(*thinned(recall[::-1], precision[::-1]), color=FRAUD)
        for row in report.thresholds:
            if row.precision.value is not None and row.recall.value is not None:
                axes.plot(row.recall.value, row.precision.value, "o", color=INK, markersize=6, clip_on=False)
                axes.annotate(
                    f"{row.threshold}", (row.recall.value, row.precision.value), (6, 4), textcoords="offset points"
                )
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel("recall: fraud that is caught")
        axes.set_ylabel("precision: alerts that are fraud")

    points = "; ".join(
        f"above {row.threshold}: precision {row.precision.value:.1%}, recall {row.recall.value:.1%}"
        for row in report.thresholds
        if row.precision.value is not None and row.recall.value is not None
    )
    return Chart(NAME, TITLE, f"Precision against recall at every threshold. {points}.", draw_svg(NAME, SIZE, draw))
