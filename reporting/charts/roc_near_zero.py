"""The usable part of the ROC curve: false-positive rates of at most 5%."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import roc_curve

from reporting.charts.curve import thinned
from reporting.charts.figure import INK, MUTED, PAPER, Chart, draw_svg, legend_above
from reporting.charts.needs_truth import missing_truth_reason
from reporting.charts.scores import scores_with_truth
from reporting.decisions import Column, Decisions
from reporting.formatting import percent
from reporting.summary import Accuracy
from reporting.truth import Outcomes

NAME, TITLE = "roc-near-zero", "Fraud caught at small false-positive rates"
SIZE = (540, 340)
HIGHEST_RATE = 0.05
GUIDES = (0.01, 0.03)


def roc_near_zero(decisions: Decisions, outcomes: Outcomes | None, accuracy: Accuracy | None) -> Chart:
    """ROC curves of the three scores up to a false-positive rate of 5%, with guides at 1% and 3%."""
    reason = missing_truth_reason(outcomes)
    if reason is not None or outcomes is None or accuracy is None:
        return Chart(NAME, TITLE, reason or "")
    is_fraud, scores = outcomes.is_fraud[outcomes.known], scores_with_truth(decisions, outcomes)
    alerts = accuracy.alerts

    def draw(axes: Axes) -> None:
        for guide in GUIDES:
            axes.axvline(guide, color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
        for score in scores:
            rates, recalls, _ = roc_curve(is_fraud, score.values)
            line = thinned(*_up_to(rates, recalls))
            axes.plot(*line, score.dashes, color=score.color, label=score.label, zorder=score.layer)
        rate, recall = alerts.false_positive_rate, alerts.recall
        if rate is not None and recall is not None and rate <= HIGHEST_RATE:
            axes.plot(
                rate,
                recall,
                "o",
                color=INK,
                markeredgecolor=PAPER,
                markersize=9,
                label="any action",
                clip_on=False,
                zorder=5,
            )
        axes.set_xlim(0, HIGHEST_RATE)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("false-positive rate: share of legitimate transactions stopped")
        axes.set_ylabel("share of fraud caught")
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, 0))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, 0))
        legend_above(axes)

    at_guides = "; ".join(
        f"{ranking.score} {percent(ranking.recall_at_1_percent_fpr)} and {percent(ranking.recall_at_3_percent_fpr)}"
        for ranking in accuracy.rankings
    )
    return Chart(
        NAME,
        TITLE,
        f"ROC curves up to a false-positive rate of 5%. Caught at 1% and at 3%: {at_guides}.",
        draw_svg(NAME, SIZE, draw),
    )


def _up_to(rates: Column, recalls: Column) -> tuple[Column, Column]:
    """The curve up to HIGHEST_RATE, its last point interpolated linearly."""
    inside = rates <= HIGHEST_RATE
    end = float(np.interp(HIGHEST_RATE, rates, recalls))
    return np.append(rates[inside], HIGHEST_RATE), np.append(recalls[inside], end)
