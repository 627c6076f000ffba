"""Renders a matplotlib figure to inline SVG: coloured by CSS variables, accessible, the same bytes for the same data."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from io import StringIO
from typing import Any

import msgspec
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Placeholder colours: replaced by CSS variables in the SVG, so that one drawing serves the light and the dark theme.
INK, MUTED, LINE, PAPER = "#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04"
FRAUD, LEGITIMATE = "#0a0b05", "#0a0b06"
BLOCK, CHALLENGE, REFER, FLAG = "#0a0b07", "#0a0b08", "#0a0b09", "#0a0b0a"
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    LINE: "line",
    PAPER: "card",
    FRAUD: "fraud",
    LEGITIMATE: "legitimate",
    BLOCK: "block",
    CHALLENGE: "challenge",
    REFER: "refer",
    FLAG: "flag",
}
PIXELS_AN_INCH = 72  # SVG user units of matplotlib
TEXT_SIZE = 12

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "text.color": INK,
    "font.family": "DejaVu Sans",
    "font.size": TEXT_SIZE,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.labelsize": TEXT_SIZE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "figure.facecolor": "none",
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": TEXT_SIZE,
    "legend.labelcolor": INK,
    "lines.linewidth": 2.0,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": TEXT_SIZE,
    "ytick.labelsize": TEXT_SIZE,
}


class Chart(msgspec.Struct, frozen=True):
    """A drawing as inline SVG with a text description; `svg` is empty where it cannot be drawn, `description` says why."""

    name: str
    title: str
    description: str
    svg: str = ""


def legend_above(axes: Axes) -> None:
    """Place the legend in one row above the axes."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=len(axes.get_legend_handles_labels()[0]),
        borderaxespad=0.2,
        borderpad=0.3,
        columnspacing=1.4,
        handlelength=1.8,
        handletextpad=0.5,
    )


def draw_svg(name: str, size: tuple[int, int], draw: Callable[[Axes], None]) -> str:
    """The SVG of what `draw` draws on axes of `size` pixels. `name` prefixes its ids, to be unique within the page."""
    width, height = size
    with rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the browser's fonts render the text
        figure = Figure(figsize=(width / PIXELS_AN_INCH, height / PIXELS_AN_INCH), layout="constrained")
        draw(figure.subplots())
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _for_a_page(name, text.getvalue())


def _for_a_page(name: str, document: str) -> str:
    svg = document[document.index("<svg") :].rstrip()
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    root, rest = svg.split(">", 1)
    root = re.sub(r' (?:xmlns(?::\w+)?|width|height|version)="[^"]*"', "", root)
    svg = f'{root} aria-hidden="true" focusable="false">{rest}'
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = svg.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    for placeholder, variable in _VARIABLES.items():
        svg = svg.replace(placeholder, f"var(--{variable})")
    return re.sub(r"\n\s*", "\n", svg)
