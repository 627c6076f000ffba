"""Alerts by hour or day, stacked by action."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reporting.alerts import Alerts
from reporting.charts.figure import BLOCK, CHALLENGE, FLAG, REFER, Chart, draw_svg, legend_above
from reporting.decisions import Column
from reporting.formatting import moment, plural
from udfs.records.outputs import ACTIONS

NAME, TITLE = "alerts-over-time", "Alerts over time"
SIZE = (1100, 270)
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
MOST_BINS = 170
MOST_TICKS = 12
_LAYERS = (("hard_block", "hard block", BLOCK), ("soft_challenge", "soft challenge", CHALLENGE),
           ("refer_to_analyst", "refer to analyst", REFER), ("allow", "flag only", FLAG))  # fmt: skip


class Bins(msgspec.Struct, frozen=True, eq=False):
    """Equal time bins aligned to whole hours or days UTC: edges [B + 1] and ticks in epoch milliseconds.

    `label` names the width of a bin.
    """

    label: str
    edges: Column
    ticks: Column
    tick_format: str


def bins_of(times_ms: Column) -> Bins:
    """Bins of the shortest width with which at most MOST_BINS cover the times (at least one time)."""
    first, last = int(times_ms.min()), int(times_ms.max())
    days = (last - first) // (DAY_MS * (MOST_BINS - 1)) + 1
    spans = {
        "hour": HOUR_MS,
        "6 hours": 6 * HOUR_MS,
        "day": DAY_MS,
        "7 days": 7 * DAY_MS,
        f"{days} days": days * DAY_MS,
    }
    label, span_ms = next(
        (label, span_ms) for label, span_ms in spans.items() if last // span_ms - first // span_ms < MOST_BINS
    )
    edges = np.arange(first // span_ms, last // span_ms + 2) * span_ms
    steps = [hours * HOUR_MS for hours in (1, 3, 6, 12, 24, 48, 96)] + [
        7 * DAY_MS * 2**doubled for doubled in range(20)
    ]
    start, end = int(edges[0]), int(edges[-1])
    step_ms = next(step for step in steps if end // step - start // step < MOST_TICKS)
    ticks = np.arange(-(-start // step_ms), end // step_ms + 1) * step_ms
    year = " %Y" if end - start > 300 * DAY_MS else ""
    return Bins(label, edges, ticks[ticks < end], "%d %b %H:%M" if step_ms < DAY_MS else "%d %b" + year)


def alerts_over_time(alerts: Alerts) -> Chart:
    """Histogram of all alerts by event time, stacked by action; those raised by a flag alone on top."""
    if not len(alerts.time_ms):
        return Chart(NAME, TITLE, "Left out: the run raised no alerts.")
    bins = bins_of(alerts.time_ms)
    layers = [
        (label, color, np.histogram(alerts.time_ms[alerts.action == ACTIONS.index(action)], bins.edges)[0])
        for action, label, color in _LAYERS
    ]

    def draw(axes: Axes) -> None:
        base = np.zeros(len(bins.edges) - 1)
        for label, color, counts in layers:
            axes.stairs(base + counts, bins.edges, baseline=base, fill=True, color=color, label=label)
            base = base + counts
        axes.set_xlim(bins.edges[0], bins.edges[-1])
        axes.set_ylim(0, max(base.max() * 1.05, 1))
        axes.set_xticks(bins.ticks)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(int(value), bins.tick_format)))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_ylabel(f"alerts per {bins.label}")
        axes.grid(axis="x", visible=False)
        legend_above(axes)

    total = sum(counts for _, _, counts in layers)
    peak = int(np.argmax(total))
    kinds = ", ".join(f"{int(counts.sum()):,} {label}" for label, _, counts in layers)
    return Chart(
        NAME,
        TITLE,
        f"Alerts per {bins.label} of event time (UTC), stacked by action: {kinds}. The maximum is "
        f"{plural(int(np.max(total)), 'alert')}, from {moment(int(bins.edges[peak]))}.",
        draw_svg(NAME, SIZE, draw),
    )


def _tick(time_ms: int, tick_format: str) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime(tick_format).lstrip("0")
