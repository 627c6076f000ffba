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
from reporting.words import moment, plural
from udfs.outputs import ACTIONS

NAME, TITLE = "alerts-over-time", "Alerts over time"
SIZE = (1100, 270)
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
MOST_BINS = 170
MOST_TICKS = 12
_LAYERS = (("hard_block", "hard block", BLOCK), ("soft_challenge", "soft challenge", CHALLENGE),
           ("refer_to_analyst", "refer to analyst", REFER), ("allow", "flag only", FLAG))  # fmt: skip


class Bins(msgspec.Struct, frozen=True, eq=False):
    """Equal spans of time that begin at whole hours or days UTC: edges [B + 1] and ticks in epoch milliseconds."""

    words: str
    edges: Column
    ticks: Column
    tick_format: str


def bins_of(times_ms: Column) -> Bins:
    """The shortest span of which at most 170 cover the times (at least one)."""
    first, last = int(times_ms.min()), int(times_ms.max())
    days = (last - first) // (DAY_MS * (MOST_BINS - 1)) + 1
    spans = {
        "hour": HOUR_MS,
        "6 hours": 6 * HOUR_MS,
        "day": DAY_MS,
        "7 days": 7 * DAY_MS,
        f"{days} days": days * DAY_MS,
    }
    words, span_ms = next(
        (words, span_ms) for words, span_ms in spans.items() if last // span_ms - first // span_ms < MOST_BINS
    )
    edges = np.arange(first // span_ms, last // span_ms + 2) * span_ms
    steps = [hours * HOUR_MS for hours in (1, 3, 6, 12, 24, 48, 96)] + [
        7 * DAY_MS * 2**doubled for doubled in range(20)
    ]
    start, end = int(edges[0]), int(edges[-1])
    step_ms = next(step for step in steps if end // step - start // step < MOST_TICKS)
    ticks = np.arange(-(-start // step_ms), end // step_ms + 1) * step_ms
    year = " %Y" if end - start > 300 * DAY_MS else ""
    return Bins(words, edges, ticks[ticks < end], "%d %b %H:%M" if step_ms < DAY_MS else "%d %b" + year)


def alerts_over_time(alerts: Alerts) -> Chart:
    """All alerts by event time, those raised by a flag alone on top."""
    if not len(alerts.time_ms):
        return Chart(NAME, TITLE, "Left out: the run raised no alerts.")
    bins = bins_of(alerts.time_ms)
    layers = [
        (words, color, np.histogram(alerts.time_ms[alerts.action == ACTIONS.index(action)], bins.edges)[0])
        for action, words, color in _LAYERS
    ]

    def draw(axes: Axes) -> None:
        base = np.zeros(len(bins.edges) - 1)
        for words, color, counts in layers:
            axes.stairs(base + counts, bins.edges, baseline=base, fill=True, color=color, label=words)
            base = base + counts
        axes.set_xlim(bins.edges[0], bins.edges[-1])
        axes.set_ylim(0, max(base.max() * 1.05, 1))
        axes.set_xticks(bins.ticks)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(int(value), bins.tick_format)))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_ylabel(f"alerts per {bins.words}")
        axes.grid(axis="x", visible=False)
        legend_above(axes)

    total = sum(counts for _, _, counts in layers)
    peak = int(np.argmax(total))
    kinds = ", ".join(f"{int(counts.sum()):,} {words}" for words, _, counts in layers)
    return Chart(
        NAME,
        TITLE,
        f"Alerts per {bins.words} of event time (UTC), stacked by action: {kinds}. The most were "
        f"{plural(int(np.max(total)), 'alert')} from {moment(int(bins.edges[peak]))}.",
        draw_svg(NAME, SIZE, draw),
    )


def _tick(time_ms: int, tick_format: str) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime(tick_format).lstrip("0")
