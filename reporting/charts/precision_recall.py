"""Precision against recall at every threshold, with the operating points of the run."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import precision_recall_curve

from reporting.charts.curve import thinned
from reporting.charts.figure import BLOCK, INK, PAPER, Chart, draw_svg, legend_above
from reporting.charts.needs_truth import missing_truth_reason
from reporting.charts.scores import scores_with_truth
from reporting.decisions import Decisions
from reporting.detection import Detection
from reporting.formatting import percent
from reporting.summary import Accuracy
from reporting.truth import Outcomes

NAME, TITLE = "precision-recall", "Precision and recall"
SIZE = (540, 340)


def precision_recall(decisions: Decisions, outcomes: Outcomes | None, accuracy: Accuracy | None) -> Chart:
    """Curves of the three scores, and the run's two operating points: any action, hard block."""
    reason = missing_truth_reason(outcomes)
    if reason is not None or outcomes is None or accuracy is None:
        return Chart(NAME, TITLE, reason or "")
    is_fraud, scores = outcomes.is_fraud[outcomes.known], scores_with_truth(decisions, outcomes)
    points = [("any action", accuracy.alerts, INK, "o"), ("hard block", accuracy.hard_blocks, BLOCK, "s")]

    def draw(axes: Axes) -> None:
        for score in scores:
            precision, recall, _ = precision_recall_curve(is_fraud, score.values)
            line = thinned(recall[::-1], precision[::-1])
            axes.plot(
                *line,
                score.dashes,
                color=score.color,
                label=score.label,
                zorder=score.layer,
                drawstyle="steps-pre",  # precision is not defined between two thresholds
            )
        for label, detection, color, marker in points:
            if detection.precision is not None and detection.recall is not None:
                axes.plot(
                    detection.recall,
                    detection.precision,
                    marker,
                    color=color,
                    markeredgecolor=PAPER,
                    markersize=9,
                    label=label,
                    clip_on=False,
                    zorder=5,
                )
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("recall: share of fraud caught")
        axes.set_ylabel("precision: share of alerts that are right")
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, 0))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, 0))
        legend_above(axes)

    return Chart(
        NAME,
        TITLE,
        "Precision-recall curves of the risk score, the model and the rules. Operating points: "
        + "; ".join(f"{_point(detection)} ({label})" for label, detection, _, _ in points)
        + ".",
        draw_svg(NAME, SIZE, draw),
    )


def _point(detection: Detection) -> str:
    return f"precision {percent(detection.precision)}, recall {percent(detection.recall)}"
