"""The replay of one decision as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from models.decision_replay import WINDOWS, Derived, Difference, Moment, RuleView
from reporting.html import page_environment
from reporting.replayed_text import SIGNS, comparison_rows, moment, told, value_text
from udfs.records.outputs import Decision

LINE_WIDTH = 1_000


class DrawnWindow(NamedTuple):
    """A window: its name, the places of its events from 0 to LINE_WIDTH, and its totals."""

    name: str
    marks: list[tuple[float, Moment, str]]
    payments: int
    total: str
    others: int


def write_replay(
    path: Path,
    recorded: Decision | None,
    derived: Derived,
    views: Sequence[RuleView],
    found: Sequence[Difference],
    today: Derived | None = None,
) -> None:
    """Write the page. Raises OSError."""
    path.write_text(replay_html(recorded, derived, views, found, today), encoding="utf-8", newline="\n")


def replay_html(
    recorded: Decision | None,
    derived: Derived,
    views: Sequence[RuleView],
    found: Sequence[Difference],
    today: Derived | None = None,
) -> str:
    """The page as text; all text of records and rules is escaped."""
    heads = ["recorded", "derived", *(["would be"] if today is not None else [])]
    decisions = [recorded, derived.decision, *([today.decision] if today is not None else [])]
    page = page_environment()
    page.filters |= {"told": told, "instant": moment}
    return page.get_template("replay.html.j2").render(
        decision=derived.decision,
        recorded=recorded,
        heads=heads,
        rows=comparison_rows(*decisions),
        windows=[_drawn(name, width_ms, derived) for name, width_ms in WINDOWS],
        line_width=LINE_WIDTH,
        views=views,
        signs=SIGNS,
        value_text=value_text,
        differences=found,
        features=derived.features,
        differing={one.name.removeprefix("features.") for one in found if one.name.startswith("features.")},
    )


def _drawn(name: str, width_ms: int, derived: Derived) -> DrawnWindow:
    end_ms = derived.event.timestamp
    within = [one for one in derived.moments if end_ms - width_ms < one.at_ms]
    paid = [one for one in within if one.kind == "transaction"]
    marks = [
        (
            round(LINE_WIDTH * (1 - (end_ms - one.at_ms) / width_ms), 1),
            one,
            f"{moment(one.at_ms)}, {one.kind} {one.event_id}",
        )
        for one in within
    ]
    return DrawnWindow(name, marks, len(paid), told(sum(one.amount or 0.0 for one in paid)), len(within) - len(paid))
