"""Distribution of the risk scores of fraudulent and legitimate transactions."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator

from reporting.charts.figure import FRAUD, LEGITIMATE, Chart, draw_svg, legend_above
from reporting.decisions import Column, Decisions
from reporting.formatting import plural
from reporting.truth import Outcomes

NAME, TITLE = "score-distribution", "Risk scores"
SIZE = (540, 320)
EDGES = np.linspace(0, 1000, 41)
_FLOOR = 0.6  # lower end of the log axis: a bin with one transaction must be visible


def score_distribution(decisions: Decisions, outcomes: Outcomes | None) -> Chart:
    """Histograms of fraud and legitimate transactions; without truth one histogram of all."""
    if not len(decisions.risk_score):
        return Chart(NAME, TITLE, "Left out: no transaction was scored.")
    if outcomes is None:
        groups = [("all transactions", decisions.risk_score, LEGITIMATE)]
    else:
        known, is_fraud = outcomes.known, outcomes.is_fraud
        groups = [
            ("legitimate", decisions.risk_score[known & ~is_fraud], LEGITIMATE),
            ("fraud", decisions.risk_score[is_fraud], FRAUD),
        ]

    def draw(axes: Axes) -> None:
        for label, scores, color in groups:
            counts = np.maximum(np.histogram(scores, EDGES)[0], _FLOOR)
            axes.stairs(counts, EDGES, baseline=_FLOOR, fill=True, color=color, alpha=0.25)
            axes.stairs(counts, EDGES, baseline=_FLOOR, color=color, linewidth=1.6, label=label)
        axes.set_yscale("log")
        axes.set_ylim(bottom=_FLOOR)
        axes.yaxis.set_major_locator(LogLocator(numticks=8))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.minorticks_off()
        axes.set_xlim(0, 1000)
        axes.set_xlabel("risk score")
        axes.set_ylabel("transactions (log scale)")
        axes.grid(axis="x", visible=False)
        legend_above(axes)

    spreads = "; ".join(_spread(label, scores) for label, scores, _ in groups)
    return Chart(
        NAME, TITLE, f"Histogram of the risk scores, counts on a log scale: {spreads}.", draw_svg(NAME, SIZE, draw)
    )


def _spread(label: str, scores: Column) -> str:
    if not len(scores):
        return f"{label}: none"
    lower, median, upper = np.percentile(scores, (5, 50, 95))
    return f"{label}: {plural(len(scores), 'transaction')}, median {median:.0f}, 90% from {lower:.0f} to {upper:.0f}"
