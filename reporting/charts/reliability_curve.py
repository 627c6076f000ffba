"""Reliability diagram: observed share of fraud against predicted probability."""

from __future__ import annotations

from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter

from models.metrics import expected_calibration_error, reliability
from reporting.charts.figure import LEGITIMATE, MUTED, PAPER, Chart, draw_svg, legend_above
from reporting.charts.needs_truth import missing_truth_reason
from reporting.decisions import Decisions
from reporting.detection import CALIBRATION_EDGES
from reporting.formatting import plural
from reporting.truth import Outcomes
from udfs.values.wilson import wilson_interval

NAME = "reliability"
TITLES = {"risk score": "Reliability of the risk score", "model": "Reliability of the model's probabilities"}
SIZE = (540, 320)
EDGES = CALIBRATION_EDGES
LOWEST = 1e-4  # of the axes; smaller values are drawn at the edge, hollow
TICKS = (0.0001, 0.001, 0.01, 0.1, 0.3, 1.0)


def reliability_curve(
    decisions: Decisions, outcomes: Outcomes | None, score: Literal["risk score", "model"] = "risk score"
) -> Chart:
    """Observed against predicted share of fraud with 95% intervals; log axes, since most probabilities are small."""
    title, reason = TITLES[score], missing_truth_reason(outcomes)
    if reason is not None or outcomes is None:
        return Chart(NAME, title, reason or "")
    probabilities = decisions.risk_probability if score == "risk score" else decisions.probability
    bins = reliability(outcomes.is_fraud[outcomes.known], probabilities[outcomes.known], EDGES)

    def draw(axes: Axes) -> None:
        axes.plot((LOWEST, 1), (LOWEST, 1), color=MUTED, linewidth=1, linestyle=(0, (4, 3)), label="perfect")
        drawn = [_on_axes(part.predicted) for part in bins], [_on_axes(part.observed) for part in bins]
        axes.plot(*drawn, color=LEGITIMATE, linewidth=1.2, alpha=0.6)
        for part, x, y in zip(bins, *drawn, strict=True):
            low, high = wilson_interval(part.observed * part.rows, part.rows)
            axes.plot((x, x), (_on_axes(low), _on_axes(high)), color=LEGITIMATE, linewidth=1.6)
            is_at_edge = part.observed < LOWEST or part.predicted < LOWEST
            face = PAPER if is_at_edge else LEGITIMATE
            axes.plot(x, y, "o", color=LEGITIMATE, markerfacecolor=face, markersize=7, clip_on=False, zorder=4)
        axes.set(xscale="log", yscale="log", xlim=(LOWEST, 1.1), ylim=(LOWEST, 1.1))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(FixedLocator(TICKS))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g}%"))
        axes.minorticks_off()
        axes.set_xlabel("predicted probability (mean of a bin)")
        axes.set_ylabel("share that was fraud")
        legend_above(axes)

    shown = "; ".join(
        f"predicted {part.predicted:.2%}, observed {part.observed:.2%} of {plural(part.rows, 'transaction')}"
        for part in bins
    )
    return Chart(
        NAME,
        title,
        f"{title} in {plural(len(bins), 'bin')}, on logarithmic axes; bars are 95% "
        f"intervals. Mean distance between the two: {expected_calibration_error(bins):.3%}. {shown}.",
        draw_svg(NAME, SIZE, draw),
    )


def _on_axes(value: float) -> float:
    return max(value, LOWEST)
